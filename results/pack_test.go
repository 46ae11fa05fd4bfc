package results

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// contents is all that a study holds, as its readers give it.
type contents struct {
	Trials   []Trial
	Runs     []Run
	Requests map[string][]Request
	Samples  map[string][]Sample
}

func read(t *testing.T, s Store) contents {
	t.Helper()
	c := contents{Requests: map[string][]Request{}, Samples: map[string][]Sample{}}
	var bad, badRuns []*BadPart
	var err, errRuns error
	c.Trials, bad, err = s.Trials()
	c.Runs, badRuns, errRuns = s.Runs()
	if err != nil || errRuns != nil || len(bad)+len(badRuns) > 0 {
		t.Fatal(err, errRuns, bad, badRuns)
	}
	for _, r := range c.Runs {
		if c.Requests[r.RunID], err = s.Requests(r.RunID); err != nil {
			t.Fatal(err)
		}
	}
	for _, tr := range c.Trials {
		if c.Samples[tr.TrialID], err = s.Samples(tr.TrialID); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// same compares contents; a parameter that a trial did not have is null once packed.
func same(t *testing.T, want, got contents) {
	t.Helper()
	set := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Params" }, cmp.Transformer("set", func(ps []Param) map[string]string {
		m := map[string]string{}
		for _, p := range ps {
			if p.Value != nil {
				m[p.Name] = valueText(p.Value)
			}
		}
		return m
	}))
	if diff := cmp.Diff(want, got, set, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

func pack(t *testing.T, s Store) map[string]Packed {
	t.Helper()
	done, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	byTable := map[string]Packed{}
	for _, p := range done {
		byTable[p.Table] = p
	}
	return byTable
}

func files(t *testing.T, s Store, table string) []string {
	t.Helper()
	entries, err := os.ReadDir(s.part(table, "")[:len(s.part(table, ""))-len(partSuffix)])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestPackedStudyReadsTheSame(t *testing.T) {
	s := smallStudy(t)
	if err := s.WriteRun(Run{StudyID: "s", TrialID: "t0002", RunID: "t0002-c9-r1", ClientErrorP99: math.NaN(), StartedAt: time.Unix(1, 0).UTC()}, []Request{{StudyID: "s", TrialID: "t0002", RunID: "t0002-c9-r1"}}); err != nil {
		t.Fatal(err)
	}
	before := read(t, s)
	done := pack(t, s)
	if done[runsDir].Files != 3 || done[runsDir].Rows != 3 || done[requestsDir].Rows != 5 || done[trialsDir].Rows != 2 {
		t.Errorf("%+v", done)
	}
	for _, table := range tableDirs {
		if got := files(t, s, table); !slices.Equal(got, []string{"packed.parquet"}) {
			t.Errorf("%s has %v", table, got)
		}
	}
	same(t, before, read(t, s))
	if runs, _, err := s.RunsOf("t0002"); err != nil || len(runs) != 2 {
		t.Errorf("runs of one trial: %v, %v", runs, err)
	}
	if done := pack(t, s); done[runsDir].Files != 0 {
		t.Errorf("packed again: %+v", done)
	}

	// And goes on: parts beside the packed file, then merged with it.
	addTrial(t, s, "t0003")
	both := read(t, s)
	if len(both.Trials) != 3 || len(both.Runs) != 4 {
		t.Errorf("%d trials and %d runs after it went on", len(both.Trials), len(both.Runs))
	}
	if done := pack(t, s); done[trialsDir].Files != 2 || done[trialsDir].Rows != 3 {
		t.Errorf("%+v", done)
	}
	same(t, both, read(t, s))
	if _, err := s.Requests("t0009-c1-r1"); err == nil || !strings.Contains(err.Error(), "t0009-c1-r1") {
		t.Errorf("a run that there is not: %v", err)
	}
}

// Columns that not all trials have, and those of other types, are made one.
func TestPackUnifiesParameters(t *testing.T) {
	s := smallStudy(t)
	addTrial(t, s, "t0003", Param{"chunk", IntColumn, int64(7)}, Param{"mode", BoolColumn, true})
	addTrial(t, s, "t0004", Param{"chunk", FloatColumn, 0.5}, Param{"mode", StringColumn, "auto"})
	before := read(t, s)
	pack(t, s)
	after := read(t, s)
	same(t, before, after)
	value := func(i int, name string) any {
		k := slices.IndexFunc(after.Trials[i].Params, func(p Param) bool { return p.Name == name })
		return after.Trials[i].Params[k].Value
	}
	if got := []any{value(0, "chunk"), value(2, "chunk"), value(3, "chunk"), value(2, "mode"), value(3, "mode")}; !slices.Equal(got, []any{nil, 7.0, 0.5, "true", "auto"}) {
		t.Errorf("%v", got)
	}
}

// A pack that was stopped after it put the merged file in place: no row counts twice,
// and the next pack clears up.
func TestStoppedPackCountsNothingTwice(t *testing.T) {
	s := smallStudy(t)
	left := map[string][]byte{}
	for _, table := range tableDirs {
		for _, name := range files(t, s, table) {
			path := s.part(table, strings.TrimSuffix(name, partSuffix))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			left[path] = data
		}
	}
	before := read(t, s)
	pack(t, s)
	for path, data := range left {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	same(t, before, read(t, s))
	pack(t, s)
	same(t, before, read(t, s))
	if got := files(t, s, runsDir); len(got) != 1 {
		t.Errorf("still there: %v", got)
	}
}

func TestDamagedStudyIsNotPacked(t *testing.T) {
	s := smallStudy(t)
	path := s.part(requestsDir, "t0001-c4-r1")
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pack(); err == nil || !strings.Contains(err.Error(), path) || len(files(t, s, runsDir)) != 2 {
		t.Errorf("%v", err)
	}
}

// A packed file that is damaged is named, and nothing of it read.
func TestDamagedPackedFile(t *testing.T) {
	s := smallStudy(t)
	pack(t, s)
	path := s.part(runsDir, packedID)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if runs, bad, err := s.Runs(); err != nil || len(runs) != 0 || len(bad) != 1 || bad[0].Path != path {
		t.Errorf("%v, %v, %v", runs, bad, err)
	}
}
