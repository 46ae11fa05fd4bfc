package search

import (
	"fmt"
	"slices"

	"harness/space"
)

// history is all that a search has learnt.
type history struct {
	lattice *space.Lattice
	count   space.Rank // of the lattice

	known    rankSet      // told or pending
	pending  []space.Rank // in the order asked
	outcomes map[space.Rank]Outcome
	told     rankSet // keys of outcomes; its order is not that of telling
	version  int     // changes with outcomes
}

func newHistory(l *space.Lattice) *history {
	return &history{
		lattice:  l,
		count:    l.Count(),
		outcomes: make(map[space.Rank]Outcome),
	}
}

// check says whether a rank is in the lattice.
func (h *history) check(r space.Rank) error {
	if r.Cmp(h.count) >= 0 {
		return fmt.Errorf("rank %s is not in this lattice of %s configurations: was it recorded with another space, or other facts?", r, h.count)
	}
	return nil
}

func (h *history) exhausted() bool {
	n, fits := h.count.Uint64()
	return fits && uint64(h.known.len()) >= n
}

func (h *history) hold(r space.Rank) {
	if h.known.add(r) {
		h.pending = append(h.pending, r)
	}
}

func (h *history) tell(r space.Rank, o Outcome) {
	h.known.add(r)
	if i := slices.Index(h.pending, r); i >= 0 {
		h.pending = slices.Delete(h.pending, i, i+1)
	}
	h.told.add(r)
	o.Points = slices.Clone(o.Points)
	h.outcomes[r] = o
	h.version++
}
