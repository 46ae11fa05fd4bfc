package search

import (
	"math"
	"slices"

	"harness/search/pareto"
)

const (
	// margin is how far beyond the worst end of the front the reference lies, in
	// widths of the front, and seenShare the share of what was seen that it covers
	// at least.
	margin    = 0.5
	seenShare = 0.9

	// farFence is how many interquartile ranges make an outlier a far one.
	farFence = 3

	// leastMargin is how far beyond the front the reference lies at least, in
	// logarithms: a tenth worse. It counts where a front has no width.
	leastMargin = 0.1
)

// reference infers the point up to which dominated area counts, from what was
// measured: beyond the worst end of the front by a share of the front's width,
// and no better than most of what was seen. A young front is short; a tight
// reference would give no credit for making it longer.
//
// It is the zero point where nothing was measured.
func reference(ps []pareto.Point) pareto.Point {
	if len(ps) == 0 {
		return pareto.Point{}
	}
	front := staircase(ps, everything)
	var ref pareto.Point
	for axis := range ref {
		lo, hi := span(front, axis)
		ref[axis] = max(hi+margin*(hi-lo), hi+leastMargin, quantile(column(ps, axis), seenShare))
	}
	return ref
}

// everything is the reference that all points are better than.
var everything = pareto.Point{math.Inf(1), math.Inf(1)}

func column(ps []pareto.Point, axis int) []float64 {
	values := make([]float64, len(ps))
	for i, p := range ps {
		values[i] = p[axis]
	}
	return values
}

// span is the least and the most of one cost.
func span(ps []pareto.Point, axis int) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range ps {
		lo, hi = min(lo, p[axis]), max(hi, p[axis])
	}
	return lo, hi
}

// quantile is the least value that a share q of all does not exceed.
func quantile(all []float64, q float64) float64 {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// clipTail cuts the bad tail of one cost off at the far fence, three interquartile
// ranges beyond the third quartile (Tukey, Exploratory Data Analysis, 1977), but
// not before the reference. A server that collapses can be a hundred times slower
// than others; left as it is, it would rule a model that has to tell good from
// better. Where there is no such tail nothing is cut.
func clipTail(y []float64, ref float64) []float64 {
	q1, q3 := quantile(y, 0.25), quantile(y, 0.75)
	fence := max(ref, q3+farFence*(q3-q1))
	clipped := make([]float64, len(y))
	for i, v := range y {
		clipped[i] = min(v, fence)
	}
	return clipped
}
