package study

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harness/harness/bench"
	stopping "harness/harness/bench/stop"
	"harness/harness/engine"
	"harness/harness/executor"
	"harness/harness/load"
	"harness/results"
	"harness/search"
	"harness/space"
)

// A lattice of 84 configs with a column of each type.
const testSpec = `
schema: 1
engine: fake
about: a lattice for tests
parameters:
  - {name: batch, flag: --batch, kind: ordinal, values: [1, 2, 4, 8], default: 4}
  - {name: share, flag: --share, kind: ordinal, values: [none, 0.5, 0.75], default: none}
  - {name: policy, flag: --policy, kind: categorical, values: [fcfs, lpm, "8"], default: fcfs}
  - {name: graphs, flag: --graphs, kind: bool, values: [false, true], default: false}
  - {name: mixed, flag: --mixed, kind: categorical, values: [none, 1, auto], default: none}
constraints:
  - {id: R1, class: hard, expr: "batch < 8 or policy != 'lpm'", evidence: "made up"}
  - {id: R2, class: hard, expr: "mixed == none or share == none", evidence: "made up"}
`

func parseSpec(t *testing.T, text string) *space.Spec {
	t.Helper()
	spec, err := space.Parse("fake", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func compileSpec(t *testing.T, spec *space.Spec) *space.Lattice {
	t.Helper()
	lattice, err := spec.Compile(space.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return lattice
}

func testLock(spec *space.Spec, lattice *space.Lattice) Lock {
	w := load.Workload{Input: "8", Output: "4", Seed: 3}
	return Lock{Schema: LockVersion, ID: "fake", Created: time.Unix(1_800_000_000, 0).UTC(), Engine: "fake", EngineVersion: "1", Simulated: true,
		Space: spec.Name, SpaceHash: spec.Hash, LatticeID: lattice.ID(), Raw: lattice.Raw(), Valid: lattice.Count(),
		Launch: engine.Launch{Engine: "fake", Bin: "fake"}, Workload: w, WorkloadHash: w.Hash(),
		LoadPoints: []bench.Point{{Concurrency: 1}, {Concurrency: 4}}, Repeats: 1, Objectives: []string{"ttft_p50_s", "output_tps"}, Seed: 3, Host: "here"}
}

func newStudy(t *testing.T) *Study {
	t.Helper()
	spec := parseSpec(t, testSpec)
	lattice := compileSpec(t, spec)
	s, err := Create(filepath.Join(t.TempDir(), "study"), testLock(spec, lattice), spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reopen is the study as another process finds it.
func reopen(t *testing.T, s *Study) *Study {
	t.Helper()
	again, err := Open(s.Store.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// fakeExecutor measures by a formula. Batches of 8 without graphs run out of memory.
type fakeExecutor struct {
	store   results.Store
	invalid bool // no run of share 0.5 is ever valid
	// noise multiplies a run's TTFT and TPS; nil: none does.
	noise  func(p bench.Plan, r bench.RunPlan) [2]float64
	faults map[int]string // classes of trials that fail, counted from 1
	plans  []bench.Plan
	before func(p bench.Plan) // may be nil
	enrich func(t *results.Trial)
	busy   bool

	stopAt int // trial that ends early, counted from 1; 0: none
	how    string
	keep   int // its finished runs
	cancel context.CancelFunc
}

// How a trial ends early.
const (
	killed    = "killed"    // plan and finished runs, no row
	cancelled = "cancelled" // and a row that says so
)

var errKilled = errors.New("killed")

func (e *fakeExecutor) Free() int {
	if e.busy {
		return 0
	}
	return 1
}

func (e *fakeExecutor) Claim(int, bool) (executor.Slot, error) {
	if e.busy {
		return nil, nil
	}
	e.busy = true
	return e, nil
}

func (e *fakeExecutor) Release() { e.busy = false }

func (e *fakeExecutor) Run(ctx, _ context.Context, p bench.Plan) (results.Trial, error) {
	if e.before != nil {
		e.before(p)
	}
	e.plans = append(e.plans, p)
	row := bench.Interrupted(p)
	row.Outcome, row.FailureClass, row.FailureLine, row.TotalSeconds = results.OK, "", "", 1
	if e.enrich != nil {
		e.enrich(&row)
	}
	stop := len(e.plans) == e.stopAt
	made := len(p.Runs)
	if stop {
		made = min(e.keep, made)
	}
	v := values(p)
	v.valid = v.valid || !e.invalid
	if v.fails && !stop {
		row.Outcome, row.FailureClass, row.Phase = results.Failed, engine.OOMLoad, engine.PhaseStart
		return row, e.store.WriteTrial(row)
	}
	if class := e.faults[len(e.plans)]; class != "" {
		row.Outcome, row.FailureClass, row.Phase = results.Failed, class, engine.PhaseStart
		return row, e.store.WriteTrial(row)
	}
	if err := e.measure(p, v, made); err != nil {
		return row, err
	}
	switch {
	case stop && e.how == killed:
		return results.Trial{}, errKilled
	case stop:
		row.Outcome, row.FailureClass = results.Cancelled, engine.Cancelled
		e.cancel()
	}
	return row, e.store.WriteTrial(row)
}

// measure makes at most so many runs of a plan, until its load points are decided.
func (e *fakeExecutor) measure(p bench.Plan, v modelled, most int) error {
	tries := slices.Clone(p.Before)
	for _, r := range p.Runs {
		if p.Stopping.Verdict(r.LoadPoint(), tries).Decision != stopping.Continue {
			continue
		}
		if most--; most < 0 {
			return nil
		}
		for try := 1; try == 1 || try <= bench.MaxTries && !v.valid; try++ {
			run := v.run(p, r)
			if e.noise != nil {
				factor := e.noise(p, r)
				run.TTFTP50S, run.OutputTPS = run.TTFTP50S*factor[0], run.OutputTPS*factor[1]
			}
			if try > 1 {
				run.RunID += fmt.Sprintf(".%d", try)
			}
			tries = append(tries, bench.Tries(p.Stopping.Rule, []results.Run{run})...)
			verdict := p.Stopping.Verdict(r.LoadPoint(), tries)
			run.Decision, run.DecisionWhy = string(verdict.Decision), verdict.Why
			if err := e.store.WriteRun(run, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// modelled is what the formula gives for a config.
type modelled struct {
	ttft, tps    float64
	fails, valid bool
}

func values(p bench.Plan) modelled {
	m := modelled{ttft: 0.01, tps: 100, valid: true}
	batch, graphs := int64(0), false
	for _, param := range p.Params {
		switch v := param.Value.(type) {
		case int64:
			batch = v
			m.ttft *= float64(v)
			m.tps *= 1 + float64(v)
		case float64:
			m.valid = v != 0.5
			m.ttft *= 1 + v
		case bool:
			graphs = v
			if v {
				m.tps *= 1.3
			}
		case string:
			m.ttft += float64(len(v)) / 1000
			m.tps += float64(len(v))
		}
	}
	m.fails = batch == 8 && !graphs
	return m
}

func (m modelled) run(p bench.Plan, r bench.RunPlan) results.Run {
	row := results.Run{StudyID: p.StudyID, TrialID: p.TrialID, LaunchID: p.LaunchID, RunID: p.TrialID + "-" + r.Key(), ConfigID: p.ConfigID,
		LoadPoint: r.LoadPoint(), Concurrency: int32(r.Concurrency), Repeat: int32(r.Repeat), Block: int64(r.Block), DurationS: 1, Valid: m.valid, Simulated: true,
		TTFTP50S: m.ttft * float64(r.Concurrency), OutputTPS: m.tps * float64(r.Concurrency)}
	if !m.valid {
		row.InvalidReason = "made up"
	}
	return row
}

var (
	sweep  = Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 4}
	refine = Goal{Mode: search.NSGA2, Purpose: Ask, Trials: 4}
)

// run runs a goal with an executor to the end that is wanted.
func run(t *testing.T, s *Study, e *fakeExecutor, goal Goal, want string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.store, e.cancel = s.Store, cancel
	reason, err := s.Run(ctx, t.Context(), e, goal, Watcher{})
	if want == killed && errors.Is(err, errKilled) {
		return
	}
	if err != nil || reason != want {
		t.Fatalf("ended %q, %v; want %q", reason, err, want)
	}
}

// plansOf are a study's plans, in order.
func plansOf(t *testing.T, s *Study) []bench.Plan {
	t.Helper()
	ids, err := s.Store.Plans()
	if err != nil {
		t.Fatal(err)
	}
	plans := make([]bench.Plan, len(ids))
	for i, id := range ids {
		if plans[i], err = s.planOf(id); err != nil {
			t.Fatal(err)
		}
	}
	return plans
}

// asked are the configs of a study's plans in the order in which they were asked
// for first, with purpose.
func asked(t *testing.T, s *Study) []string {
	t.Helper()
	var ids []string
	for _, p := range plansOf(t, s) {
		if id := fmt.Sprint(p.Purpose, " ", p.ConfigID, " ", p.Replicate); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// checkMeasuredOnce fails where a run was measured twice, or is missing in a config
// whose trial ended well.
func checkMeasuredOnce(t *testing.T, s *Study) {
	t.Helper()
	state, err := s.Load()
	if err != nil || len(state.Bad) > 0 {
		t.Fatal(err, state.Bad)
	}
	count := map[string]int{}
	for _, r := range state.Runs {
		if strings.Contains(r.RunID, ".") {
			continue // a further try
		}
		count[fmt.Sprintf("%s %s r%d", r.ConfigID, r.LoadPoint, r.Repeat)]++
	}
	for run, n := range count {
		if n > 1 {
			t.Errorf("%s was measured %d times", run, n)
		}
	}
	done := map[string]bool{}
	for _, tr := range state.Trials {
		if tr.Outcome == results.Cancelled {
			continue
		}
		if done[tr.ConfigID] {
			t.Errorf("config %s was done already at trial %s", tr.ConfigID, tr.TrialID)
		}
		done[tr.ConfigID] = true
		for _, r := range bench.Ladder(s.Lock.LoadPoints, &load.Source{}, s.Lock.Repeats) {
			if key := fmt.Sprintf("%s %s r%d", tr.ConfigID, r.LoadPoint(), r.Repeat); tr.Outcome == results.OK && count[key] != 1 {
				t.Errorf("%s was measured %d times", key, count[key])
			}
		}
	}
}
