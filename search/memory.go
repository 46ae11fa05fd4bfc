package search

import (
	"math"
	"slices"
)

// outOfMemory are the classes of failures that more memory would have avoided.
var outOfMemory = map[string]bool{"oom_load": true, "oom_capture": true, "oom_serving": true, "no_kv_memory": true}

// memoryModel is what failures say of how much estimated memory is too much: a
// distribution of the threshold. The probability of success by it never grows with
// the estimate, so that one configuration that ran out of memory rules out the
// larger ones.
type memoryModel struct {
	thresholds []float64 // in order; the last is +Inf
	weights    []float64 // of thresholds, with sum 1
}

// memoryDoubt is the probability that a configuration does otherwise than its
// estimate and the threshold say.
const memoryDoubt = 0.05

// newMemoryModel learns from the estimates of what worked and of what ran out of
// memory. It is nil where nothing ran out. Before anything is known, the threshold
// is as likely between any two estimates that were seen, below or above all.
func newMemoryModel(works, fails []float64) *memoryModel {
	if len(fails) == 0 {
		return nil
	}
	seen := slices.Concat(works, fails)
	slices.Sort(seen)
	seen = slices.Compact(seen)
	m := &memoryModel{thresholds: []float64{math.Inf(-1)}}
	for i, v := range seen[1:] {
		m.thresholds = append(m.thresholds, (seen[i]+v)/2)
	}
	m.thresholds = append(m.thresholds, math.Inf(1))
	sum := 0.0
	for _, t := range m.thresholds {
		likelihood := 1.0
		for _, v := range works {
			likelihood *= chance(v, t)
		}
		for _, v := range fails {
			likelihood *= 1 - chance(v, t)
		}
		m.weights = append(m.weights, likelihood)
		sum += likelihood
	}
	for i := range m.weights {
		m.weights[i] /= sum
	}
	return m
}

// chance of success of an estimate where the threshold is t.
func chance(estimate, t float64) float64 {
	if estimate < t {
		return 1 - memoryDoubt
	}
	return memoryDoubt
}

// probability that memory suffices for an estimate.
func (m *memoryModel) probability(estimate float64) float64 {
	p := 0.0
	for i, t := range m.thresholds {
		if estimate < t {
			p += m.weights[i]
		}
	}
	return p
}
