package search

import (
	"testing"

	"harness/space"

	"pgregory.net/rapid"
)

func TestMemoryModel(t *testing.T) {
	if newMemoryModel([]float64{1, 2}, nil) != nil {
		t.Error("nothing failed, and there is a model")
	}
	m := newMemoryModel([]float64{10, 20, 30, 40}, []float64{60, 80})
	for _, tt := range []struct{ estimate, low, high float64 }{
		{5, 0.95, 1}, {30, 0.9, 1}, {49, 0.5, 0.99}, {51, 0, 0.2}, {70, 0, 0.05}, {1000, 0, 0.01},
	} {
		if p := m.probability(tt.estimate); p < tt.low || p > tt.high {
			t.Errorf("of %v: %v, want %v to %v", tt.estimate, p, tt.low, tt.high)
		}
	}
}

// More memory is never likelier to suffice, whatever was seen.
func TestMemoryModelIsMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 20)
		m := newMemoryModel(some.Draw(rt, "works"), some.Draw(rt, "fails"))
		a, b := rapid.Float64Range(-1, 101).Draw(rt, "a"), rapid.Float64Range(-1, 101).Draw(rt, "b")
		if p, q := m.probability(min(a, b)), m.probability(max(a, b)); p < q || p > 1+1e-9 || q < 0 {
			rt.Fatalf("of %v %v, of %v %v", min(a, b), p, max(a, b), q)
		}
	})
}

// With an estimate, the first failures suffice to stay away from larger ones.
func TestMemoryKeepsFailuresFew(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, smallSpec)
	estimate := func(p space.Point) float64 { return float64(p[0]) + 0.5*float64(p[2]) }
	failures := 0
	for seed := range uint64(3) {
		s := newSearcher(t, l, Options{Mode: Hybrid, Seed: seed, Budget: 30, Memory: estimate})
		for k := range 30 {
			r := s.Ask(1)[0].Rank
			if estimate(l.Unrank(r, nil)) >= 3.5 {
				tell(t, s, r, Outcome{Failure: "oom_load"})
				if k >= SeedSize {
					failures++
				}
				continue
			}
			tell(t, s, r, serving(l, r))
		}
	}
	if failures > 6 {
		t.Errorf("%d of 72 asks after the design run out of memory", failures)
	}
}
