package pareto

import "math"

// IGD returns the inverted generational distance: how far the points of the
// reference front are, on average, from the nearest of ps (Euclidean). 0 is
// best. It is not Pareto-compliant: a better set can have a larger IGD.
//
// Like the other measures of this file it is +Inf when no point of ps is finite
// and NaN when none of the reference is.
func (g Goals) IGD(ps, reference []Point) float64 {
	return g.meanNearest(ps, reference, func(a, r Point) float64 {
		return math.Hypot(a[0]-r[0], a[1]-r[1])
	})
}

// IGDPlus is IGD that counts only what a point lacks, not by how much it is
// better, and so never prefers a dominated set: Ishibuchi et al., "Modified
// distance calculation in generational distance and inverted generational
// distance", EMO 2015.
func (g Goals) IGDPlus(ps, reference []Point) float64 {
	return g.meanNearest(ps, reference, func(a, r Point) float64 {
		return math.Hypot(max(a[0]-r[0], 0), max(a[1]-r[1], 0))
	})
}

// EpsilonAdd returns the additive epsilon: the least amount by which all of ps
// must get better in both objectives to cover the reference front. It is
// negative when ps is better everywhere.
func (g Goals) EpsilonAdd(ps, reference []Point) float64 {
	return worstNearest(g.finite(ps), g.finite(reference), func(a, r Point) float64 {
		return max(a[0]-r[0], a[1]-r[1])
	})
}

// EpsilonMult returns the multiplicative epsilon: the least factor by which all
// of ps must get better in both objectives to cover the reference front. It is
// below 1 when ps is better everywhere, and NaN when a finite point of either
// set has a value that is not positive, for which no factor is defined.
func (g Goals) EpsilonMult(ps, reference []Point) float64 {
	var keep Goals // of both minimised: the values stay positive
	a, r := keep.finite(ps), keep.finite(reference)
	for _, set := range [][]Point{a, r} {
		for _, p := range set {
			if p[0] <= 0 || p[1] <= 0 {
				return math.NaN()
			}
		}
	}
	return worstNearest(a, r, func(a, r Point) float64 {
		return max(g.factor(0, a, r), g.factor(1, a, r))
	})
}

// factor is by how much a is worse than r in one objective.
func (g Goals) factor(axis int, a, r Point) float64 {
	if g[axis] == Maximise {
		return r[axis] / a[axis]
	}
	return a[axis] / r[axis]
}

// meanNearest averages, over the reference, the distance to the nearest point.
func (g Goals) meanNearest(ps, reference []Point, distance func(a, r Point) float64) float64 {
	a, refs := g.finite(ps), g.finite(reference)
	sum := 0.0
	for _, r := range refs {
		sum += nearest(a, r, distance)
	}
	return sum / float64(len(refs)) // 0/0, so NaN, without a reference
}

// worstNearest is the largest, over the reference, distance to the nearest point.
func worstNearest(a, refs []Point, distance func(a, r Point) float64) float64 {
	if len(refs) == 0 {
		return math.NaN()
	}
	worst := math.Inf(-1)
	for _, r := range refs {
		worst = max(worst, nearest(a, r, distance))
	}
	return worst
}

func nearest(a []Point, r Point, distance func(a, r Point) float64) float64 {
	least := math.Inf(1)
	for _, p := range a {
		least = min(least, distance(p, r))
	}
	return least
}
