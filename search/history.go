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
	limits  []Limit

	background background // of other studies

	known   rankSet      // told or pending
	pending []space.Rank // in the order asked: not told yet, or launched again
	records map[space.Rank]record
	told    rankSet // keys of records; its order is not that of telling
	version int     // changes with records
}

func newHistory(l *space.Lattice, limits []Limit) *history {
	return &history{
		lattice: l,
		count:   l.Count(),
		limits:  limits,
		records: make(map[space.Rank]record),
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
	h.known.add(r)
	if !slices.Contains(h.pending, r) {
		h.pending = append(h.pending, r)
	}
}

func (h *history) tell(r space.Rank, o Outcome) {
	h.known.add(r)
	if i := slices.Index(h.pending, r); i >= 0 {
		h.pending = slices.Delete(h.pending, i, i+1)
	}
	h.told.add(r)
	h.records[r] = h.records[r].with(o)
	h.version++
}

// unmeasured are the pending configurations of which nothing was told yet.
func (h *history) unmeasured() []space.Rank {
	var ranks []space.Rank
	for _, r := range h.pending {
		if !h.told.has(r) {
			ranks = append(ranks, r)
		}
	}
	return ranks
}

// working counts the told configurations that work.
func (h *history) working() int {
	n := 0
	for _, r := range h.records {
		if r.ok() {
			n++
		}
	}
	return n
}
