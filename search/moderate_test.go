package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Errors that were estimated from few runs are drawn towards the usual one, those from
// many stay, and exact ones are not touched; one run has the usual error.
func TestModerate(t *testing.T) {
	at := func(runs int, variance float64) sample {
		return sample{load: Load{Concurrency: 1}, runs: runs, launches: 1, variance: [2]float64{variance, variance}}
	}
	usual := func() []sample { // a run has a variance of 0.01, median 0.01 by Wilson and Hilferty
		var all []sample
		for range 5 {
			all = append(all, at(2, 0.005*math.Pow(1-2./9, 3)))
		}
		return all
	}
	for _, tt := range []struct {
		name string
		s    sample
		want float64
	}{
		{"two runs that agree by chance", at(2, 0), 0.005},
		{"two runs", at(2, 0.001), (4*0.005 + 0.001) / 5},
		{"a hundred runs", at(100, 0.001), (4*0.0001 + 99*0.001) / 103},
		{"one run", at(1, 0), 0.01},
		{"exact", at(0, 0.001), 0.001},
		{"another load", sample{load: Load{Concurrency: 8}, runs: 2, launches: 1, variance: [2]float64{0.001, 0.001}}, 0.001},
	} {
		all := append(usual(), tt.s)
		moderate(all)
		for axis, got := range all[5].variance {
			if math.Abs(got-tt.want) > 0.01*tt.want {
				t.Errorf("%s, cost %d: variance %v, want %v", tt.name, axis, got, tt.want)
			}
		}
	}
	few := []sample{at(2, 0.001), at(2, 0.004), at(2, 0.002)}
	if moderate(few); few[0].variance[0] != 0.001 {
		t.Errorf("three samples do not tell what is usual: %v", few[0].variance)
	}
}

// Over many configurations of two runs, the moderated errors are nearer to the true one
// than those of the two runs.
func TestModerateIsNearer(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var all []sample
	for range 400 {
		z := rng.NormFloat64()
		all = append(all, sample{runs: 2, launches: 1, variance: [2]float64{0.5 * z * z, 1}})
	}
	off := func() (sum float64) {
		for _, s := range all {
			sum += math.Abs(math.Log(s.variance[0] / 0.5))
		}
		return sum / float64(len(all))
	}
	before := off()
	moderate(all)
	if after := off(); after > 0.3*before {
		t.Errorf("off by a factor of e to the %.2f, before %.2f", after, before)
	}
}

// A bound teaches but is on no front, and a whole measurement of its load replaces it.
func TestBounds(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: NSGA2, Seed: 1})
	bound := measured(0.1, 1000) // better than all that was measured
	bound.Points[0].Bound = true
	asks := s.Ask(6)
	for k, a := range asks {
		if k == 0 {
			tell(t, s, a.Rank, bound)
			continue
		}
		tell(t, s, a.Rank, measured(1+0.1*float64(k), 1+float64(k)))
	}
	f := s.Front()
	for _, p := range append(f.Points, f.Rest...) {
		if p.Rank == asks[0].Rank {
			t.Errorf("a bound is said to be on the front: %+v", p)
		}
	}
	if len(f.Points) == 0 {
		t.Error("no front")
	}
	if m := population(s.history, 6); m[5].rank != asks[0].Rank {
		t.Errorf("the bound is not the last of the population: %+v", m)
	}
	tell(t, s, asks[0].Rank, measured(3, 0.5))
	if p := s.history.records[asks[0].Rank].points[0]; p.Bound || p.TTFT != 3 {
		t.Errorf("after a whole measurement: %+v", p)
	}
}
