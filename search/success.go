package search

import (
	"math"

	"harness/search/gp"
)

// successModel says how likely configurations are to work.
type successModel struct {
	labels surrogate // of 1 for what works and -1 for what fails
	noise  float64
}

// newSuccessModel learns from all that worked or failed by its own fault. It is
// nil where nothing failed: then all is taken to work.
//
// It is a Gaussian process regression on the labels 1 and -1, squashed by the
// normal distribution (Rasmussen and Williams 2006, section 6.5). Its kernel is
// fitted as that of the costs is, so that it learns which parameters matter.
func newSuccessModel(h *history, e *encoder, seed uint64) *successModel {
	d := gp.Data{Categorical: e.categorical}
	failures := 0
	for _, r := range h.told.ascending() {
		record := h.records[r]
		if record.works+record.fails == 0 {
			continue
		}
		label := 1.0
		if !record.ok() {
			label = -1
			failures++
		}
		d.X = append(d.X, e.encode(h.lattice.Unrank(r, nil), Load{}))
		d.Y = append(d.Y, label)
		d.Noise = append(d.Noise, 0)
	}
	if failures == 0 {
		return nil
	}
	return &successModel{labels: fitSurrogate(d, seed), noise: 0.02}
}

// probability of success of configurations, by inputs without a load.
func (m *successModel) probability(x [][]float64) []float64 {
	p := make([]float64, len(x))
	if m == nil {
		for i := range p {
			p[i] = 1
		}
		return p
	}
	mean, variance := m.labels.predict(x)
	for i := range p {
		p[i] = cumulative(mean[i] / math.Sqrt(variance[i]+m.noise))
	}
	return p
}
