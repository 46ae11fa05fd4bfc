package search

import (
	"slices"

	"harness/search/gp"
)

// successModel says how likely configurations are to work.
type successModel struct{ works *gp.Classifier }

// newSuccessModel learns from all that worked or failed by its own fault. It is
// nil where nothing failed: then all is taken to work.
func newSuccessModel(h *history, e *encoder) *successModel {
	x, works := h.labels(e)
	x, works = append(x, h.background.inputs...), append(works, h.background.works...)
	if !slices.Contains(works, false) {
		return nil
	}
	c, err := gp.Classify(x, works, e.categorical)
	if err != nil {
		return nil
	}
	return &successModel{c}
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

// probability of success of configurations, by inputs without a load.
func (m *successModel) probability(x [][]float64) []float64 {
	if m != nil {
		return m.works.Probability(x)
	}
	p := make([]float64, len(x))
	for i := range p {
		p[i] = 1
	}
	return p
}
