package pareto

import (
	"fmt"
	"math"
	"slices"
)

// Attainment returns the boundary of what at least level of the sets attain: the
// non-dominated points z such that each of level sets has a point at least as
// good as z. Level 1 is the best of all sets, len(sets)/2 the typical one,
// len(sets) what every set attained. The points come with the best first
// objective first; points that are not finite are left out.
//
// These are the level sets of the empirical attainment function: Grunert da
// Fonseca, Fonseca and Hall, EMO 2001.
//
// It panics unless 1 <= level <= len(sets).
func (g Goals) Attainment(sets [][]Point, level int) []Point {
	if level < 1 || level > len(sets) {
		panic(fmt.Sprintf("pareto: attainment level %d is not in 1..%d", level, len(sets)))
	}
	type step struct {
		set int
		p   Point
	}
	var steps []step
	for s, set := range sets {
		for _, p := range g.finite(set) {
			steps = append(steps, step{s, p})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return comparePoints(a.p, b.p) })

	best := make([]float64, len(sets)) // of each set, the least second objective so far
	for s := range best {
		best[s] = math.Inf(1)
	}
	attained := func() float64 {
		sorted := slices.Sorted(slices.Values(best))
		return sorted[level-1]
	}
	var boundary []Point
	lowest := math.Inf(1)
	for k, st := range steps {
		best[st.set] = min(best[st.set], st.p[1])
		if k+1 < len(steps) && steps[k+1].p[0] == st.p[0] {
			continue // all that share a first objective count together
		}
		if y := attained(); y < lowest {
			boundary = append(boundary, g.orient(Point{st.p[0], y}))
			lowest = y
		}
	}
	return boundary
}
