package space

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Sifting changes the order of a diagram and not its function, and leaves it no
// larger and reduced.
func TestSift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		d := newDiagrams([]int{2, 4, 3, 2, 5, 2}, maxNodes)
		r := randomFunction(d, rng, 0)
		nodes := 0
		d.visit(r, func(r ref) {
			if r >= 0 {
				nodes++
			}
		})
		s := newSifter(d, r)
		if s.live != nodes {
			t.Fatalf("%d nodes before, want %d", s.live, nodes)
		}
		s.sift(0, 3)
		s.sift(3, 6)
		if s.live > nodes {
			t.Fatalf("%d nodes became %d", nodes, s.live)
		}
		if first := slices.Clone(s.order[:3]); slices.Max(first) > 2 {
			t.Fatalf("order %v: a parameter left its component", s.order)
		}
		e, q := s.diagrams()
		if len(e.nodes) != s.live {
			t.Fatalf("%d nodes, of which the reduced diagram has %d", s.live, len(e.nodes))
		}
		values := make([]int, len(d.sizes))
		for range 300 {
			for v, size := range d.sizes {
				values[v] = rng.IntN(size)
			}
			want := d.at(r, func(level int) int { return values[level] })
			if got := e.at(q, func(level int) int { return values[s.order[level]] }); got != want {
				t.Fatalf("%v: %s, want %s", values, got, want)
			}
		}
	}
}

// randomFunction is some Boolean diagram of the levels from one on.
func randomFunction(d *diagrams, rng *rand.Rand, level int) ref {
	if level == len(d.sizes) {
		return d.constant(Bool(rng.IntN(3) > 0))
	}
	kids := make([]ref, d.sizes[level])
	for v := range kids {
		if v > 0 && rng.IntN(2) == 0 {
			kids[v] = kids[v-1]
		} else {
			kids[v] = randomFunction(d, rng, level+1)
		}
	}
	return d.node(level, kids)
}

// The order is a matter of the spec and the facts alone, and part of the identity.
func TestOrderIsDeterministic(t *testing.T) {
	for set, facts := range factSets() {
		a := compile(t, "sglang", Options{Facts: facts, Tune: []string{"all"}})
		b := compile(t, "sglang", Options{Facts: facts, Tune: []string{"all"}})
		if !slices.Equal(a.order, b.order) || a.ID() != b.ID() {
			t.Errorf("%s: two orders, %v and %v", set, a.order, b.order)
		}
		b.order[0], b.order[1] = b.order[1], b.order[0]
		if b.identity() == a.ID() {
			t.Errorf("%s: another order has the same identity", set)
		}
	}
}

// The whole of SGLang, with its memory model, is a small diagram whatever the model.
func TestNodes(t *testing.T) {
	for set, most := range map[string]int{"8xH100 dense": 400, "8xH100 MoE": 1250, "8xH100 MLA": 1200, "8xB200 dense": 400, "8xB200 MLA": 750, "1x24GB sm89 dense": 200} {
		if n := compile(t, "sglang", Options{Facts: factSets()[set], Tune: []string{"all"}}).Nodes(); n > most {
			t.Errorf("%s: %d nodes, want at most %d", set, n, most)
		}
	}
}
