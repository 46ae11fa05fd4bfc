package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Crowding returns the crowding distance of each point of one front: in each
// objective the distance between its two neighbours over the range of all, both
// added; +Inf for the points at the ends. More is lonelier, so better to keep.
// Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II",
// IEEE Trans. Evol. Comput. 6(2), 2002, section III-B.
//
// Of equal points the first has the distance and the others 0, so that copies
// do not keep each other alive (Fortin and Parizeau, GECCO 2013, count distinct
// points for the same reason). Points that are not finite have 0.
func Crowding(ps []Point) []float64 {
	crowding := make([]float64, len(ps))
	seen := make(map[Point]bool, len(ps))
	var distinct []int
	for i, p := range ps {
		if isFinite(p) && !seen[p] {
			seen[p] = true
			distinct = append(distinct, i)
		}
	}
	if len(distinct) == 0 {
		return crowding
	}
	for axis := range 2 {
		slices.SortStableFunc(distinct, func(i, j int) int { return cmp.Compare(ps[i][axis], ps[j][axis]) })
		addGaps(crowding, ps, distinct, axis)
	}
	return crowding
}

// addGaps adds to crowding each point's gap along one axis; sorted is in order of
// that axis.
func addGaps(crowding []float64, ps []Point, sorted []int, axis int) {
	n := len(sorted)
	first, last := sorted[0], sorted[n-1]
	crowding[first] = math.Inf(1)
	crowding[last] = math.Inf(1)
	width := ps[last][axis] - ps[first][axis]
	if width == 0 {
		return
	}
	for k := 1; k < n-1; k++ {
		crowding[sorted[k]] += (ps[sorted[k+1]][axis] - ps[sorted[k-1]][axis]) / width
	}
}
