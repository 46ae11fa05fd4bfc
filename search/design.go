package search

import (
	"fmt"
	"math/rand/v2"

	"harness/space"
)

// design asks for a seed set that covers the lattice: the engine's default
// configuration, then configurations from a uniform pool, each the one that
// shows the most values not shown yet, then the most pairs of them (pairs: most
// interactions are between two parameters), and of those the one that best
// levels how often each value is shown. When the pool is used up it goes on with
// uniform samples.
//
// The sequence depends on the lattice and the seed alone, so that a longer design
// begins with the shorter one, and what was measured before never changes it.
type design struct {
	lattice *space.Lattice
	seed    uint64
	size    int // of the design
	draws   int // for the pool; poolSize, but for tests

	// shuffled: of candidates that are as good as each other any may be taken, not
	// the one of the lowest rank, so that designs of a small lattice differ by seed.
	shuffled bool

	asks     []Ask   // the sequence so far
	used     rankSet // the configurations of asks
	coverage *coverage
	next     int // all asks before it are known
}

func (d *design) propose(h *history, _ *rand.Rand) (Ask, bool) {
	for ; d.next < d.size; d.next++ {
		if d.next == len(d.asks) && !d.extend() {
			return Ask{}, false
		}
		if a := d.asks[d.next]; !h.known.has(a.Rank) {
			return a, true
		}
	}
	return Ask{}, false
}

func (d *design) finished(h *history) (reason string, done bool) {
	if h.known.len() < d.size {
		return "", false
	}
	return "the seed design is complete", true
}

// extend makes the sequence longer by one, and returns false at the lattice's end.
func (d *design) extend() bool {
	if d.coverage == nil {
		rng := stream(d.seed, designStream)
		pool := newPool(d.lattice, d.draws, rng)
		if d.shuffled {
			rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		}
		d.coverage = newCoverage(d.lattice.Params(), pool)
		d.append(d.lattice.Default(), defaultReason(d.lattice))
		return true
	}
	for {
		p, reason, more := d.coverage.take()
		if !more {
			break
		}
		if d.append(p, reason) {
			return true
		}
	}
	r, ok := drawOutside(d.lattice, &d.used, stream(d.seed, designStream+uint64(len(d.asks))))
	if ok {
		d.append(d.lattice.Unrank(r, nil), "uniform sample")
	}
	return ok
}

// append adds a point to the sequence unless it is there.
func (d *design) append(p space.Point, reason string) bool {
	r, ok := d.lattice.Rank(p)
	if !ok {
		panic(fmt.Sprintf("search: a seed point outside the lattice: %v", p))
	}
	if !d.used.add(r) {
		return false
	}
	d.coverage.show(p)
	d.asks = append(d.asks, Ask{Rank: r, Purpose: purposeSeed, Source: SourceDesign, Reason: reason})
	return true
}

// defaultReason says what the first configuration is. The engine's own default
// may break a rule, or need a value that the user has ruled out.
func defaultReason(l *space.Lattice) string {
	config := make(space.Config)
	for _, p := range l.Spec().Params {
		config[p.Name] = p.Default
	}
	if v := l.Check(config); v.OK && v.Rank != nil {
		return "engine default"
	}
	return "valid configuration nearest to the engine default"
}
