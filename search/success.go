package search

import (
	"slices"

	"harness/search/gp"
	"harness/space"
)

// successModel says how likely configurations are to work.
type successModel struct {
	works  *gp.Classifier // nil where nothing failed
	memory *memoryModel   // nil where nothing ran out of memory, or no estimates are given

	estimate func(space.Rank) float64 // what memory takes
}

// newSuccessModel learns from all that worked or failed by its own fault. Where
// nothing failed, all is taken to work.
func newSuccessModel(h *history, e *encoder) *successModel {
	m := &successModel{memory: h.memoryModel(e), estimate: func(r space.Rank) float64 { return e.memory(e.lattice.Unrank(r, nil)) }}
	x, works := h.labels(e)
	x, works = append(x, h.background.inputs...), append(works, h.background.works...)
	if slices.Contains(works, false) {
		// An error leaves success to the other models, and the search goes on.
		m.works, _ = gp.Classify(x, works, e.categorical)
	}
	return m
}

// memoryModel is that of the estimates of what was told.
func (h *history) memoryModel(e *encoder) *memoryModel {
	if e.memory == nil {
		return nil
	}
	var works, fails []float64
	for _, r := range h.told.ascending() {
		estimate := e.memory(h.lattice.Unrank(r, nil))
		for _, l := range h.records[r].launches {
			switch {
			case l.ok():
				works = append(works, estimate)
			case outOfMemory[l.Failure]:
				fails = append(fails, estimate)
			}
		}
	}
	return newMemoryModel(works, fails)
}

// labels are the configurations that worked or failed by their own fault, as
// inputs, and whether they work.
func (h *history) labels(e *encoder) (x [][]float64, works []bool) {
	for _, r := range h.told.ascending() {
		record := h.records[r]
		if record.works+record.fails > 0 {
			x = append(x, e.encode(h.lattice.Unrank(r, nil), Load{}))
			works = append(works, record.ok())
		}
	}
	return x, works
}

// probability of success of prospects.
func (m *successModel) probability(cs []prospect) []float64 {
	p := slices.Repeat([]float64{1}, len(cs))
	if m.works != nil {
		p = m.works.Probability(plain(cs))
	}
	if m.memory != nil {
		for i, c := range cs {
			p[i] *= m.memory.probability(m.estimate(c.rank))
		}
	}
	return p
}
