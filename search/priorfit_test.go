package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"harness/space"
)

// Of two studies measured elsewhere, that of the same shape is followed, and what is
// noise is dropped; the values of neither count.
func TestPriorsAreKeptOrDropped(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	like := priorOf(l, 40, func(r space.Rank) Outcome {
		o := serving(l, r)
		o.Points[0].TTFT *= 3
		o.Points[0].TPS /= 3
		return o
	})
	noise := priorOf(l, 40, func(r space.Rank) Outcome {
		rng := stream(r.Lo, 77)
		return measured(math.Exp(rng.NormFloat64()), math.Exp(rng.NormFloat64()))
	})
	few := priorOf(l, 2, func(r space.Rank) Outcome { return serving(l, r) })
	same := priorOf(l, 3, func(r space.Rank) Outcome { return serving(l, r) })
	like.Elsewhere, noise.Elsewhere, few.Elsewhere = true, true, true
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Prior: []Prior{noise, like, few, same}})
	if f := s.Priors(); f[1].Compared != 0 || !math.IsNaN(f[1].Correlation[0]) || f[1].Kept != [2]bool{} {
		t.Errorf("before anything was told: %+v", f)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 12 {
		r := l.Sample(rng)
		if err := s.Tell(r, serving(l, r)); err != nil {
			t.Fatal(err)
		}
	}
	f := s.Priors()
	t.Logf("%+v", f)
	if f[1].Kept != [2]bool{true, true} || f[1].Correlation[0] < 0.6 || f[1].Correlation[1] < 0.6 || f[1].Compared < 12 || f[1].Same {
		t.Errorf("the study of the same shape: %+v", f[1])
	}
	if f[0].Kept != [2]bool{} || math.IsNaN(f[0].Correlation[0]) {
		t.Errorf("noise: %+v", f[0])
	}
	if f[2].Kept != [2]bool{} || f[2].Usable != 2 || f[2].Compared != 0 {
		t.Errorf("two points: %+v", f[2])
	}
	if !f[3].Same || f[3].Usable == 0 {
		t.Errorf("the same lattice: %+v", f[3])
	}
}

// A reference that is given moves the hypervolume, and nothing else.
func TestReferenceOfFront(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	fronts := map[Reference]Front{}
	for _, ref := range []Reference{{}, {TTFT: 1e3, TPS: 1e-3}} {
		s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Reference: ref})
		rng := rand.New(rand.NewPCG(4, 4))
		for range 12 {
			r := l.Sample(rng)
			if err := s.Tell(r, serving(l, r)); err != nil {
				t.Fatal(err)
			}
		}
		fronts[ref] = s.Front()
	}
	inferred, given := fronts[Reference{}], fronts[Reference{TTFT: 1e3, TPS: 1e-3}]
	if math.Abs(given.RefTTFT-1e3) > 1e-9 || math.Abs(given.RefTPS-1e-3) > 1e-9 || given.HV <= inferred.HV || given.HVLow > given.HV || given.HV > given.HVHigh {
		t.Errorf("up to what was given: %+v", given)
	}
	if len(given.Points) != len(inferred.Points) || given.Points[0] != inferred.Points[0] || len(given.Points)+len(given.Rest) != 12 {
		t.Errorf("%d and %d points", len(given.Points), len(inferred.Points))
	}
	for _, bad := range []Reference{{TTFT: -1, TPS: 1}, {TTFT: 1}, {TTFT: math.Inf(1), TPS: 1}} {
		if _, err := New(l, Options{Mode: Hybrid, Reference: bad}); err == nil {
			t.Errorf("reference %v was taken", bad)
		}
	}
}
