package study

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
)

// A lattice of 1,000 configs.
const largeSpec = `
schema: 1
engine: fake
about: a lattice for tests
parameters:
  - {name: batch, flag: --batch, kind: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], default: 4}
  - {name: slots, flag: --slots, kind: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], default: 4}
  - {name: depth, flag: --depth, kind: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], default: 4}
constraints: []
`

// bytesPerTrial is what a study may keep of a trial with its runs, here about eight. Run
// rows are most of it.
const bytesPerTrial = 10_000

// A running study keeps the rows of its history, and nothing else that grows; nor does
// it keep more where it goes on.
func TestMemoryIsThatOfTheRows(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's own memory grows")
	}
	spec := parseSpec(t, largeSpec)
	lattice := compileSpec(t, spec)
	lock := testLock(spec, lattice)
	lock.Repeats, lock.Precision, lock.SentinelEvery = 4, 0.03, 12
	s, err := Create(filepath.Join(t.TempDir(), "study"), lock, spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	const first, last = 40, 160
	live := map[int]uint64{}
	e := &fakeExecutor{noise: spread(1, 0.01, 0.02), enrich: func(t *results.Trial) {
		t.EffectiveConfig, t.LogTail = strings.Repeat("{}", 4000), strings.Repeat("line\n", 400)
	}}
	e.before = func(bench.Plan) {
		if n := len(e.plans); n == first || n == last {
			e.plans = e.plans[:n:n]
			clear(e.plans) // they are the test's own
			live[n] = heap()
		}
	}
	goal := Goal{Mode: search.Random, Purpose: Ask, Trials: last + 1}
	run(t, s, e, goal, Complete)
	grown := (float64(live[last]) - float64(live[first])) / (last - first)
	runs := float64(len(stateOf(t, s).Runs)) / float64(len(stateOf(t, s).Trials))
	t.Logf("%.0f bytes for each trial of %.1f runs", grown, runs)
	if grown > bytesPerTrial {
		t.Errorf("the study keeps %.0f bytes for each trial of %.1f runs, more than %d", grown, runs, bytesPerTrial)
	}
	before := heap()
	goal.Trials = 1
	again := &fakeExecutor{}
	again.before = func(bench.Plan) { live[0] = heap() }
	run(t, reopen(t, s), again, goal, Complete)
	if kept := (float64(live[0]) - float64(before)) / last; kept > bytesPerTrial {
		t.Errorf("where it goes on it keeps %.0f bytes for each trial, more than %d", kept, bytesPerTrial)
	} else {
		t.Logf("where it goes on: %.0f", kept)
	}
}

// heap is what is in use, in bytes, without what pools give back only in time.
func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
