package search

import (
	"math/rand/v2"

	"harness/space"
)

// uniform draws each configuration with the same probability, none twice.
type uniform struct{}

func (uniform) propose(h *history, rng *rand.Rand) (Ask, bool) {
	r, ok := drawOutside(h.lattice, &h.known, rng)
	return Ask{Rank: r, Purpose: purposeAsk, Source: SourceUniform, Reason: "uniform sample"}, ok
}

// drawOutside draws uniformly from the configurations that are not in known, and
// returns false when there are none.
//
// While most are unknown it draws until it meets one of them, less than two
// draws on average. After that it draws the index of one among the unknown.
func drawOutside(l *space.Lattice, known *rankSet, rng *rand.Rand) (space.Rank, bool) {
	n, fits := l.Count().Uint64()
	if k := uint64(known.len()); fits && n <= 2*k {
		if n == k {
			return space.Rank{}, false
		}
		return known.outside(rng.Uint64N(n - k)), true
	}
	for {
		if r := l.Sample(rng); !known.has(r) {
			return r, true
		}
	}
}
