package replay

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// curve is one ask as a row of the curves' file.
type curve struct {
	Table   string  `parquet:"table,dict"`
	Method  string  `parquet:"method,dict"`
	Seed    uint64  `parquet:"seed"`
	Ask     int32   `parquet:"ask"` // from 1
	Config  uint64  `parquet:"config"`
	Purpose string  `parquet:"purpose,dict"`
	Failed  bool    `parquet:"failed"`
	HV      float64 `parquet:"hv"`
	AskS    float64 `parquet:"ask_s"`
}

// WriteCurves writes a Parquet file with a row for each ask of the runs: table,
// method, seed, ask (from 1), config (its rank), purpose, failed, hv (the share after
// it) and ask_s. The file appears whole or not at all.
func (p *Problem) WriteCurves(path string, runs []Run) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("curves: %w", err)
	}
	defer os.Remove(f.Name()) // fails, as it should, after the rename
	w := parquet.NewGenericWriter[curve](f, parquet.Compression(&zstd.Codec{}))
	for _, run := range runs {
		rows := make([]curve, len(run.Asks))
		for i, a := range run.Asks {
			rows[i] = curve{p.Table, run.Method, run.Seed, int32(i + 1), a.Rank, a.Purpose, a.Failed, a.HV, a.Seconds}
		}
		if _, err = w.Write(rows); err != nil {
			break
		}
	}
	for _, finish := range []func() error{w.Close, f.Sync, f.Close} {
		if cerr := finish(); err == nil {
			err = cerr
		}
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("curves: %w", err)
	}
	return nil
}
