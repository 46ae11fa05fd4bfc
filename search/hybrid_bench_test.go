package search

import (
	"fmt"
	"testing"
)

// The first ask after telling: all models are fitted, and a lattice of 18
// parameters is appraised at 30,000 of its configurations.
func BenchmarkHybridAsk(b *testing.B) {
	l := newLattice(b, hardSpec)
	for _, told := range []int{50, 200} {
		b.Run(fmt.Sprintf("told=%d", told), func(b *testing.B) {
			s := newSearcher(b, l, Options{Mode: Hybrid, Seed: 1, Budget: 400})
			rng := stream(5, 5)
			for s.history.told.len() < told {
				r := l.Sample(rng)
				tell(b, s, r, layered(l, r))
			}
			b.ReportAllocs()
			for b.Loop() {
				y := newHybrid(s.encoder, s.history, Options{Seed: 1})
				if _, ok := y.propose(s.history, stream(1, 2)); !ok {
					b.Fatal("no ask")
				}
			}
		})
	}
}
