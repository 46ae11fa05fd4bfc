package pareto

import (
	"cmp"
	"slices"
	"sort"
)

// Front returns the indices of the points that no other point dominates, in
// ascending order. Of equal points either all are in it or none.
func (g Goals) Front(ps []Point) []int {
	front := g.staircase(ps)
	slices.Sort(front)
	return front
}

// staircase returns the indices of the front in order of the first objective.
func (g Goals) staircase(ps []Point) []int {
	order := g.order(ps)
	steps := order[:0]
	var last Point // has the best second objective so far
	for _, i := range order {
		if p := g.orient(ps[i]); len(steps) == 0 || p[1] < last[1] || p == last {
			steps = append(steps, i)
			last = p
		}
	}
	return steps
}

// Ranks returns the non-domination rank of each point: 0 for the front, 1 for
// the front of what is left without it, and so on; -1 for a point with a NaN.
//
// The result is that of the fast non-dominated sort of Deb et al. (2002). With
// two objectives a sweep finds it in O(n log n): Jensen, "Reducing the run-time
// complexity of multiobjective EAs", IEEE Trans. Evol. Comput. 7(5), 2003.
func (g Goals) Ranks(ps []Point) []int {
	ranks := make([]int, len(ps))
	for i := range ranks {
		ranks[i] = -1
	}
	var last []Point // the last point of each front: the one that dominates what follows, if any of its front does
	for _, i := range g.order(ps) {
		p := g.orient(ps[i])
		r := sort.Search(len(last), func(k int) bool { return !dominates(last[k], p) })
		if r == len(last) {
			last = append(last, p)
		}
		last[r] = p
		ranks[i] = r
	}
	return ranks
}

// order returns the indices of the points without a NaN, best first objective
// first, and best second objective first among equals.
func (g Goals) order(ps []Point) []int {
	order := make([]int, 0, len(ps))
	for i, p := range ps {
		if !hasNaN(p) {
			order = append(order, i)
		}
	}
	// In the order of their indices among equals: thrice as fast as a stable sort.
	slices.SortFunc(order, func(i, j int) int {
		if c := comparePoints(g.orient(ps[i]), g.orient(ps[j])); c != 0 {
			return c
		}
		return i - j
	})
	return order
}

// comparePoints orders by the first objective, then by the second.
func comparePoints(a, b Point) int {
	if a[0] != b[0] {
		return cmp.Compare(a[0], b[0])
	}
	return cmp.Compare(a[1], b[1])
}
