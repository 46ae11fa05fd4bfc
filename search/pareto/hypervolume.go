package pareto

import "math"

// Hypervolume returns the area that the points dominate up to the reference
// point: 0 for no points, and for points that are not better than the reference
// in both objectives. It is +Inf where an infinitely good point, or a reference
// that is infinitely bad, makes it so, and NaN when the reference has a NaN.
func (g Goals) Hypervolume(ps []Point, ref Point) float64 {
	if hasNaN(ref) {
		return math.NaN()
	}
	ref = g.orient(ref)
	area, floor := 0.0, ref[1]
	for _, i := range g.order(ps) {
		if p := g.orient(ps[i]); p[0] < ref[0] && p[1] < floor {
			area += (ref[0] - p[0]) * (floor - p[1])
			floor = p[1]
		}
	}
	return area
}

// Contributions returns for each point the area that the front of ps loses
// without it: 0 for points off the front, for those not better than the
// reference in both objectives, and for equal points, each of which covers for
// the other. All are NaN when the reference has a NaN.
//
// Dominated points play no part: what one of them would still cover is not
// taken off, so a contribution depends on the front alone.
func (g Goals) Contributions(ps []Point, ref Point) []float64 {
	contributions := make([]float64, len(ps))
	if hasNaN(ref) {
		for i := range contributions {
			contributions[i] = math.NaN()
		}
		return contributions
	}
	ref = g.orient(ref)
	front := g.staircase(ps)
	for k, i := range front {
		p, right, top := g.orient(ps[i]), ref[0], ref[1]
		if k > 0 {
			top = min(top, g.orient(ps[front[k-1]])[1])
		}
		if k+1 < len(front) {
			right = min(right, g.orient(ps[front[k+1]])[0])
		}
		if p[0] < right && p[1] < top { // not so for equal points, nor beyond the reference
			contributions[i] = (right - p[0]) * (top - p[1])
		}
	}
	return contributions
}
