package results

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// version1 is a study that a harness of schema version 1 wrote: a failed trial, two runs,
// of which one has 20 requests.
func version1(t *testing.T) Store {
	t.Helper()
	s := testStore(t)
	if err := os.CopyFS(s.Dir, os.DirFS("testdata/version1")); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVersion1IsRead(t *testing.T) {
	s := version1(t)
	c := read(t, s)
	if len(c.Trials) != 1 || c.Trials[0].FailureClass != "crash" || len(c.Trials[0].Params) != 5 {
		t.Errorf("trials: %+v", c.Trials)
	}
	if len(c.Runs) != 2 || !c.Runs[1].Valid || c.Runs[1].Requests != 20 {
		t.Errorf("runs: %+v", c.Runs)
	}
	if r := c.Requests["t0001-c8-r1"]; len(r) != 20 || r[19].ChunkNS[1] != 38 || r[19].Error != "19" {
		t.Errorf("requests: %+v", r)
	}
	if samples := c.Samples["t0001"]; len(samples) != 1 || samples[0].Value != 3 {
		t.Errorf("samples: %+v", samples)
	}
	if bad, err := s.Audit(c.Runs); err != nil || len(bad) > 0 {
		t.Errorf("audit: %v, %v", bad, err)
	}
	// It goes on in the version of today, and is packed into one file of it.
	addTrial(t, s, "t0002")
	before := read(t, s)
	pack(t, s)
	same(t, before, read(t, s))
}

// Columns that came after a part was written are zero or null, however many rows it has.
func TestAbsentColumnsAreZero(t *testing.T) {
	type later struct {
		RunID   string   `parquet:"run_id,dict"`
		Count   int64    `parquet:"count"`
		Share   *float64 `parquet:"share,optional"`
		Word    string   `parquet:"word,dict"`
		Done    bool     `parquet:"done"`
		List    []int64  `parquet:"list,list"`
		ChunkNS []int64  `parquet:"chunk_ns,list"`
	}
	s := version1(t)
	for id, n := range map[string]int{"t0001-c4-r1": 2, "t0001-c8-r1": 20} {
		rows, err := rowsOfPart[later](s, new(packedFile), requestsDir, id)
		if err != nil || len(rows) != n {
			t.Fatalf("%s: %d rows, %v", id, len(rows), err)
		}
		for i, r := range rows {
			if r.RunID != id || r.Count != 0 || r.Share != nil || r.Word != "" || r.Done || len(r.List) != 0 {
				t.Errorf("%s: row %d is %+v", id, i, r)
			}
		}
		if i := n - 1; n == 20 && (len(rows[i].ChunkNS) != 2 || rows[i].ChunkNS[1] != 38) {
			t.Errorf("%s: row %d is %+v", id, i, rows[i])
		}
	}
}

func TestForeignSchemaVersionIsRefused(t *testing.T) {
	s := testStore(t)
	if err := s.WriteSamples("t0001", []Sample{{StudyID: "s", TrialID: "t0001"}}); err != nil {
		t.Fatal(err)
	}
	path := s.part(samplesDir, "t0001")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The version is one byte long and follows its key in the footer.
	text := string(data)
	at := strings.LastIndex(text, schemaKey) + len(schemaKey)
	data[at+strings.Index(text[at:], SchemaVersion)] = '9'
	if err := seal(memoryFile{bytes.NewReader(data), data}, int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = s.Samples("t0001")
	var bad *BadPart
	if !errors.As(err, &bad) || !strings.Contains(bad.Why, `schema version "9", and this harness reads ["1" "2"]`) {
		t.Errorf("%v", err)
	}
}
