package search

import (
	"fmt"
	"math/rand/v2"

	"harness/space"
)

// breedTries is how many children are bred before one that is not known yet is
// given up on.
const breedTries = 32

// evolution is NSGA-II (Deb et al., IEEE Trans. Evol. Comput. 6(2), 2002) on the
// lattice, one child at a time: every child is valid and new, and each outcome
// counts for the next child rather than for the next generation. The first
// generation is uniform and, as parents and children together are later, of twice as
// many as survive; what a seed design measured counts. With as many as survive, the
// mode was worse than uniform draws on the compressor table SS-T (64 trials, 200
// seeds), and no better on the stream processors' SS-E and SS-K after 32.
//
// Failures follow Deb's rule for constraints: what works beats what fails, and
// between two failures neither is better.
type evolution struct {
	lattice *space.Lattice
	size    int // of the population

	members []member // of the history's version
	version int
	working int // configurations told that work
}

func (e *evolution) propose(h *history, rng *rand.Rand) (Ask, bool) {
	e.update(h)
	if h.told.len() < 2*e.size || e.working < 2 { // the first generation
		return uniform{}.propose(h, rng)
	}
	for range breedTries {
		c := e.breed(rng)
		if r, ok := e.lattice.Rank(c.point); ok && !h.known.has(r) {
			return Ask{Rank: r, Purpose: purposeAsk, Source: SourceEvolution, Reason: c.reason()}, true
		}
	}
	parent := e.tournament(rng)
	if r, ok := e.neighbour(h, parent, rng); ok {
		return Ask{Rank: r, Purpose: purposeAsk, Source: SourceEvolution, Reason: fmt.Sprintf("neighbour of %s", parent.rank)}, true
	}
	return uniform{}.propose(h, rng)
}

// update brings the population up to date with the history.
func (e *evolution) update(h *history) {
	if e.members != nil && e.version == h.version {
		return
	}
	e.members = population(h, e.size)
	e.version = h.version
	e.working = h.working()
}

// tournament returns the better of two members drawn at random, the first drawn
// where neither is.
func (e *evolution) tournament(rng *rand.Rand) member {
	i := rng.IntN(len(e.members))
	j := rng.IntN(len(e.members) - 1)
	if j >= i {
		j++
	}
	if e.members[j].compare(e.members[i]) < 0 {
		return e.members[j]
	}
	return e.members[i]
}

// neighbour draws one of the unknown valid configurations that differ from the
// parent in one parameter.
func (e *evolution) neighbour(h *history, parent member, rng *rand.Rand) (space.Rank, bool) {
	var unknown []space.Rank
	for _, r := range e.lattice.Neighbors(e.lattice.Unrank(parent.rank, nil)) {
		if !h.known.has(r) {
			unknown = append(unknown, r)
		}
	}
	if len(unknown) == 0 {
		return space.Rank{}, false
	}
	return unknown[rng.IntN(len(unknown))], true
}
