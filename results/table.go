package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
)

// packedID is the name of the file that holds the rows of parts that were merged. No
// part has it.
const packedID = "packed"

const partSuffix = ".parquet"

// A table is one kind of rows, with one in each part.
type table[T any] struct {
	name   string
	part   func(*T) string // the part that a row belongs to
	study  func(*T) string
	read   func(p *part) ([]T, error)
	write  func(w io.Writer, rows []T, more ...parquet.WriterOption) error // not sealed
	images images
	params func(*T) *[]Param // nil: it has none
}

var (
	requestSchema = parquet.SchemaOf(Request{})
	runSchema     = parquet.SchemaOf(Run{})
	sampleSchema  = parquet.SchemaOf(Sample{})
	trialSchema   = parquet.SchemaOf(Trial{})

	trialTable = table[Trial]{trialsDir, func(t *Trial) string { return t.TrialID }, func(t *Trial) string { return t.StudyID },
		readTrials, writeTrials, newImages(trialSchema), func(t *Trial) *[]Param { return &t.Params }}
	runTable = table[Run]{runsDir, func(r *Run) string { return r.RunID }, func(r *Run) string { return r.StudyID },
		rowsOf[Run], writeRuns, newImages(runSchema), nil}
)

func writeRuns(w io.Writer, runs []Run, more ...parquet.WriterOption) error {
	return encodeInto(w, runSchema, runs, more...)
}

// load reads the rows of the packed file and of the parts that are not in it, ordered by
// part. Files that cannot be used are named in bad and left out; err is for a folder
// that cannot be read. Only parts, and packed rows, that keep accepts are read.
func (t table[T]) load(s Store, keep func(id string) bool) (rows []T, bad []*BadPart, err error) {
	ids, packed, err := s.ids(t.name)
	if err != nil {
		return nil, nil, err
	}
	have := map[string]bool{}
	if packed {
		all, b, err := t.readFile(s, packedID)
		if err != nil {
			return nil, nil, err
		}
		if b != nil {
			bad = append(bad, b)
		}
		for _, r := range all {
			if id := t.part(&r); keep(id) {
				rows = append(rows, r)
				have[id] = true
			}
		}
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return have[id] || !keep(id) })
	read := make([][]T, len(ids))
	bads, errs := make([]*BadPart, len(ids)), make([]error, len(ids))
	parallel(len(ids), func(i int) { read[i], bads[i], errs[i] = t.readFile(s, ids[i]) })
	for i := range ids {
		rows = append(rows, read[i]...)
		if bads[i] != nil {
			bad = append(bad, bads[i])
		}
	}
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(t.part(&a), t.part(&b)) })
	return rows, bad, errors.Join(errs...)
}

// readFile reads one part or the packed file, and holds what it says against its name.
func (t table[T]) readFile(s Store, id string) ([]T, *BadPart, error) {
	var b *BadPart
	p, err := verifiedPart(s.part(t.name, id))
	if errors.As(err, &b) {
		return nil, b, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	rows, ok := t.image(p)
	if !ok {
		if err = p.parse(); err == nil {
			rows, err = t.read(p)
		}
	}
	for i := range rows {
		if err == nil {
			err = s.belongs(p, id, t.part(&rows[i]), t.study(&rows[i]))
		}
	}
	if err == nil && id != packedID && len(rows) != 1 {
		err = p.bad("%d rows, want 1", len(rows))
	}
	if errors.As(err, &b) {
		return nil, b, nil
	}
	return rows, nil, err
}

// image is the row of a part that has an image of it.
func (t table[T]) image(p *part) (rows []T, ok bool) {
	packed := findImage(p.footer())
	if packed == nil {
		return nil, false
	}
	rows = make([]T, 1)
	text, ok := t.images.restore(packed, &rows[0])
	if ok && t.params != nil {
		ok = json.Unmarshal(text, t.params(&rows[0])) == nil
	}
	return rows, ok
}

// encodeRow returns the bytes of the part of one row.
func (t table[T]) encodeRow(row T) ([]byte, error) {
	var params []Param
	if t.params != nil {
		params = *t.params(&row)
	}
	var buf bytes.Buffer
	image, err := t.images.of(&row, params)
	if err == nil {
		err = t.write(&buf, []T{row}, parquet.KeyValueMetadata(imageKey, image))
	}
	if err != nil {
		return nil, err
	}
	return sealed(buf.Bytes())
}

// belongs refuses what was copied here from elsewhere.
func (s Store) belongs(p *part, id, rowID, study string) error {
	if id != packedID && rowID != id {
		return p.bad("it holds %s: a copy, or renamed", rowID)
	}
	if s.StudyID != "" && study != s.StudyID {
		return p.bad("it is of study %s, and this is %s", study, s.StudyID)
	}
	return nil
}

// ids lists the parts of a table, in order, and whether there is a packed file.
func (s Store) ids(table string) (ids []string, packed bool, err error) {
	ids, err = names(filepath.Join(s.Dir, table), partSuffix)
	n := len(ids)
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == packedID })
	return ids, len(ids) < n, err
}

// names lists what a folder has with a suffix, without it, in order. A folder that is
// not there has nothing.
func names(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && !strings.HasPrefix(id, ".") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids) // not the order of the files: "r1.2" comes after "r1"
	return ids, nil
}

// parallel calls do for 0 to n-1, as many at once as there are processors.
func parallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// span is a stretch of rows of one part.
type span struct {
	id      string
	study   string
	from, n int64
}

// partColumn names the column that tells which part a row belongs to.
var partColumn = map[string]string{requestsDir: "run_id", runsDir: "run_id", samplesDir: "trial_id", trialsDir: "trial_id"}

// spans reads the keys of a file, which is quick, and tells where the rows of each part
// are. Rows of a part lie together.
func (p *part) spans(table string) ([]span, error) {
	var list []span
	err := p.eachText(partColumn[table], func(row int, id string) {
		if n := len(list); n > 0 && list[n-1].id == id {
			list[n-1].n++
			return
		}
		list = append(list, span{id: id, from: int64(row), n: 1})
	})
	if err != nil {
		return nil, err
	}
	i := 0
	err = p.eachText("study_id", func(row int, study string) {
		if i < len(list) && int64(row) == list[i].from {
			list[i].study = study
			i++
		}
	})
	return list, err
}

func (p *part) eachText(column string, take func(row int, text string)) error {
	leaf, ok := p.Schema().Lookup(column)
	if !ok || leaf.Node.Type().Kind() != parquet.ByteArray {
		return p.bad("it has no column %s", column)
	}
	last := ""
	return eachValue(p, leaf.ColumnIndex, func(row int, v parquet.Value) {
		if text := v.ByteArray(); string(text) != last { // compares without a copy
			last = string(text)
		}
		take(row, last)
	})
}
