package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"harness/space"

	"github.com/google/go-cmp/cmp"
)

func TestHybridBeatsNSGA2(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, smallSpec)
	const trials = 30
	shares := make(map[Mode][]float64)
	for _, mode := range []Mode{Hybrid, NSGA2, Random} {
		for seed := range uint64(5) {
			shares[mode] = append(shares[mode], share(t, l, serving, Options{Mode: mode, Seed: seed, Budget: trials}, trials))
		}
	}
	hybrid, nsga2, random := median(shares[Hybrid]), median(shares[NSGA2]), median(shares[Random])
	t.Logf("hypervolume after %d of 442 trials, median of 5 seeds: hybrid %.4f, nsga2 %.4f, random %.4f", trials, hybrid, nsga2, random)
	if hybrid < nsga2 || hybrid < random || hybrid < 0.97 {
		t.Errorf("hybrid %.4f, nsga2 %.4f, random %.4f", hybrid, nsga2, random)
	}
}

// The seed design comes first, then the model, and each eighth ask explores.
func TestHybridSaysWhy(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 2, Budget: 64})
	for k := range 24 {
		a := s.Ask(1)[0]
		want := SourceModel
		switch {
		case k < SeedSize:
			want = SourceDesign
		case k%exploreEvery == exploreEvery-1:
			want = SourceExploration
		}
		if a.Source != want || !strings.Contains(a.Reason, map[string]string{SourceDesign: "", SourceModel: "expected gain", SourceExploration: "exploration"}[want]) {
			t.Errorf("ask %d: %+v, want source %s", k, a, want)
		}
		if want == SourceModel && (a.Gain < 0 || a.Success <= 0 || a.Success > 1) {
			t.Errorf("ask %d: gain %v, success %v", k, a.Gain, a.Success)
		}
		tell(t, s, a.Rank, serving(l, a.Rank))
	}
}

// Where a half-space always fails, few later asks go there.
func TestHybridAvoidsFailures(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, smallSpec)
	broken := func(r space.Rank) bool { // the fastest third, as with memory that runs out
		p := l.Unrank(r, nil)
		return int(p[0])+int(p[2]) >= 5
	}
	all, late, asked := 0, 0, 0
	for r := range l.All() {
		if broken(r) {
			all++
		}
	}
	for seed := range uint64(2) {
		s := newSearcher(t, l, Options{Mode: Hybrid, Seed: seed, Budget: 50})
		for k := range 50 {
			r := s.Ask(1)[0].Rank
			switch {
			case !broken(r):
				tell(t, s, r, serving(l, r))
			default:
				tell(t, s, r, Outcome{Failure: "oom_load"})
				if k >= 20 {
					late++
				}
			}
			if k >= 20 {
				asked++
			}
		}
	}
	t.Logf("%d of %d asks after the 20th fail; of the lattice %.0f %%", late, asked, 100*float64(all)/442)
	if float64(late) > 0.05*float64(asked) {
		t.Errorf("%d of %d asks after the 20th fail", late, asked)
	}
}

// Failures that are not the configuration's fault teach nothing.
func TestTransientFailuresDoNotCount(t *testing.T) {
	l := newLattice(t, smallSpec)
	ask := func(failure string) Ask {
		s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Budget: 40})
		for range 10 {
			a := s.Ask(1)[0]
			tell(t, s, a.Rank, serving(l, a.Rank))
		}
		for r := range uint64(5) {
			tell(t, s, space.RankOf(100+r), Outcome{Failure: failure})
		}
		return s.Ask(1)[0]
	}
	if a := ask("client_overload"); a.Source != SourceExploration && a.Success != 1 {
		t.Errorf("after failures of the client: %+v", a)
	}
	if a := ask("oom_load"); a.Success >= 1 {
		t.Errorf("after failures of the server: %+v", a)
	}
}

// Whatever it is told, the search goes on.
func TestHybridOfOddHistories(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	for _, tt := range []struct {
		name    string
		outcome func(k int, r space.Rank) Outcome
	}{
		{"all fail", func(int, space.Rank) Outcome { return Outcome{Failure: "crash"} }},
		{"all but one fail", func(k int, r space.Rank) Outcome {
			if k == 3 {
				return serving(l, r)
			}
			return Outcome{Failure: "crash"}
		}},
		{"constant objectives", func(int, space.Rank) Outcome { return measured(1, 1) }},
		{"one constant objective", func(k int, _ space.Rank) Outcome { return measured(1, 1+float64(k%7)) }},
		{"a front of one point", func(k int, _ space.Rank) Outcome { return measured(float64(20-k%5), 1/float64(20-k%5)) }},
		{"extreme values", func(k int, r space.Rank) Outcome {
			return measured(math.Exp(float64(k%3)*300), math.Exp(-float64(k%2)*300))
		}},
		{"known errors of all sizes", func(k int, r space.Rank) Outcome {
			o := serving(l, r)
			o.Points[0].TTFTSE, o.Points[0].TPSSE = math.Exp(float64(k-10)), 1e-12
			return o
		}},
		{"loads that differ", func(k int, r space.Rank) Outcome {
			o := serving(l, r)
			o.Points[0].Concurrency = 1 + k%3
			return o
		}},
		{"costs that differ", func(k int, r space.Rank) Outcome {
			o := serving(l, r)
			o.CostSeconds = float64(1 + k*k)
			return o
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 3, Budget: 20})
			for k := range 20 {
				asks := s.Ask(1)
				if len(asks) != 1 {
					t.Fatalf("ask %d: got %d", k, len(asks))
				}
				tell(t, s, asks[0].Rank, tt.outcome(k, asks[0].Rank))
			}
			s.Front()
			s.Confirm(1)
			s.Done()
		})
	}
}

// As TestReplayAsksTheSame: what is known decides, not how it came about.
func TestHybridReplaysTheSame(t *testing.T) {
	t.Parallel()
	for _, l := range []*space.Lattice{newLattice(t, smallSpec), newLattice(t, hardSpec)} {
		for seed := range uint64(1) {
			o := Options{Mode: Hybrid, Seed: seed, Budget: 40}
			first, second := newSearcher(t, l, o), newSearcher(t, l, o)
			rng := rand.New(rand.NewPCG(seed, 11))
			var told []space.Rank
			for range 5 {
				first.Ask(2)
				for _, r := range first.Pending() {
					if rng.IntN(4) > 0 {
						tell(t, first, r, arbitrary(r))
						told = append(told, r)
					}
				}
			}
			rng.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
			for _, r := range told {
				tell(t, second, r, arbitrary(r))
			}
			for _, r := range first.Pending() {
				if err := second.Hold(r); err != nil {
					t.Fatal(err)
				}
			}
			want := first.Ask(3)
			if diff := cmp.Diff(want, append(second.Ask(1), second.Ask(2)...)); diff != "" {
				t.Errorf("seed %d: the next asks differ: %s", seed, diff)
			}
		}
	}
}

// Batches spread out: what is pending is taken as about to be known.
func TestHybridBatches(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 4, Budget: 64})
	for range 8 {
		for _, a := range s.Ask(1) {
			tell(t, s, a.Rank, serving(l, a.Rank))
		}
	}
	batch := s.Ask(6)
	for i, a := range batch {
		for _, b := range batch[:i] {
			if a.Rank == b.Rank {
				t.Errorf("%s twice in a batch", a.Rank)
			}
		}
	}
	share := func(batches int) float64 {
		var shares []float64
		for seed := range uint64(3) {
			s := newSearcher(t, l, Options{Mode: Hybrid, Seed: seed, Budget: 30})
			best := 0.0
			for told := 0; told < 30; {
				for _, a := range s.Ask(batches) {
					tell(t, s, a.Rank, serving(l, a.Rank))
					told++
				}
			}
			best = s.Front().HV
			shares = append(shares, best)
		}
		return median(shares)
	}
	if one, three := share(1), share(3); three < 0.9*one {
		t.Errorf("hypervolume by threes %v, one by one %v", three, one)
	}
}

// A configuration that is pending has next to nothing left to gain.
func TestPendingIsAboutToBeKnown(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 5, Budget: 64})
	for range 9 {
		for _, a := range s.Ask(1) {
			tell(t, s, a.Rank, serving(l, a.Rank))
		}
	}
	y, h := s.mode.(*hybrid), s.history
	y.update(h)
	gain := func(r space.Rank) float64 {
		v, gain := y.final(h, 1)
		return v.appraise([]prospect{y.encoder.prospect(r, l.Unrank(r, nil))}, gain)[0].gain
	}
	asked := s.Ask(1)[0].Rank
	after := gain(asked)
	h.pending = nil
	if before := gain(asked); after > 0.02*before {
		t.Errorf("gain %v while pending, %v before", after, before)
	}
}

// ladder is serving at three loads: each step gives more TPS for a later token.
func ladder(l *space.Lattice, r space.Rank) Outcome {
	base := serving(l, r).Points[0]
	var o Outcome
	for k, c := range []int{1, 8, 32} {
		x := float64(k)
		o.Points = append(o.Points, Point{TTFT: base.TTFT * math.Exp(0.8*x), TPS: base.TPS * math.Exp(1.2*x-0.3*x*base.TTFT/5), Load: Load{Concurrency: c}})
	}
	return o
}

func TestHybridOnALadder(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, smallSpec)
	var all []float64
	for _, mode := range []Mode{Hybrid, Random} {
		s := newSearcher(t, l, Options{Mode: mode, Seed: 1, Budget: 20})
		for range 20 {
			a := s.Ask(1)[0]
			tell(t, s, a.Rank, ladder(l, a.Rank))
		}
		front := 0.0
		for _, p := range s.Front().Points {
			front = max(front, p.TPS/p.TTFT)
		}
		all = append(all, front)
	}
	if all[0] < all[1] {
		t.Errorf("best ratio by hybrid %v, by random %v", all[0], all[1])
	}
}

// The gain of a set of points is no more than the sum of their gains, and equals
// the exact one where there is one point.
func TestSetGain(t *testing.T) {
	l := newLattice(t, smallSpec)
	h := newHistory(l, nil)
	rng := rand.New(rand.NewPCG(5, 5))
	for range 15 {
		r := l.Sample(rng)
		h.tell(r, ladder(l, r))
	}
	e := newEncoder(l)
	o := newOutlook(h, e, 1)
	var cs []prospect
	for r, p := range l.All() {
		if !h.known.has(r) && len(cs) < 20 {
			cs = append(cs, e.prospect(r, p))
		}
	}
	const draws = 3000
	v := o.draw(nil, draws, stream(1, 1))
	sum := v.appraise(cs, sumGain)
	set := v.appraise(cs, setGain(3, draws, stream(1, 2)))
	o.loads = o.loads[:1]
	one := v.appraise(cs, sumGain)
	single := v.appraise(cs, setGain(1, draws, stream(1, 3)))
	for i := range cs {
		if set[i].gain > 1.05*sum[i].gain+1e-4 {
			t.Errorf("%s: the set gains %v, its points %v", cs[i].rank, set[i].gain, sum[i].gain)
		}
		if d := math.Abs(single[i].gain - one[i].gain); d > 0.1*one[i].gain+2e-3 {
			t.Errorf("%s: one load gains %v, exactly %v", cs[i].rank, single[i].gain, one[i].gain)
		}
	}
}

// Points that break a limit are on no front, and the search learns where they are.
func TestLimits(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	limit := Limit{Metric: "itl_p99_s", Bound: 3}
	server := func(r space.Rank) Outcome {
		o := serving(l, r)
		p := l.Unrank(r, nil)
		o.Points[0].Metrics = map[string]float64{"itl_p99_s": float64(p[0]) + float64(p[2])}
		return o
	}
	for _, mode := range []Mode{Hybrid, NSGA2} {
		s := newSearcher(t, l, Options{Mode: mode, Seed: 1, Budget: 40, Limits: []Limit{limit}})
		if err := s.Tell(space.RankOf(1), serving(l, space.RankOf(1))); err == nil || !strings.Contains(err.Error(), "itl_p99_s") {
			t.Errorf("an outcome without the metric: error %v", err)
		}
		late := 0
		for k := range 40 {
			a := s.Ask(1)[0]
			o := server(a.Rank)
			tell(t, s, a.Rank, o)
			if k >= 20 && o.Points[0].Metrics[limit.Metric] > limit.Bound {
				late++
			}
		}
		for _, p := range s.Front().Points {
			if v := server(p.Rank).Points[0].Metrics[limit.Metric]; v > limit.Bound {
				t.Errorf("%s: a point with %v is on the front", mode, v)
			}
		}
		if late > 8 {
			t.Errorf("%s: %d of the last 20 asks break the limit", mode, late)
		}
	}
	for _, bad := range []Limit{{Bound: 1}, {Metric: "x", Bound: math.Inf(1)}} {
		if _, err := New(l, Options{Mode: Hybrid, Limits: []Limit{bad}}); err == nil {
			t.Errorf("limit %+v: no error", bad)
		}
	}
}

// The front that gains are counted from has no point that breaks a limit, however
// good it is.
func TestBrokenLimitsLeaveTheGain(t *testing.T) {
	l := newLattice(t, smallSpec)
	limits := []Limit{{Metric: "errors", Bound: 0.01}}
	h := newHistory(l, limits)
	for r := range uint64(12) {
		o := serving(l, space.RankOf(10*r))
		o.Points[0].Metrics = map[string]float64{"errors": 0}
		if r == 5 { // best in both
			o = measured(1e-3, 1e3)
			o.Points[0].Metrics = map[string]float64{"errors": 0.5}
		}
		h.tell(space.RankOf(10*r), o)
	}
	v := newOutlook(h, newEncoder(l), 1).mean(nil)
	if best := v.fronts[0][0]; best[0] < math.Log(1e-2) {
		t.Errorf("front %v", v.fronts[0])
	}
}

func TestDone(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Budget: 200})
	for k := range 200 {
		reason, done := s.Done()
		if done {
			if k < 24 || !strings.Contains(reason, "expected to add") {
				t.Errorf("after %d: %s", k, reason)
			}
			t.Logf("after %d of 442: %s", k, reason)
			break
		}
		a := s.Ask(1)[0]
		if _, done := s.Done(); done {
			t.Errorf("ask %d: done while pending", k)
		}
		tell(t, s, a.Rank, serving(l, a.Rank))
		if k == 199 {
			t.Error("not done after 200 of 442")
		}
	}
	for _, tt := range []struct {
		mode Mode
		want string
	}{{SeedDesign, "seed design is complete"}, {Random, "every configuration"}, {Exhaustive, "every configuration"}} {
		s := newSearcher(t, newLattice(t, pairSpec), Options{Mode: tt.mode, Seed: 1, Budget: 2})
		for range 3 {
			for _, a := range s.Ask(1) {
				tell(t, s, a.Rank, measured(1, 1))
			}
		}
		if reason, done := s.Done(); !done || !strings.Contains(reason, tt.want) {
			t.Errorf("%s: %q, %t", tt.mode, reason, done)
		}
	}
}

// With more observations than a Gaussian process takes, trees follow.
func TestHybridWithTrees(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Budget: 442})
	for r := range uint64(maxObservations + 20) {
		tell(t, s, space.RankOf(r), serving(l, space.RankOf(r)))
	}
	a := s.Ask(1)[0]
	if a.Source != SourceModel && a.Source != SourceExploration {
		t.Errorf("%+v", a)
	}
	if o := s.mode.(*hybrid).outlook; fmt.Sprintf("%T", o.costs[0]) != "*search.forest" {
		t.Errorf("the model is a %T", o.costs[0])
	}
}
