package study

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
)

var confirmed = Goal{Mode: search.Random, Purpose: Ask, Trials: 3, Confirm: 8}

// launchLuck differs from launch to launch of a config.
func launchLuck(p bench.Plan, _ bench.RunPlan) [2]float64 {
	rng := rand.New(rand.NewPCG(launchSeed(8, launch{p.ConfigID, p.Replicate}, 0), 0))
	return [2]float64{math.Exp(0.3 * rng.NormFloat64()), math.Exp(0.3 * rng.NormFloat64())}
}

// launches are those of a study in the order of their plans: purpose, config, replicate.
func launches(t *testing.T, s *Study) []string {
	t.Helper()
	var list []string
	for _, p := range plansOf(t, s) {
		if text := fmt.Sprintf("%s %s %d", p.Purpose, p.ConfigID, p.Replicate); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// After the asks come launches of known configs, each measured whole and told as a launch
// of its own. An interruption anywhere changes none of them.
func TestConfirmationSurvivesInterruption(t *testing.T) {
	t.Parallel()
	calm := newStudy(t)
	run(t, calm, &fakeExecutor{noise: launchLuck}, sweep, Complete)
	e := &fakeExecutor{noise: launchLuck}
	run(t, reopen(t, calm), e, confirmed, Complete)
	want := launches(t, calm)
	known := map[string]bool{}
	for i, p := range e.plans {
		if confirms := p.Purpose == Confirm; confirms != (i >= confirmed.Trials) {
			t.Fatalf("trial %d of the refinement is of purpose %s", i+1, p.Purpose)
		}
		if p.Purpose == Confirm && (p.Replicate == 0 || p.Source != search.SourceDoubt || !strings.Contains(p.Reason, "confirm") || len(p.Runs) != 2) {
			t.Errorf("%+v", p)
		}
		known[fmt.Sprint(p.ConfigID, p.Replicate)] = true
	}
	if n := Confirmed(stateOf(t, calm).Trials); n == 0 || n > confirmed.Confirm || len(known) != len(e.plans) {
		t.Fatalf("%d launches confirmed, %d different of %d", n, len(known), len(e.plans))
	}
	if seeds, asks := Measured(stateOf(t, calm).Trials); seeds != 4 || asks != confirmed.Trials {
		t.Errorf("%d seeds and %d asks, with the confirmations counted", seeds, asks)
	}
	for at, how := range map[int]string{3: killed, 4: cancelled, 5: killed} { // of the asks the last, then of what confirms
		t.Run(fmt.Sprint(how, at), func(t *testing.T) {
			t.Parallel()
			s := newStudy(t)
			run(t, s, &fakeExecutor{noise: launchLuck}, sweep, Complete)
			run(t, reopen(t, s), &fakeExecutor{noise: launchLuck, stopAt: at, how: how, keep: 1}, confirmed, map[string]string{killed: killed, cancelled: Interrupted}[how])
			rest := &fakeExecutor{noise: launchLuck}
			run(t, reopen(t, s), rest, confirmed, Complete)
			if len(rest.plans[0].Runs) != 1 {
				t.Errorf("of the interrupted launch %d runs were planned, and 1 was left", len(rest.plans[0].Runs))
			}
			if diff := gocmp.Diff(want, launches(t, s)); diff != "" {
				t.Errorf("launches (-undisturbed +interrupted)\n%s", diff)
			}
		})
	}
}

// A refinement that was killed after its last row, before it said so, asks for no more
// when it is repeated; one that ended asks for as many again.
func TestKilledBeforeItsExit(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	run(t, s, &fakeExecutor{}, sweep, Complete)
	run(t, reopen(t, s), &fakeExecutor{}, refine, Complete)
	w, _, err := s.readWish()
	if err != nil || w.Ended != Complete || w.Total != 4 {
		t.Fatalf("%+v, %v", w, err)
	}
	w.Ended = "" // as a kill leaves it
	if err := s.writeWish(w); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{0, 4} {
		e := &fakeExecutor{}
		run(t, reopen(t, s), e, refine, Complete)
		if len(e.plans) != want {
			t.Errorf("%d further trials, want %d", len(e.plans), want)
		}
	}
}

// What breaks a limit is told to the search as such, and is on no front.
func TestLimitsOfAStudy(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	s.Lock.Limits = []string{"ttft_p50_s=0.05"}
	e := &fakeExecutor{}
	run(t, s, e, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 12}, Complete)
	a, err := s.Assess(stateOf(t, s), [2]float64{1, 1})
	if err != nil || len(a.Points) == 0 {
		t.Fatal(a, err)
	}
	breaks := map[string]bool{}
	for _, p := range e.plans {
		for _, r := range p.Runs {
			if v := values(p); !v.fails && v.run(p, r).TTFTP50S > 0.05 {
				breaks[fmt.Sprint(p.ConfigID, r.Concurrency)] = true
			}
		}
	}
	if len(breaks) == 0 {
		t.Fatal("nothing breaks the limit: the test shows nothing")
	}
	for _, p := range a.Points {
		if breaks[fmt.Sprint(p.ConfigID, p.Concurrency)] {
			t.Errorf("%+v breaks the limit", p)
		}
	}
	s.Lock.Limits = []string{"ttft_p50_s=0.000001"}
	if a, err := s.Assess(stateOf(t, s), [2]float64{1, 1}); err != nil || len(a.Points) != 0 {
		t.Errorf("where none keeps the limit: %+v, %v", a, err)
	}
}

// An objective of either direction comes back as it was told, and a rate of 0 is told as
// the least that there could be.
func TestPointsOfAnyObjectives(t *testing.T) {
	zero, some := 0.0, 3.0
	for _, tt := range []struct {
		objectives []string
		run        results.Run
		want       [2]float64
		ok         bool
	}{
		{nil, results.Run{TTFTP50S: 0.5, OutputTPS: 8}, [2]float64{0.5, 8}, true},
		{[]string{"output_tps", "ttft_p50"}, results.Run{TTFTP50S: 0.5, OutputTPS: 8}, [2]float64{1. / 8, 2}, true},
		{[]string{"goodput"}, results.Run{TTFTP50S: 0.5, GoodRPS: &some, DurationS: 10}, [2]float64{0.5, 3}, true},
		{[]string{"goodput"}, results.Run{TTFTP50S: 0.5, GoodRPS: &zero, DurationS: 10}, [2]float64{0.5, 0.05}, true},
		{[]string{"goodput"}, results.Run{TTFTP50S: 0.5, DurationS: 10}, [2]float64{}, false},
		{nil, results.Run{OutputTPS: 8}, [2]float64{}, false},
	} {
		aim, err := results.ParseAim(tt.objectives, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := pointOf(results.Measurement{Runs: []results.Run{tt.run}}, aim)
		if ok != tt.ok || ok && [2]float64{p.TTFT, p.TPS} != tt.want {
			t.Errorf("%v: %v %v, %v; want %v, %v", tt.objectives, p.TTFT, p.TPS, ok, tt.want, tt.ok)
		}
	}
}
