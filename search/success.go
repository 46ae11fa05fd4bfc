package search

import "harness/search/gp"

// successModel says how likely configurations are to work.
type successModel struct{ works *gp.Classifier }

// newSuccessModel learns from all that worked or failed by its own fault. It is
// nil where nothing failed: then all is taken to work.
func newSuccessModel(h *history, e *encoder) *successModel {
	var x [][]float64
	var works []bool
	failures := 0
	for _, r := range h.told.ascending() {
		record := h.records[r]
		if record.works+record.fails == 0 {
			continue
		}
		x = append(x, e.encode(h.lattice.Unrank(r, nil), Load{}))
		works = append(works, record.ok())
		if !record.ok() {
			failures++
		}
	}
	if failures == 0 {
		return nil
	}
	c, err := gp.Classify(x, works, e.categorical)
	if err != nil {
		return nil
	}
	return &successModel{c}
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
