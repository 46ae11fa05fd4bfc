package results

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// Packed is what Pack did with one table.
type Packed struct {
	Table       string
	Files       int   // that were merged, an older packed file included; 0: there was nothing to do
	Rows        int64 // in the packed file
	BytesBefore int64
	Bytes       int64 // of the packed file
}

// Pack merges the files of each table into one, packed.parquet beside them, which has
// the same schema. The merged file takes its place whole, after it was read back and
// found equal, row by row; only then are its sources removed. Where Pack is stopped in
// between, readers of this package still count each row once, and the next Pack removes
// what was left over. A study that was packed can go on, and be packed again. The caller
// holds the study's lock. Nothing is changed where a file is damaged.
func (s Store) Pack() ([]Packed, error) {
	runs, bad, err := s.Runs()
	if err != nil {
		return nil, err
	}
	trials, badTrials, err := s.Trials()
	if err != nil {
		return nil, err
	}
	audited, err := s.Audit(runs)
	if err != nil {
		return nil, err
	}
	for _, b := range slices.Concat(badTrials, bad, audited) {
		return nil, fmt.Errorf("nothing was packed, for a file cannot be used: %w: continue the study, which sets it aside and measures again, or move it away", b)
	}
	// Requests first: a run whose row is there has its requests.
	var done []Packed
	for _, pack := range []func() (Packed, error){
		func() (Packed, error) { return packer[Request]{s, requestsDir, requestWeight}.pack() },
		func() (Packed, error) { return packer[Sample]{s, samplesDir, one[Sample]}.pack() },
		func() (Packed, error) { return packer[Run]{s, runsDir, one[Run]}.pack() },
		func() (Packed, error) { return s.packTrials(trials) },
	} {
		p, err := pack()
		if err != nil {
			return done, err
		}
		done = append(done, p)
	}
	return done, nil
}

// packer merges the files of one table, in memory that does not grow with them.
type packer[T any] struct {
	store  Store
	table  string
	weight func(*T) int
}

func (k packer[T]) pack() (Packed, error) {
	m, err := k.store.merge(k.table)
	if err != nil || len(m.parts) == 0 {
		return m.Packed, err
	}
	schema := parquet.SchemaOf(new(T))
	rows := k.rows(m.sources())
	m.write = func(w io.Writer, h *rowHash) error {
		out := parquet.NewGenericWriter[T](w, writerOptions(schema)...)
		held := 0
		for batch, err := range rows {
			if err != nil {
				return err
			}
			for i := range batch {
				h.add(schema.Deconstruct(nil, &batch[i]))
				held += k.weight(&batch[i])
			}
			if _, err := out.Write(batch); err != nil {
				return err
			}
			if held > groupWeight {
				held = 0
				if err := out.Flush(); err != nil {
					return err
				}
			}
		}
		return out.Close()
	}
	m.read = func(p *part, h *rowHash) error {
		return each(p, 0, p.NumRows(), func(batch []T) error {
			for i := range batch {
				h.add(schema.Deconstruct(nil, &batch[i]))
			}
			return nil
		})
	}
	return m.run()
}

// rows reads files one after another.
func (k packer[T]) rows(paths []string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for _, path := range paths {
			p, err := openPart(path)
			if err == nil {
				err = each(p, 0, p.NumRows(), func(batch []T) error {
					if !yield(batch, nil) {
						return errStopped
					}
					return nil
				})
				p.Close()
			}
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

var errStopped = errors.New("stopped")

// packTrials merges trials, whose columns may differ from one to the next.
func (s Store) packTrials(trials []Trial) (Packed, error) {
	m, err := s.merge(trialsDir)
	if err != nil || len(m.parts) == 0 {
		return m.Packed, err
	}
	add := func(h *rowHash, trials []Trial) {
		for i := range trials {
			h.add(trialSchema.Deconstruct(nil, &trials[i]))
			h.params(trials[i].Params)
		}
	}
	m.write = func(w io.Writer, h *rowHash) error {
		add(h, trials)
		return writeTrials(w, trials)
	}
	m.read = func(p *part, h *rowHash) error {
		back, err := readTrials(p)
		add(h, back)
		return err
	}
	return m.run()
}

// merging is one table on its way into one file.
type merging struct {
	Packed
	store Store
	old   bool     // there is a packed file already
	parts []string // that are not in it
	twice []string // that are: the last Pack was stopped before it removed them
	write func(w io.Writer, h *rowHash) error
	read  func(p *part, h *rowHash) error
}

// merge finds what there is to merge. What an earlier Pack left over is removed.
func (s Store) merge(table string) (*merging, error) {
	m := &merging{store: s, Packed: Packed{Table: table}}
	ids, old, err := s.ids(table)
	if err != nil {
		return m, err
	}
	m.old = old
	have := map[string]bool{}
	if old {
		p, err := openPart(s.part(table, packedID))
		if err != nil {
			return m, err
		}
		list, err := p.spans(table)
		p.Close()
		if err != nil {
			return m, err
		}
		for _, sp := range list {
			have[sp.id] = true
		}
	}
	for _, id := range ids {
		if have[id] {
			m.twice = append(m.twice, id)
		} else {
			m.parts = append(m.parts, id)
		}
	}
	return m, s.remove(table, m.twice)
}

// sources are the paths of the files to merge, the packed one first.
func (m *merging) sources() []string {
	var paths []string
	if m.old {
		paths = append(paths, m.store.part(m.Table, packedID))
	}
	for _, id := range m.parts {
		paths = append(paths, m.store.part(m.Table, id))
	}
	return paths
}

// run writes the merged file, reads it back, gives it its place, and removes the parts.
func (m *merging) run() (Packed, error) {
	for _, path := range m.sources() {
		info, err := os.Stat(path)
		if err != nil {
			return m.Packed, err
		}
		m.Files++
		m.BytesBefore += info.Size()
	}
	written, back := newRowHash(), newRowHash()
	dir := filepath.Join(m.store.Dir, m.Table)
	tmp, err := writeTemporary(dir, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if err := m.write(w, written); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			m.Bytes = info.Size()
			err = seal(f, m.Bytes)
		}
		return err
	})
	if err != nil {
		return m.Packed, fmt.Errorf("pack %s: %w", m.Table, err)
	}
	if err := m.readBack(tmp, written, back); err != nil {
		os.Remove(tmp)
		return m.Packed, fmt.Errorf("pack %s: the merged file was not put in place: %w", m.Table, err)
	}
	m.Rows = back.rows
	if err := publish(tmp, m.store.part(m.Table, packedID)); err != nil {
		return m.Packed, fmt.Errorf("pack %s: %w", m.Table, err)
	}
	return m.Packed, m.store.remove(m.Table, m.parts)
}

func (m *merging) readBack(tmp string, written, back *rowHash) error {
	p, err := openPart(tmp)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := m.read(p, back); err != nil {
		return err
	}
	if written.rows != back.rows || !bytes.Equal(written.Sum(nil), back.Sum(nil)) {
		return fmt.Errorf("%d rows were written, and the %d that were read back are not the same", written.rows, back.rows)
	}
	return nil
}

func (s Store) remove(table string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if err := os.Remove(s.part(table, id)); err != nil {
			return err
		}
	}
	return syncDir(filepath.Join(s.Dir, table))
}

// rowHash tells whether two sequences of rows are equal, NaN included.
type rowHash struct {
	hash.Hash
	rows int64
	buf  []byte
}

func newRowHash() *rowHash { return &rowHash{Hash: sha256.New()} }

func (h *rowHash) add(row parquet.Row) {
	h.rows++
	h.buf = h.buf[:0]
	for _, v := range row {
		h.buf = append(h.buf, byte(v.Kind()), byte(v.RepetitionLevel()), byte(v.DefinitionLevel()))
		h.buf = binary.LittleEndian.AppendUint16(h.buf, uint16(v.Column()))
		if !v.IsNull() {
			start := len(h.buf)
			h.buf = v.AppendBytes(append(h.buf, 0, 0, 0, 0))
			binary.LittleEndian.PutUint32(h.buf[start:], uint32(len(h.buf)-start-4))
		}
	}
	h.Write(h.buf)
}

// params adds a trial's parameters, whatever the width of their columns. A column that
// the trial did not have is null in the merged file, as one of an omitted flag is.
func (h *rowHash) params(params []Param) {
	var set []string
	for _, p := range params {
		if p.Value != nil {
			set = append(set, fmt.Sprintf("%q=%q", p.Name, valueText(p.Value)))
		}
	}
	slices.Sort(set)
	fmt.Fprintln(h, set)
}
