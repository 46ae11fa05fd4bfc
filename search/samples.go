package search

import (
	"slices"

	"harness/search/pareto"
	"harness/space"
)

// sample is one load point of a configuration that works, as a model sees it.
type sample struct {
	rank     space.Rank
	load     Load
	x        []float64
	costs    pareto.Point
	variance [2]float64 // of the errors of costs; 0 = unknown
	launches int
	runs     int // that the variances were estimated from; 0 = they are exact
	metrics  map[string]float64
	kept     bool // it was measured whole and keeps all limits
}

// samples are those of all that works, by rank and load.
func (h *history) samples(e *encoder) []sample {
	var all []sample
	between := h.launchVariance()
	for _, r := range h.told.ascending() {
		record := h.records[r]
		if !record.ok() {
			continue
		}
		point := h.lattice.Unrank(r, nil)
		for i, p := range record.points {
			s := sample{
				rank: r, load: p.Load, x: e.encode(point, p.Load), costs: p.costs(),
				launches: record.launched[i], runs: p.Runs, metrics: p.Metrics, kept: !p.Bound && violation(p, h.limits) == 0,
			}
			for axis, se := range p.errors() {
				s.variance[axis] = se * se
			}
			all = append(all, s)
		}
	}
	moderate(all)
	for i := range all {
		for axis, v := range between {
			all[i].variance[axis] += v / float64(all[i].launches)
		}
	}
	return all
}

// loads are those of samples, each once, in order.
func loads(all []sample) []Load {
	var ls []Load
	for _, s := range all {
		ls = append(ls, s.load)
	}
	slices.SortFunc(ls, Load.compare)
	return slices.Compact(ls)
}

// keptCosts are the costs of the samples that are kept.
func keptCosts(all []sample) []pareto.Point {
	var ps []pareto.Point
	for _, s := range all {
		if s.kept {
			ps = append(ps, s.costs)
		}
	}
	return ps
}

// staircase is the front of points that are better than ref, in order of the
// first cost, each once.
func staircase(ps []pareto.Point, ref pareto.Point) []pareto.Point {
	var inside []pareto.Point
	for _, p := range ps {
		if p[0] < ref[0] && p[1] < ref[1] {
			inside = append(inside, p)
		}
	}
	slices.SortFunc(inside, func(a, b pareto.Point) int { return slices.Compare(a[:], b[:]) })
	front := inside[:0]
	for _, p := range inside {
		if len(front) == 0 || p[1] < front[len(front)-1][1] {
			front = append(front, p)
		}
	}
	return front
}
