package search

import (
	"math"
	"slices"
	"strings"
	"testing"

	"harness/search/pareto"
	"harness/space"

	"pgregory.net/rapid"
)

// share runs a mode on an imagined server for a number of trials and returns the
// hypervolume it reached, as a share of that of the whole lattice.
func share(t testing.TB, l *space.Lattice, server func(*space.Lattice, space.Rank) Outcome, o Options, trials int) float64 {
	var all, found []pareto.Point
	for r := range l.All() {
		all = append(all, server(l, r).Points[0].costs())
	}
	s := newSearcher(t, l, o)
	for range trials {
		r := s.Ask(1)[0].Rank
		outcome := server(l, r)
		tell(t, s, r, outcome)
		found = append(found, outcome.Points[0].costs())
	}
	worst := pareto.Point{math.Inf(-1), math.Inf(-1)}
	for _, p := range all {
		worst = pareto.Point{max(worst[0], p[0]), max(worst[1], p[1])}
	}
	return costGoals.Hypervolume(found, worst) / costGoals.Hypervolume(all, worst)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func TestNSGA2BeatsRandom(t *testing.T) {
	quality(t)
	l := newLattice(t, smallSpec)
	shares := make(map[Mode][]float64)
	for _, mode := range []Mode{NSGA2, Random} {
		for seed := range uint64(20) {
			shares[mode] = append(shares[mode], share(t, l, serving, Options{Mode: mode, Seed: seed, Budget: 48}, 48))
		}
	}
	nsga2, random := median(shares[NSGA2]), median(shares[Random])
	t.Logf("hypervolume after 48 of 442 trials, median of 20 seeds: nsga2 %.4f, random %.4f", nsga2, random)
	if nsga2 < random+0.02 {
		t.Errorf("nsga2 %.4f, random %.4f", nsga2, random)
	}
}

func TestNSGA2FindsTheFront(t *testing.T) {
	quality(t)
	l := newLattice(t, smallSpec)
	var shares []float64
	for seed := range uint64(10) {
		shares = append(shares, share(t, l, serving, Options{Mode: NSGA2, Seed: seed, Budget: 150}, 150))
	}
	if m, least := median(shares), slices.Min(shares); m < 0.999 || least < 0.98 {
		t.Errorf("hypervolume after 150 of 442 trials: median %.5f, least %.5f", m, least)
	}
}

// The first generation is uniform, and so is all until two configurations work.
func TestNSGA2StartsUniformly(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: NSGA2, Seed: 1, Population: 6})
	uniform := func(why string) {
		t.Helper()
		if got := s.Ask(1)[0].Reason; got != "uniform sample" {
			t.Errorf("%s: reason %q, want a uniform sample", why, got)
		}
	}
	uniform("nothing told")
	for r := range uint64(11) {
		tell(t, s, space.RankOf(100+r), Outcome{Failure: "oom_load"})
	}
	uniform("eleven failures")
	tell(t, s, space.RankOf(10), serving(l, space.RankOf(10)))
	uniform("one that works")
	tell(t, s, space.RankOf(20), serving(l, space.RankOf(20)))
	if got := s.Ask(1)[0]; got.Reason == "uniform sample" || got.Purpose != "ask" {
		t.Errorf("two that work: %+v", got)
	}

	s = newSearcher(t, l, Options{Mode: NSGA2, Seed: 1, Population: 6})
	for r := range uint64(11) {
		tell(t, s, space.RankOf(r), serving(l, space.RankOf(r)))
	}
	uniform("eleven of a first generation of twelve")
}

// Where a part of the lattice always fails, the search learns to stay out of it.
func TestNSGA2AvoidsFailures(t *testing.T) {
	l := newLattice(t, smallSpec)
	broken := func(r space.Rank) bool { return l.Unrank(r, nil)[3] == 0 } // backend a
	all := 0
	for r := range l.All() {
		if broken(r) {
			all++
		}
	}
	late := 0
	for seed := range uint64(10) {
		s := newSearcher(t, l, Options{Mode: NSGA2, Seed: seed, Budget: 60})
		for k := range 60 {
			r := s.Ask(1)[0].Rank
			if broken(r) {
				tell(t, s, r, Outcome{Failure: "crash"})
				if k >= 20 {
					late++
				}
			} else {
				tell(t, s, r, serving(l, r))
			}
		}
	}
	got, base := float64(late)/400, float64(all)/442
	t.Logf("%.0f %% of the asks after the 20th fail; of the lattice %.0f %%", 100*got, 100*base)
	if got > base/2 {
		t.Errorf("%.2f of the asks after the 20th fail; of the lattice %.2f", got, base)
	}
}

// When all that was told failed, what is left is still asked for.
func TestNSGA2OfMostlyFailures(t *testing.T) {
	l := newLattice(t, pairSpec)
	s := newSearcher(t, l, Options{Mode: NSGA2, Seed: 1, Population: 2})
	for r := range uint64(2) {
		tell(t, s, space.RankOf(r), Outcome{Failure: "crash"})
	}
	if asks := s.Ask(5); len(asks) != 1 || asks[0].Rank != space.RankOf(2) {
		t.Errorf("asks %v, want the one that is left", asks)
	}
}

func TestMutationAlwaysChangesTheValue(t *testing.T) {
	params := newLattice(t, hardSpec).Params()
	rapid.Check(t, func(rt *rapid.T) {
		param := rapid.SampledFrom(params).Draw(rt, "param")
		v := uint8(rapid.IntRange(0, len(param.Values)-1).Draw(rt, "value"))
		w := otherValue(v, param, stream(rapid.Uint64().Draw(rt, "seed"), 0))
		if w == v || int(w) >= len(param.Values) {
			rt.Fatalf("%s: value %d of %d became %d", param.Name, v, len(param.Values), w)
		}
	})
}

// Each other value can be reached; an ordinal's neighbours most often.
func TestMutationReachesEveryValue(t *testing.T) {
	for _, kind := range []space.Kind{space.Ordinal, space.Categorical} {
		param := space.Param{Kind: kind, Values: make([]space.Value, 6)}
		counts := make([]int, 6)
		rng := stream(1, 1)
		for range 6000 {
			counts[otherValue(2, param, rng)]++
		}
		// 6000 * (0.75/2 + 0.25/5) = 2550 beside and 6000 * 0.25/5 = 300 elsewhere; 1200 for a category
		want := []float64{1200, 1200, 0, 1200, 1200, 1200}
		if kind == space.Ordinal {
			want = []float64{300, 2550, 0, 2550, 300, 300}
		}
		for v := range want {
			if math.Abs(float64(counts[v])-want[v]) > 4*math.Sqrt(want[v]) {
				t.Errorf("kind %d: values drawn %v times, want about %v", kind, counts, want)
			}
		}
	}
}

// On average one parameter is mutated; fixed ones never are.
func TestMutationRate(t *testing.T) {
	params := append(newLattice(t, hardSpec).Params(), space.Param{Name: "fixed", Values: make([]space.Value, 1)})
	rng := stream(2, 2)
	total := 0
	for range 2000 {
		p := make(space.Point, len(params))
		changed := mutate(p, params, rng)
		total += len(changed)
		for i := range p {
			if (p[i] != 0) != slices.Contains(changed, i) {
				t.Fatalf("changed %v, but the point is %v", changed, p)
			}
		}
	}
	if math.Abs(float64(total)-2000) > 4*math.Sqrt(2000) {
		t.Errorf("%d mutations in 2000 children, want about 2000", total)
	}
}

// Children have their parents' values except where they were mutated or repaired.
func TestBreeding(t *testing.T) {
	l := newLattice(t, hardSpec)
	e := &evolution{lattice: l, size: 8}
	h := newHistory(l, nil)
	rng := stream(3, 3)
	for range 8 {
		r := l.Sample(rng)
		h.tell(r, measured(1, 1))
	}
	e.update(h)
	names := make([]string, len(l.Params()))
	for i, p := range l.Params() {
		names[i] = p.Name
	}
	two, repaired := 0, 0
	for range 2000 {
		c := e.breed(rng)
		if !l.Contains(c.point) {
			t.Fatalf("child %v is not valid", c.point)
		}
		if len(c.parents) == 2 {
			two++
		}
		if c.repaired {
			repaired++
			continue
		}
		for i, v := range c.point {
			inherited := slices.ContainsFunc(c.parents, func(r space.Rank) bool { return l.Unrank(r, nil)[i] == v })
			if !inherited && !slices.Contains(c.mutated, names[i]) {
				t.Fatalf("%s of %v is from neither parent (%s)", names[i], c.point, c.reason())
			}
		}
		if !strings.Contains(c.reason(), c.parents[0].String()) {
			t.Fatalf("reason %q does not name parent %s", c.reason(), c.parents[0])
		}
	}
	if two < 1700 || two > 1900 || repaired == 0 {
		t.Errorf("of 2000 children %d have two parents, want about 1800; %d were repaired", two, repaired)
	}
}

// A flag for each of some options of which one must be on: a child gets from its
// parents' option to another one by a single mutation.
func TestMutationSurvivesItsRepair(t *testing.T) {
	l := newLattice(t, `
schema: 1
engine: sglang
parameters:
  - {name: a, flag: --a, kind: bool, values: [false,true], default: true}
  - {name: b, flag: --b, kind: bool, values: [false,true], default: false}
  - {name: c, flag: --c, kind: bool, values: [false,true], default: false}
  - {name: level, flag: --level, kind: ordinal, values: [1,2,3,4], default: 1}
constraints:
  - {id: one, class: hard, expr: "(a and not b and not c) or (b and not a and not c) or (c and not a and not b)"}
`)
	e := &evolution{lattice: l, size: 4}
	h := newHistory(l, nil)
	for r, p := range l.All() {
		if p[2] == 1 { // all parents have c
			h.tell(r, measured(1+float64(p[3]), 1+float64(p[3])))
		}
	}
	e.update(h)
	rng := stream(5, 5)
	others := make(map[int]int)
	for range 1000 {
		c := e.breed(rng)
		for i := range 2 {
			if c.point[i] == 1 {
				others[i]++
			}
		}
	}
	if others[0] < 100 || others[1] < 100 {
		t.Errorf("of 1000 children of parents with c %d have a and %d b, want more than 100 of each", others[0], others[1])
	}
}

func TestReasons(t *testing.T) {
	a, b := space.RankOf(12), space.RankOf(40)
	for _, tt := range []struct {
		child child
		want  string
	}{
		{child{parents: []space.Rank{a, b}, mutated: []string{"chunk", "tp"}}, "crossover of 12 and 40, mutated chunk, tp"},
		{child{parents: []space.Rank{a, b}}, "crossover of 12 and 40"},
		{child{parents: []space.Rank{a, b}, repaired: true}, "crossover of 12 and 40, repaired"},
		{child{parents: []space.Rank{a}, mutated: []string{"chunk"}}, "12 with another chunk"},
		{child{parents: []space.Rank{a}, repaired: true}, "12, repaired"},
	} {
		if got := tt.child.reason(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func BenchmarkNSGA2Ask(b *testing.B) {
	l := newLattice(b, hardSpec)
	s := newSearcher(b, l, Options{Mode: NSGA2, Seed: 1, Budget: 200})
	rng := stream(4, 4)
	for range 200 {
		r := l.Sample(rng)
		tell(b, s, r, arbitrary(r))
	}
	again := l.Sample(rng)
	for b.Loop() {
		tell(b, s, again, arbitrary(again)) // so that the population is chosen anew
		s.Ask(1)
	}
}
