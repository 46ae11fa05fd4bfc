package search

import (
	"math"
	"slices"
	"testing"

	"harness/search/gp"
	"harness/space"
)

// With one cost constant, the expected gain orders configurations as the expected
// improvement of the other does.
func TestOneObjectiveIsExpectedImprovement(t *testing.T) {
	l := newLattice(t, smallSpec)
	for _, axis := range []int{0, 1} {
		s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1})
		for _, a := range s.Ask(12) {
			p := serving(l, a.Rank).Points[0]
			if axis == 0 {
				p.TPS = 7
			} else {
				p.TTFT = 7
			}
			tell(t, s, a.Rank, Outcome{Points: []Point{p}})
		}
		o := newOutlook(s.history, s.encoder, 1)
		v := o.mean(nil)
		best := math.Inf(1)
		for _, y := range v.costs[axis].values()[0] {
			best = min(best, y)
		}
		var cs []prospect
		var improvement []float64
		for r, p := range l.All() {
			if s.history.known.has(r) {
				continue
			}
			c := s.encoder.prospect(r, p)
			mean, variance := v.costs[axis].predict([][]float64{c.x})
			cs, improvement = append(cs, c), append(improvement, psi(best, mean[0][0], math.Sqrt(variance[0])))
		}
		width := v.ref[1-axis] - o.samples[0].costs[1-axis]
		for i, a := range v.appraise(cs, sumGain) {
			if want := width * improvement[i]; math.Abs(a.gain-want) > 1e-4*want+1e-6 {
				t.Fatalf("axis %d, configuration %v: gain %v, expected improvement times width %v", axis, cs[i].rank, a.gain, want)
			}
		}
	}
}

// A search for one objective finds the best of a lattice in fewer trials than uniform
// draws do, though the other is constant.
func TestOneObjectiveIsSearched(t *testing.T) {
	l := newLattice(t, smallSpec)
	trials := func(mode Mode, seed uint64) int {
		best := math.Inf(-1)
		for r := range l.All() {
			best = max(best, serving(l, r).Points[0].TPS)
		}
		s := newSearcher(t, l, Options{Mode: mode, Seed: seed})
		for n := 1; ; n++ {
			r := s.Ask(1)[0].Rank
			p := serving(l, r).Points[0]
			if p.TPS == best {
				return n
			}
			p.TTFT = 1
			tell(t, s, r, Outcome{Points: []Point{p}})
		}
	}
	var hybrid, random []int
	for seed := range uint64(5) {
		hybrid, random = append(hybrid, trials(Hybrid, seed)), append(random, trials(Random, seed))
	}
	slices.Sort(hybrid)
	slices.Sort(random)
	if hybrid[2] >= random[2] {
		t.Errorf("hybrid found the best after %v trials, uniform draws after %v", hybrid, random)
	}
}

func TestIsConstant(t *testing.T) {
	for _, tt := range []struct {
		y    []float64
		want bool
	}{
		{nil, false}, {[]float64{1}, false}, {[]float64{2, 2, 2}, true}, {[]float64{2, 2, 2.0000001}, false},
	} {
		if got := isConstant(tt.y); got != tt.want {
			t.Errorf("%v: %v", tt.y, got)
		}
	}
}

// All of a constant's views agree, and it passes as a surrogate wherever a model does.
func TestConstantSurrogate(t *testing.T) {
	d := gp.Data{X: [][]float64{{0}, {1}, {0.5}}, Y: []float64{3, 3, 3}, Noise: make([]float64, 3), Categorical: []bool{false}}
	s := fitCost(d, nil, 1)
	x := [][]float64{{0.2}, {0.7}}
	mean, variance := s.predict(x)
	post := s.draw(x, 4, stream(1, 1))
	means, _ := post.predict(x)
	if !slices.Equal(mean, []float64{3, 3}) || !(variance[0] < 1e-9) || len(post.values()) != 4 || len(post.values()[3]) != 5 || means[3][1] != 3 || post.covariance(x)[0][1] != 0 {
		t.Errorf("mean %v, variance %v, values %v, means %v", mean, variance, post.values(), means)
	}
	if got := s.truth(make([][]float64, 2), nil); len(got) != 2 || !slices.Equal(got[1], d.Y) {
		t.Errorf("truth %v", got)
	}
}

// Two objectives that never vary leave nothing to be gained: asks go on, each new, and
// the search says that it is done.
func TestBothObjectivesConstant(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1})
	seen := make(map[space.Rank]bool)
	for range 30 {
		a := s.Ask(1)[0]
		if seen[a.Rank] || !finite(a.Gain) {
			t.Fatalf("ask %+v", a)
		}
		seen[a.Rank] = true
		tell(t, s, a.Rank, Outcome{Points: []Point{{TTFT: 1, TPS: 1}}})
	}
	if _, done := s.Done(); !done {
		t.Error("not done, though nothing can be gained")
	}
}
