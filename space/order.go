package space

import (
	"cmp"
	"slices"
)

// orderLevels puts n parameters into diagram order. Each edge is the scope of one
// rule or derived value. Parameters that share an edge, directly or through
// others, form a component; components stay together, in the order of their first
// parameter, so that the diagram of one simply hangs below that of another.
// Inside a component the order is FORCE's: each edge pulls its parameters
// together. The component of each level is told too. See F. Aloul, I. Markov, K. Sakallah, "FORCE: a fast and
// easy-to-implement variable-ordering heuristic" (2003).
func orderLevels(n int, edges [][]int) (order, component []int) {
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	var root func(int) int
	root = func(i int) int {
		if parent[i] != i {
			parent[i] = root(parent[i])
		}
		return parent[i]
	}
	for _, e := range edges {
		for _, v := range e[1:] {
			a, b := root(e[0]), root(v)
			parent[max(a, b)] = min(a, b)
		}
	}
	members := make([][]int, n) // by root, which is the first of its component
	for v := range n {
		members[root(v)] = append(members[root(v)], v)
	}
	inside := make([][][]int, n)
	for _, e := range edges {
		inside[root(e[0])] = append(inside[root(e[0])], e)
	}
	for r, m := range members {
		order = append(order, force(m, inside[r])...)
		for range m {
			component = append(component, r)
		}
	}
	return order, component
}

// force orders the members of one component: from the given order it repeats
// moving each one to the mean centre of its edges, and keeps the order with the
// least total span.
func force(members []int, edges [][]int) []int {
	const rounds = 50
	best, least := members, span(members, edges)
	order := slices.Clone(members)
	for range rounds {
		at := places(order)
		sum, n := map[int]float64{}, map[int]float64{}
		for _, e := range edges {
			centre := 0.0
			for _, v := range e {
				centre += float64(at[v]) / float64(len(e))
			}
			for _, v := range e {
				sum[v] += centre
				n[v]++
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sum[a]/max(n[a], 1), sum[b]/max(n[b], 1)) })
		if s := span(order, edges); s < least {
			best, least = slices.Clone(order), s
		}
	}
	return best
}

func places(order []int) map[int]int {
	at := make(map[int]int, len(order))
	for i, v := range order {
		at[v] = i
	}
	return at
}

// span is the total distance between the first and last parameter of each edge.
func span(order []int, edges [][]int) int {
	at := places(order)
	total := 0
	for _, e := range edges {
		lo, hi := len(order), 0
		for _, v := range e {
			lo, hi = min(lo, at[v]), max(hi, at[v])
		}
		total += hi - lo
	}
	return total
}
