package study

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"harness/harness/bench"
	"harness/harness/bench/stop"
	"harness/harness/engine"
	"harness/results"
	"harness/search"
)

// sequentialStudy stops by the rule, and has a sentinel after every third config.
func sequentialStudy(t *testing.T, change func(*Lock)) *Study {
	t.Helper()
	spec := parseSpec(t, testSpec)
	lattice := compileSpec(t, spec)
	lock := testLock(spec, lattice)
	lock.Repeats, lock.Precision, lock.SentinelEvery = 6, 0.03, 3
	if change != nil {
		change(&lock)
	}
	s, err := Create(filepath.Join(t.TempDir(), "study"), lock, spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spread makes runs differ by run and launches by launch (standard deviations of logs),
// in the same way whenever the same is measured.
func spread(seed uint64, launch, run float64) func(bench.Plan, bench.RunPlan) [2]float64 {
	draw := func(text string) *rand.Rand {
		h := fnv.New64a()
		fmt.Fprint(h, text)
		return rand.New(rand.NewPCG(seed, h.Sum64()))
	}
	return func(p bench.Plan, r bench.RunPlan) [2]float64 {
		l := draw(fmt.Sprint(p.ConfigID, p.Replicate))
		k := draw(fmt.Sprint(p.ConfigID, p.Replicate, r.Key()))
		var f [2]float64
		for i := range f {
			f[i] = math.Exp(launch*l.NormFloat64() + run*k.NormFloat64())
		}
		return f
	}
}

// measuredRuns says how often each launch was measured at each load point, and what was
// decided last.
func measuredRuns(t *testing.T, s *Study) map[string]string {
	t.Helper()
	state := stateOf(t, s)
	launches := map[string]launch{}
	for _, tr := range state.Trials {
		launches[tr.TrialID] = launchOf(tr)
	}
	counts, last := map[string]int{}, map[string]string{}
	slices.SortFunc(state.Runs, func(a, b results.Run) int { return int(a.Repeat - b.Repeat) })
	for _, r := range state.Runs {
		key := fmt.Sprint(launches[r.TrialID], r.LoadPoint)
		counts[key]++
		last[key] = fmt.Sprintf("%d runs: %s", counts[key], r.Decision)
	}
	return last
}

// Killed in any trial, after any number of its runs, a study decides in every point as
// one that was not, and asks for the same: those of a sweep, of its sentinels, and of a
// model that goes by all that was measured.
func TestDecisionsAreThoseOfAnUndisturbedStudy(t *testing.T) {
	t.Parallel()
	first, second := sweep, Goal{Mode: search.Hybrid, Purpose: Ask, Trials: 3, Confirm: 2}
	first.Trials = 7
	noise := spread(1, 0.01, 0.02)
	calm := sequentialStudy(t, nil)
	var plans []bench.Plan
	swept := 0 // plans of the sweep
	for _, goal := range []Goal{first, second} {
		swept = len(plans)
		e := &fakeExecutor{noise: noise}
		run(t, calm, e, goal, Complete)
		plans = append(plans, e.plans...)
	}
	want, order := measuredRuns(t, calm), asked(t, calm)
	decisions := map[string]int{}
	for _, text := range want {
		_, decision, _ := strings.Cut(text, ": ")
		decisions[decision]++
	}
	if decisions["continue"] > 0 || decisions[string(stop.Precise)] == 0 || decisions[string(stop.Loses)] == 0 || decisions[string(stop.Planned)] == 0 {
		t.Fatalf("the study shows too little: %v", decisions)
	}
	for at, p := range plans {
		if values(p).fails || at%2 == 0 && p.Replicate == 0 {
			continue // it makes no runs, or is like its neighbours
		}
		keep := []int{1, 3, 2, 99}[at/2%4] // 99: all runs, and its row is lost
		t.Run(fmt.Sprintf("%s after %d", p.TrialID, keep), func(t *testing.T) {
			t.Parallel()
			s := sequentialStudy(t, nil)
			killAt := func(goal Goal, at int) {
				if at >= 0 {
					run(t, s, &fakeExecutor{noise: noise, stopAt: at + 1, how: killed, keep: keep}, goal, killed)
					s = reopen(t, s)
				}
				run(t, s, &fakeExecutor{noise: noise}, goal, Complete)
				s = reopen(t, s)
			}
			if at < swept {
				killAt(first, at)
				killAt(second, -1)
			} else {
				killAt(first, -1)
				killAt(second, at-swept)
			}
			if diff := gocmp.Diff(want, measuredRuns(t, s)); diff != "" {
				t.Errorf("(-undisturbed +interrupted)\n%s", diff)
			}
			if diff := gocmp.Diff(order, asked(t, s)); diff != "" {
				t.Errorf("asked for (-undisturbed +interrupted)\n%s", diff)
			}
		})
	}
}

// Runs that a killed trial made count for the next attempt, by the rule of the first.
func TestRunsOnDiskCount(t *testing.T) {
	t.Parallel()
	s := sequentialStudy(t, nil)
	goal := sweep
	first := &fakeExecutor{noise: spread(1, 0.01, 0.05), stopAt: 2, how: killed, keep: 3}
	run(t, s, first, goal, killed)
	again := &fakeExecutor{noise: first.noise}
	run(t, reopen(t, s), again, goal, Complete)
	p, q := first.plans[1], again.plans[0]
	if q.ConfigID != p.ConfigID || q.Attempt != 2 || len(q.Before) != 3 || len(q.Runs) != len(p.Runs)-3 || gocmp.Diff(p.Stopping, q.Stopping) != "" {
		t.Errorf("planned %d runs after %d, by\n%+v\nfirst\n%+v", len(q.Runs), len(q.Before), q.Stopping, p.Stopping)
	}
	if len(p.Stopping.Rivals) == 0 || p.Stopping.ChosenFrom != 1 {
		t.Errorf("no rivals: %+v", p.Stopping)
	}
	state, seen := stateOf(t, s), map[string]bool{}
	for _, r := range state.Runs {
		key := fmt.Sprint(r.ConfigID, r.LoadPoint, r.Repeat, r.TrialID == "t0005")
		if seen[key] {
			t.Errorf("%s was measured twice", r.RunID)
		}
		seen[key] = true
	}
}

// The default is measured to the end whatever it breaks, since all is shown beside it.
func TestTheDefaultIsMeasuredWhole(t *testing.T) {
	t.Parallel()
	s := sequentialStudy(t, func(l *Lock) { l.LoadPoints, l.Limits = l.LoadPoints[:1], []string{"ttft_p50_s=1e-6"} })
	e := &fakeExecutor{noise: spread(1, 0.01, 0.02)}
	goal := sweep
	goal.Trials = 2
	run(t, s, e, goal, Complete)
	limit := func(p bench.Plan) float64 { return p.Stopping.Rule.Metrics[0].Limit }
	if limit(e.plans[0]) != 0 || limit(e.plans[1]) != 1e-6 {
		t.Errorf("limits %v of the default, %v of another", limit(e.plans[0]), limit(e.plans[1]))
	}
	for key, text := range measuredRuns(t, s) {
		if missed := strings.Contains(text, string(stop.MissesSLO)); missed == strings.Contains(key, e.plans[0].ConfigID) {
			t.Errorf("%s: %s", key, text)
		}
	}
}

func purposes(plans []bench.Plan) string {
	var text []string
	for _, p := range plans {
		text = append(text, fmt.Sprintf("%s%d", p.Purpose[:2], p.Replicate))
	}
	return strings.Join(text, " ")
}

func TestSentinels(t *testing.T) {
	t.Parallel()
	s := sequentialStudy(t, nil)
	goal := sweep
	goal.Trials = 6
	e := &fakeExecutor{}
	run(t, s, e, goal, Complete)
	if got := purposes(e.plans); got != "se0 se0 se0 se1 se0 se0 se0 se2" {
		t.Fatalf("trials: %s", got)
	}
	for i, p := range e.plans {
		if sentinel := i == 3 || i == 7; (p.Purpose == Sentinel) != sentinel || sentinel && (p.ConfigID != e.plans[0].ConfigID || p.Attempt != 1 || p.Stopping.Repeats != 2 || p.Stopping.Rule != nil || len(p.Runs) != 4) {
			t.Errorf("trial %d: %+v", i+1, p)
		}
	}
	if seeds, asks := Measured(stateOf(t, s).Trials); seeds != 6 || asks != 0 {
		t.Errorf("sentinels count: %d seeds, %d asks", seeds, asks)
	}
	more := refine
	more.Trials = 3
	again := &fakeExecutor{stopAt: 4, how: killed, keep: 1} // in the sentinel after the third
	run(t, reopen(t, s), again, more, killed)
	if got := purposes(again.plans); got != "as0 as0 as0 se3" {
		t.Fatalf("refined: %s", got)
	}
	last := &fakeExecutor{}
	run(t, reopen(t, s), last, more, Complete)
	if len(last.plans) == 0 || last.plans[0].Replicate != 3 || last.plans[0].Attempt != 2 || len(last.plans[0].Runs) != 3 {
		t.Errorf("after the killed sentinel: %s", purposes(last.plans))
	}
	never := sequentialStudy(t, func(l *Lock) { l.SentinelEvery = 0 })
	run(t, never, &fakeExecutor{}, goal, Complete)
	broken := sequentialStudy(t, nil)
	run(t, broken, &fakeExecutor{faults: map[int]string{1: engine.OOMLoad}}, goal, Complete)
	for _, s := range []*Study{never, broken} {
		if trials := stateOf(t, s).Trials; slices.ContainsFunc(trials, func(t results.Trial) bool { return t.Purpose == Sentinel }) {
			t.Errorf("a sentinel where none was wanted, or of a default that does not work")
		}
	}
}

func TestPassingFaultsAreTriedAgain(t *testing.T) {
	t.Parallel()
	sweep := sweep
	sweep.Trials = 3 // the fourth config fails of itself
	for _, tt := range []struct {
		name   string
		faults map[int]string
		want   string // attempts of the second config, with outcomes
		failed int
	}{
		{"once", map[int]string{2: engine.Port}, "1 failed, 2 ok", 0},
		{"twice", map[int]string{2: engine.Port, 3: engine.Killed}, "1 failed, 2 failed", 1},
		{"not of passing kind", map[int]string{2: engine.HangStart}, "1 failed", 1},
		{"then of its own", map[int]string{2: engine.ClientOverload, 3: engine.OOMServing}, "1 failed, 2 failed", 1},
	} {
		s := sequentialStudy(t, func(l *Lock) { l.LoadPoints = l.LoadPoints[:1] })
		e := &fakeExecutor{faults: tt.faults}
		run(t, s, e, sweep, Complete)
		var got []string
		for _, tr := range stateOf(t, s).Trials {
			if tr.ConfigID == e.plans[1].ConfigID && tr.Replicate == 0 {
				got = append(got, fmt.Sprintf("%d %s", tr.Attempt, tr.Outcome))
			}
		}
		if text := strings.Join(got, ", "); text != tt.want || FailedLaunches(stateOf(t, s).Trials) != tt.failed {
			t.Errorf("%s: %s, %d failed; want %s, %d", tt.name, text, FailedLaunches(stateOf(t, s).Trials), tt.want, tt.failed)
		}
		again := &fakeExecutor{}
		if run(t, reopen(t, s), again, sweep, Complete); len(again.plans) > 0 {
			t.Errorf("%s: given again, it measured %d more", tt.name, len(again.plans))
		}
	}
	// The harness is killed in the further attempt: a third one is made, no fourth.
	s := sequentialStudy(t, nil)
	run(t, s, &fakeExecutor{faults: map[int]string{2: engine.Port}, stopAt: 3, how: killed}, sweep, killed)
	e := &fakeExecutor{faults: map[int]string{1: engine.Port}}
	run(t, reopen(t, s), e, sweep, Complete)
	if e.plans[0].Attempt != 3 || e.plans[1].ConfigID == e.plans[0].ConfigID {
		t.Errorf("attempts %d of %s, then %s", e.plans[0].Attempt, e.plans[0].ConfigID, e.plans[1].ConfigID)
	}
}

// The machine loses 30 % in the middle of a study: the sentinels tell, and what was
// measured from the last good one on is named; rows that follow say so.
func TestDriftIsSeen(t *testing.T) {
	t.Parallel()
	goal := sweep
	goal.Trials = 9
	for _, lost := range []float64{0, 0.3} {
		s := sequentialStudy(t, func(l *Lock) { l.LoadPoints, l.Repeats = l.LoadPoints[:1], 3 })
		noise := spread(2, 0.01, 0.005)
		at := 0
		e := &fakeExecutor{noise: func(p bench.Plan, r bench.RunPlan) [2]float64 {
			f := noise(p, r)
			if fmt.Sscanf(p.TrialID, "t%d", &at); at > 6 {
				f[1] *= 1 - lost
			}
			return f
		}}
		var warned []string
		e.store = s.Store
		if _, err := s.Run(t.Context(), t.Context(), e, goal, Watcher{Warn: func(text string) { warned = append(warned, text) }}); err != nil {
			t.Fatal(err)
		}
		if (len(warned) > 0) != (lost > 0) {
			t.Errorf("lost %v: warned %q", lost, warned)
		}
		drifts, err := s.Drifts(stateOf(t, s))
		if err != nil || len(drifts) != 2 {
			t.Fatal(drifts, err)
		}
		for _, d := range drifts {
			off := lost > 0 && d.Metric == "output_tps"
			if (len(d.Stays) == 1) != off || off && (math.Abs(d.Stays[0].Ratio.Value-0.7) > 0.05 || !slices.Contains(d.Affected, "t0007") || slices.Contains(d.Affected, "t0003")) {
				t.Errorf("lost %v: %s at %s: %+v, affected %v", lost, d.Metric, d.LoadPoint, d.Stays, d.Affected)
			}
		}
		if last := e.plans[len(e.plans)-1]; strings.Contains(last.Drift, "c1 output_tps -3") != (lost > 0) {
			t.Errorf("lost %v: the last row says %q", lost, last.Drift)
		}
	}
}

func TestOwnShare(t *testing.T) {
	began := time.Unix(1000, 0)
	trial := func(at, total, own float64) results.Trial {
		return results.Trial{Argv: []string{"x"}, StartedAt: began.Add(time.Duration(at * 1e9)), TotalSeconds: total, HarnessSeconds: own}
	}
	for _, tt := range []struct {
		name   string
		trials []results.Trial
		want   float64
	}{
		{"none", nil, 0},
		{"one after the other", []results.Trial{trial(1, 4, 0.5), trial(5, 4, 0.5)}, 0.3},        // 1 s before, 1 s after, 1 s in them
		{"side by side", []results.Trial{trial(0, 10, 1), trial(0, 10, 1)}, 0.1},                 // each is half of the machine
		{"of an earlier command", []results.Trial{trial(-100, 50, 50), trial(0, 10, 0.1)}, 0.01}, //
	} {
		if got := ownShare(tt.trials, began, 10*time.Second); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
