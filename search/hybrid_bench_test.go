package search

import (
	"fmt"
	"strings"
	"testing"

	"harness/space"
)

// manySpec has 30,000 configurations of 18 parameters, all of which are prospects.
func manySpec() string {
	var spec strings.Builder
	spec.WriteString("schema: 1\nengine: sglang\nparameters:\n")
	for i, values := range []string{"1,2,3,4,5", "1,2,4,8,16", "1,2,3,4,5", "1,2,4,8,16", "1,2,3", "a,b", "a,b", "a,b", "a,b"} {
		kind := "ordinal"
		if values == "a,b" {
			kind = "categorical"
		}
		fmt.Fprintf(&spec, "  - {name: p%d, flag: --p%d, kind: %s, values: [%s], default: %s}\n", i, i, kind, values, values[:1])
	}
	for i := 9; i < 18; i++ { // these follow others, so that they are in the distances
		fmt.Fprintf(&spec, "  - {name: p%d, flag: --p%d, kind: ordinal, values: [1,2], default: 1}\n", i, i)
	}
	spec.WriteString("constraints:\n")
	for i := 9; i < 18; i++ {
		fmt.Fprintf(&spec, "  - {id: r%d, class: hard, expr: \"(p%d == 2) == (p%d > 2)\"}\n", i, i, i%5)
	}
	return spec.String()
}

// The first ask after telling: all models are fitted, and of a lattice with 18
// parameters some ten thousand configurations are appraised.
func BenchmarkHybridAsk(b *testing.B) {
	for _, bb := range []struct {
		name    string
		lattice *space.Lattice
	}{{"whole lattice of 30000", newLattice(b, manySpec())}, {"lattice of 2e9", newLattice(b, hardSpec)}} {
		for _, told := range []int{50, 200} {
			b.Run(fmt.Sprintf("%s/told=%d", bb.name, told), func(b *testing.B) {
				s := newSearcher(b, bb.lattice, Options{Mode: Hybrid, Seed: 1, Budget: 400})
				rng := stream(5, 5)
				for s.history.told.len() < told {
					r := bb.lattice.Sample(rng)
					tell(b, s, r, layered(bb.lattice, r))
				}
				y := s.mode.(*hybrid)
				b.ReportAllocs()
				for b.Loop() {
					y.outlook = nil // as after telling
					if _, ok := y.propose(s.history, stream(1, 2)); !ok {
						b.Fatal("no ask")
					}
				}
			})
		}
	}
}
