package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
	"harness/space"
)

func TestSweepReachesItsGoal(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	e := &fakeExecutor{store: s.Store}
	var begun, ended []string
	reason, err := s.Run(t.Context(), t.Context(), e, sweep, Watcher{
		Begin: func(p bench.Plan, at Progress) {
			begun = append(begun, fmt.Sprintf("%s %d/%d", p.TrialID, at.Done, at.Total))
		},
		End: func(tr results.Trial, runs []results.Run, at Progress) {
			ended = append(ended, fmt.Sprintf("%s %d/%d", tr.TrialID, at.Done, at.Total))
			if tr.Outcome == results.OK && len(runs) != 2 {
				t.Errorf("%s: %d runs", tr.TrialID, len(runs))
			}
			if left := at.Left > 0; left != (at.Done < at.Total) {
				t.Errorf("%s: %v left", tr.TrialID, at.Left)
			}
		},
	})
	if err != nil || reason != Complete {
		t.Fatalf("%s, %v", reason, err)
	}
	if len(begun) != 4 || begun[0] != "t0001 0/4" || begun[3] != "t0004 3/4" || ended[0] != "t0001 1/4" || ended[3] != "t0004 4/4" {
		t.Errorf("begun %v\nended %v", begun, ended)
	}
	first := e.plans[0]
	if first.Rank != rankOf(t, s, s.Lattice.Default()) || first.Purpose != Seed || first.Attempt != 1 || first.StudyID != "fake" || !first.Simulated || len(first.Runs) != 2 {
		t.Errorf("the first is not the default: %+v", first)
	}
	checkMeasuredOnce(t, s)
	if seeds, asks := Measured(stateOf(t, s).Trials); seeds != 4 || asks != 0 {
		t.Errorf("measured %d seeds, %d asks", seeds, asks)
	}
	again := &fakeExecutor{}
	run(t, reopen(t, s), again, sweep, Complete)
	if len(again.plans) != 0 {
		t.Errorf("the same command again measured %d more", len(again.plans))
	}
	more := sweep
	more.Trials = 5
	run(t, reopen(t, s), again, more, Complete)
	if len(again.plans) != 1 {
		t.Errorf("1 more was asked for, %d were measured", len(again.plans))
	}
	checkMeasuredOnce(t, s)
}

// All of a small lattice, failing configs and those without a valid run included.
func TestExhaustive(t *testing.T) {
	t.Parallel()
	spec := parseSpec(t, testSpec)
	set := map[string][]space.Value{"policy": {space.String("fcfs")}, "mixed": {space.None()}, "batch": {space.Int(4), space.Int(8)}, "share": {space.None(), space.Float(0.5)}}
	lattice, err := spec.Compile(space.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	lock := testLock(spec, lattice)
	lock.Set = set
	s, err := Create(filepath.Join(t.TempDir(), "s"), lock, spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	e := &fakeExecutor{invalid: true}
	run(t, s, e, Goal{Mode: search.Exhaustive, Purpose: Seed, Trials: 50}, Exhausted)
	if n, _ := lattice.Count().Uint64(); n != 8 || len(e.plans) != 8 {
		t.Errorf("%d trials of %d configs, want 8", len(e.plans), n)
	}
	checkMeasuredOnce(t, s)
	failed := 0
	for _, tr := range stateOf(t, s).Trials {
		if tr.Outcome == results.Failed {
			failed++
		}
	}
	if failed != 2 { // batch 8 without graphs, one for each share
		t.Errorf("%d failed, want 2", failed)
	}
	run(t, reopen(t, s), e, Goal{Mode: search.Exhaustive, Purpose: Seed, Trials: 50}, Exhausted)
	if len(e.plans) != 8 {
		t.Errorf("again: %d trials", len(e.plans))
	}
}

// A study that was interrupted anywhere asks for the same configs in the same order
// as one that was not, measures what is left of the interrupted trial first, and
// nothing twice.
func TestInterruptedStudyGoesOnAsIfItHadNotBeen(t *testing.T) {
	t.Parallel()
	sweep := sweep
	sweep.Trials = 6 // NSGA-II breeds from eight on
	calm := newStudy(t)
	run(t, calm, &fakeExecutor{}, sweep, Complete)
	run(t, reopen(t, calm), &fakeExecutor{}, refine, Complete)
	want := asked(t, calm)
	if len(want) != 10 {
		t.Fatalf("%d configs asked for, want 10", len(want))
	}
	type stop struct {
		at, keep int
		how      string
	}
	for _, tt := range []struct{ sweep, refine stop }{
		{stop{1, 0, killed}, stop{3, 1, cancelled}},
		{stop{6, 1, cancelled}, stop{4, 2, killed}},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			t.Parallel()
			s := newStudy(t)
			interruptAndGoOn(t, s, sweep, tt.sweep.at, tt.sweep.keep, tt.sweep.how)
			interruptAndGoOn(t, s, refine, tt.refine.at, tt.refine.keep, tt.refine.how)
			if diff := gocmp.Diff(want, asked(t, s)); diff != "" {
				t.Errorf("asked for (-undisturbed +interrupted)\n%s", diff)
			}
			checkMeasuredOnce(t, s)
		})
	}
}

func interruptAndGoOn(t *testing.T, s *Study, goal Goal, at, keep int, how string) {
	t.Helper()
	e := &fakeExecutor{stopAt: at, how: how, keep: keep}
	run(t, reopen(t, s), e, goal, map[string]string{killed: killed, cancelled: Interrupted}[how])
	stopped := e.plans[at-1]
	if keep >= len(stopped.Runs) { // ended between its last run and its row: no launch is needed
		last := &fakeExecutor{}
		run(t, reopen(t, s), last, goal, Complete)
		if slices.ContainsFunc(last.plans, func(p bench.Plan) bool { return p.ConfigID == stopped.ConfigID }) {
			t.Errorf("%s had all its runs, and was launched again", stopped.TrialID)
		}
		return
	}
	next := &fakeExecutor{stopAt: 1, how: killed, keep: 2} // and killed again, right after its last run
	run(t, reopen(t, s), next, goal, killed)
	again := next.plans[0]
	if again.ConfigID != stopped.ConfigID || again.Attempt != 2 || again.TrialID == stopped.TrialID || again.Purpose != stopped.Purpose {
		t.Errorf("after %s came %s (attempt %d of %s), want what was interrupted", stopped.TrialID, again.TrialID, again.Attempt, again.ConfigID)
	}
	if want := stopped.Runs[min(keep, len(stopped.Runs)):]; !slices.Equal(again.Runs, want) {
		t.Errorf("planned %v, want what is left: %v", again.Runs, want)
	}
	run(t, reopen(t, s), &fakeExecutor{}, goal, Complete)
}

func TestRefineCountsItsOwnTrials(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	one := Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 1}
	run(t, s, &fakeExecutor{}, one, Complete)
	two := refine
	two.Trials = 2
	check := func(what string, want int) {
		t.Helper()
		if seeds, asks := Measured(stateOf(t, s).Trials); seeds != 1 || asks != want {
			t.Errorf("%s: %d seeds and %d asks, want 1 and %d", what, seeds, asks, want)
		}
	}
	run(t, reopen(t, s), &fakeExecutor{stopAt: 2, how: cancelled}, two, Interrupted)
	check("interrupted in its second trial", 1)
	run(t, reopen(t, s), &fakeExecutor{}, two, Complete)
	check("the same again goes on to the same goal", 2)
	run(t, reopen(t, s), &fakeExecutor{stopAt: 2, how: cancelled}, two, Interrupted)
	check("the same after its end asks for more", 3)
	three := two
	three.Trials = 3
	run(t, reopen(t, s), &fakeExecutor{}, three, Complete)
	check("another wish counts from what is there", 6)
	checkMeasuredOnce(t, s)
}

// A damaged part is set aside, and what it held is measured again: a whole trial, or
// one run of it.
func TestDamagedPartIsMeasuredAgain(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	first := &fakeExecutor{}
	run(t, s, first, sweep, Complete)
	var trial, lostRun bench.Plan
	for _, p := range first.plans {
		if values(p).fails {
			continue
		}
		trial, lostRun = lostRun, p
	}
	paths := []string{
		filepath.Join(s.Store.Dir, "trials", trial.TrialID+".parquet"),
		filepath.Join(s.Store.Dir, "runs", lostRun.TrialID+"-c4-r1.parquet"),
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var warnings []string
	e := &fakeExecutor{store: s.Store}
	reason, err := reopen(t, s).Run(t.Context(), t.Context(), e, sweep, Watcher{Warn: func(w string) { warnings = append(warnings, w) }})
	if err != nil || reason != Complete {
		t.Fatalf("%s, %v", reason, err)
	}
	paths = append(paths, filepath.Join(s.Store.Dir, "requests", lostRun.TrialID+"-c4-r1.parquet")) // goes with its run
	for i, path := range paths {
		aside := filepath.Join(s.Store.Dir, "damaged", filepath.Base(filepath.Dir(path)), filepath.Base(path))
		if _, err := os.Stat(aside); err != nil {
			t.Errorf("the evidence is gone: %v", err)
		}
		if len(warnings) != 3 || !strings.Contains(warnings[i], path) || !strings.Contains(warnings[i], aside) {
			t.Errorf("warnings %q", warnings)
		}
	}
	got := map[string]int{}
	for _, p := range e.plans {
		got[p.ConfigID] = len(p.Runs)
	}
	// The lost row has all its runs: it is written again without a launch.
	if want := map[string]int{lostRun.ConfigID: 1}; !gocmp.Equal(got, want) {
		t.Errorf("planned again (runs of configs) %v, want %v", got, want)
	}
	if !slices.ContainsFunc(stateOf(t, s).Trials, func(tr results.Trial) bool {
		return tr.ConfigID == trial.ConfigID && tr.Outcome == results.OK
	}) {
		t.Error("the config whose row was lost does not count")
	}
	run(t, reopen(t, s), e, sweep, Complete)
	if len(e.plans) != 1 {
		t.Errorf("and again: %d", len(e.plans))
	}
}

func TestRunThatStayedInvalidIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	e := &fakeExecutor{invalid: true}
	more := Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 8} // enough to meet one
	run(t, s, e, more, Complete)
	if !slices.ContainsFunc(e.plans, func(p bench.Plan) bool { return !values(p).valid && !values(p).fails }) {
		t.Fatal("the design has no config that stays invalid: the test shows nothing")
	}
	run(t, reopen(t, s), e, more, Complete)
	if len(e.plans) != more.Trials {
		t.Errorf("%d trials, want %d", len(e.plans), more.Trials)
	}
}

// The valid retry of a run was damaged, and the invalid try before it is intact: the run
// is measured again.
func TestLostRetryIsMeasuredAgain(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	first := &fakeExecutor{}
	run(t, s, first, sweep, Complete)
	p := first.plans[slices.IndexFunc(first.plans, func(p bench.Plan) bool { return !values(p).fails })]
	tried := modelled{ttft: 1, tps: 1}.run(p, p.Runs[0])
	retry := values(p).run(p, p.Runs[0])
	retry.RunID += ".2"
	for _, row := range []results.Run{tried, retry} {
		if err := s.Store.WriteRun(row, nil); err != nil {
			t.Fatal(err)
		}
	}
	again := &fakeExecutor{}
	run(t, reopen(t, s), again, sweep, Complete)
	if len(again.plans) != 0 {
		t.Fatalf("measured again before anything was lost: %+v", again.plans)
	}
	if err := os.Truncate(filepath.Join(s.Store.Dir, "runs", retry.RunID+".parquet"), 99); err != nil {
		t.Fatal(err)
	}
	run(t, reopen(t, s), again, sweep, Complete)
	if len(again.plans) != 1 || again.plans[0].ConfigID != p.ConfigID || !slices.Equal(again.plans[0].Runs, p.Runs[:1]) {
		t.Errorf("planned %+v, want the lost run of %s", again.plans, p.ConfigID)
	}
}

// A study that was packed goes on as if it had not been.
func TestPackedStudyGoesOn(t *testing.T) {
	t.Parallel()
	calm, packed := newStudy(t), newStudy(t)
	run(t, calm, &fakeExecutor{}, sweep, Complete)
	run(t, packed, &fakeExecutor{stopAt: 3, how: killed, keep: 1}, sweep, killed)
	if _, err := packed.Store.Pack(); err != nil {
		t.Fatal(err)
	}
	run(t, reopen(t, packed), &fakeExecutor{}, sweep, Complete)
	if _, err := packed.Store.Pack(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Study{calm, packed} {
		run(t, reopen(t, s), &fakeExecutor{}, refine, Complete)
		checkMeasuredOnce(t, s)
	}
	if diff := gocmp.Diff(asked(t, calm), asked(t, packed)); diff != "" {
		t.Errorf("asked for (-not packed +packed)\n%s", diff)
	}
}

func TestBudgetEndsAStudyThatCanGoOn(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	goal := sweep
	goal.Budget = 200 * time.Millisecond
	spent := time.After(goal.Budget)
	e := &fakeExecutor{before: func(bench.Plan) { <-spent }}
	run(t, s, e, goal, OutOfBudget)
	if len(e.plans) > 1 {
		t.Errorf("%d trials began, and the first takes all of the budget", len(e.plans))
	}
	run(t, reopen(t, s), &fakeExecutor{}, sweep, Complete)
	checkMeasuredOnce(t, s)
}

func TestTroubleOfTheExecutorEndsTheRun(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	e := &fakeExecutor{store: s.Store, stopAt: 2, how: killed}
	if reason, err := s.Run(t.Context(), t.Context(), e, sweep, Watcher{}); !errors.Is(err, errKilled) || reason != "" {
		t.Errorf("%q, %v", reason, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if reason, err := s.Run(ctx, t.Context(), e, sweep, Watcher{}); reason != Interrupted || err != nil || len(e.plans) != 2 {
		t.Errorf("after the context's end: %q, %v, %d trials", reason, err, len(e.plans))
	}
}

func TestStudyHasOneWriter(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	var second error
	e := &fakeExecutor{before: func(bench.Plan) {
		other := &fakeExecutor{store: s.Store}
		_, second = reopen(t, s).Run(t.Context(), t.Context(), other, sweep, Watcher{})
		if len(other.plans) > 0 {
			t.Error("the second writer measured")
		}
	}}
	run(t, s, e, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 1}, Complete)
	if second == nil || !strings.Contains(second.Error(), "in use by process") {
		t.Errorf("the second writer: %v", second)
	}
}

// Where a plan is gone, its trial's number is not given to another.
func TestTrialNumbersAreNotReused(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	run(t, s, &fakeExecutor{}, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 2}, Complete)
	if err := os.Remove(s.Store.PlanPath("t0001")); err != nil {
		t.Fatal(err)
	}
	e := &fakeExecutor{}
	run(t, reopen(t, s), e, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 3}, Complete)
	if len(e.plans) != 1 || e.plans[0].TrialID != "t0003" {
		t.Errorf("the third trial: %+v", e.plans)
	}
}

func TestBrokenPlanIsNamed(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	if err := s.Store.WritePlan("t0001", []byte(`{"trial_id":`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), t.Context(), &fakeExecutor{}, sweep, Watcher{}); err == nil || !strings.Contains(err.Error(), "plan of trial t0001") {
		t.Errorf("got %v", err)
	}
}

func stateOf(t *testing.T, s *Study) State {
	t.Helper()
	state, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(state.Trials, func(a, b results.Trial) int { return cmp.Compare(a.TrialID, b.TrialID) }) {
		t.Error("the trials are not in order")
	}
	return state
}

func rankOf(t *testing.T, s *Study, p space.Point) string {
	t.Helper()
	r, ok := s.Lattice.Rank(p)
	if !ok {
		t.Fatal("not in the lattice")
	}
	return r.String()
}
