package search

import (
	"testing"

	"harness/space"

	"gonum.org/v1/gonum/stat/distuv"
)

// The first ask of many seeds, the many asks of one seed, and the last few of a
// lattice are each uniform, by a chi-square test at a level of 0.001.
func TestUniformIsUniform(t *testing.T) {
	l := newLattice(t, smallSpec)
	const n, bins = 8840, 442 // 20 for each configuration
	counts := func(draw func(i int) space.Rank) []int {
		c := make([]int, bins)
		for i := range n {
			c[draw(i).Lo]++
		}
		return c
	}
	known := &rankSet{}
	for r := range uint64(bins - 10) {
		known.add(space.RankOf(r * 7 % bins)) // 7 and 442 share no factor
	}
	for _, tt := range []struct {
		name string
		bins int
		draw func(i int) space.Rank
	}{
		{"first asks of seeds", bins, func(i int) space.Rank {
			return newSearcher(t, l, Options{Mode: Random, Seed: uint64(i)}).Ask(1)[0].Rank
		}},
		{"streams of one seed", bins, func(i int) space.Rank { return l.Sample(stream(1, uint64(i))) }},
		{"what is left", 10, func(i int) space.Rank {
			r, ok := drawOutside(l, known, stream(2, uint64(i)))
			if !ok || known.has(r) {
				t.Fatalf("drew %s, which is known", r)
			}
			return r
		}},
	} {
		expected := float64(n) / float64(tt.bins)
		chi2, hit := 0.0, 0
		for _, c := range counts(tt.draw) {
			if c > 0 {
				hit++
				chi2 += (float64(c) - expected) * (float64(c) - expected) / expected
			}
		}
		limit := distuv.ChiSquared{K: float64(tt.bins - 1)}.Quantile(0.999)
		if hit != tt.bins || chi2 > limit {
			t.Errorf("%s: %d of %d configurations drawn, chi-square %.1f, limit %.1f", tt.name, hit, tt.bins, chi2, limit)
		}
	}
}
