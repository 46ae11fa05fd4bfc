package study

import (
	"flag"
	"math"
	"strings"
	"testing"

	"harness/harness/bench"
	"harness/harness/bench/stop"
	"harness/results"
)

var studies = flag.Int("studies", 1, "simulated studies of TestTheBestIsMeasuredOn: 100 for the figures of the documentation")

var configsEach = flag.Int("configs", 8, "configs of each of these studies: 40 for the figures")

// Whole studies of made-up servers whose truth is known: the best config is stopped as a
// loser in at most 5 %, intervals of those that stopped by themselves hold, and time is
// saved.
func TestTheBestIsMeasuredOn(t *testing.T) {
	t.Parallel()
	lost, wrong, all, held, n := 0, 0, 0, 0, 0
	var saved, of float64
	for seed := range *studies {
		s := sequentialStudy(t, func(l *Lock) { l.Repeats, l.SentinelEvery, l.LoadPoints = 10, 5, l.LoadPoints[:1] })
		noise := spread(uint64(seed), 0.02, 0.02)
		e := &fakeExecutor{noise: noise}
		goal := sweep
		goal.Trials = *configsEach
		run(t, s, e, goal, Complete)
		a := audit{truth: map[string]modelled{}, trials: map[string]bench.Plan{}}
		for _, p := range e.plans {
			a.truth[p.ConfigID], a.trials[p.TrialID] = values(p), p
		}
		state := stateOf(t, s)
		l, w, k := a.wrong(state.Runs)
		lost, wrong, all = lost+l, wrong+w, all+k
		h, m := a.held(state, noise)
		held, n = held+h, n+m
		saving := s.Saved(state)
		saved, of = saved+saving.Seconds, of+saving.Seconds/saving.Share
	}
	t.Logf("%d studies: best lost %d, any config %d of %d; intervals of their launch hold %d of %d (%.1f %%); saved %.0f %% of ten runs each",
		*studies, lost, wrong, all, held, n, 100*float64(held)/float64(n), 100*saved/of)
	if lost*20 > *studies || wrong*20 > all {
		t.Errorf("the best config was eliminated in %d of %d studies, %d of %d configs falsely", lost, *studies, wrong, all)
	}
	if *studies >= 20 && (float64(held) < 0.93*float64(n) || saved < 0.2*of) {
		t.Errorf("%d of %d intervals hold, saved %v", held, n, saved/of)
	}
}

// audit holds what was decided against the truth.
type audit struct {
	truth  map[string]modelled
	trials map[string]bench.Plan
}

// wrong counts configs that were stopped for a rival that they beat by more than the
// band, the truly fastest among them.
func (a audit) wrong(runs []results.Run) (best, wrong, all int) {
	fastest := 0.0
	for _, m := range a.truth {
		if !m.fails {
			fastest = max(fastest, m.tps)
		}
	}
	for _, r := range runs {
		if r.Decision == string(stop.Continue) {
			continue
		}
		all++
		var rival string
		if d := stop.Decision(r.Decision); d != stop.Loses && d != stop.Equal {
			continue
		}
		for word := range strings.FieldsSeq(r.DecisionWhy) {
			if strings.HasPrefix(word, "t0") {
				rival = word
			}
		}
		own, other := a.truth[r.ConfigID], a.truth[a.trials[rival].ConfigID]
		if other.tps == 0 {
			panic("no rival in " + r.DecisionWhy)
		}
		if own.ttft*1.01 < other.ttft || own.tps > other.tps*1.01 {
			wrong++
			if own.tps == fastest {
				best++
			}
		}
	}
	return best, wrong, all
}

// held counts the intervals of throughput that hold the truth of their launch.
func (a audit) held(state State, noise func(bench.Plan, bench.RunPlan) [2]float64) (held, n int) {
	for _, m := range results.Collect(state.Trials, state.Runs) {
		p := a.trials[m.TrialID]
		if p.Replicate > 0 || m.TPS.Launches > 1 {
			continue
		}
		if d := stop.Decision(m.Runs[len(m.Runs)-1].Decision); d != stop.Precise && d != stop.Capped {
			continue
		}
		truth := a.truth[m.ConfigID].tps * launchFactor(p, noise)
		n++
		if m.TPS.Low <= truth && truth <= m.TPS.High {
			held++
		}
	}
	return held, n
}

// launchFactor is what a launch drew, as the mean over many runs.
func launchFactor(p bench.Plan, noise func(bench.Plan, bench.RunPlan) [2]float64) float64 {
	const many = 4000
	sum := 0.0
	for k := range many {
		sum += math.Log(noise(p, bench.RunPlan{Point: bench.Point{Concurrency: 1000 + k}})[1])
	}
	return math.Exp(sum / many)
}
