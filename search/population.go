package search

import (
	"cmp"
	"math"
	"slices"

	"harness/search/pareto"
	"harness/space"
)

// member is one configuration of a population.
type member struct {
	rank     space.Rank
	front    int     // non-domination rank, 0 the best; failed for a failure
	crowding float64 // within its front; more is lonelier
}

// failed is the front of failures: behind every configuration that works.
const failed = math.MaxInt

// populationSize is the number of configurations that are bred from. On measured
// tables and with 100 trials, 8 to 16 do better than 25 or 40.
func populationSize(o Options) int {
	if o.Population > 0 {
		return o.Population
	}
	return min(max(o.Budget/8, 8), 40)
}

// compare puts the better of two members first: the crowded comparison of Deb et
// al. (2002). It is 0 where neither is better, as between two failures.
func (m member) compare(o member) int {
	return cmp.Or(cmp.Compare(m.front, o.front), cmp.Compare(o.crowding, m.crowding))
}

// population returns the best configurations of a history, up to size of them,
// best first: NSGA-II's choice of survivors with all that was ever measured as
// its archive. Failures fill up the places that no working configuration takes.
//
// A configuration with several load points competes with all of them: its front
// is the best that one of them is on, and its crowding the sum over its points on
// that front. So one point of excellence suffices to survive, holding more of the
// front counts for more, and with one load point it is NSGA-II as published.
func population(h *history, size int) []member {
	members := make([]member, h.told.len())
	var points []pareto.Point // of all that work
	var owner []int           // the member of each point
	for i, r := range h.told.ascending() {
		members[i] = member{rank: r, front: failed}
		if o := h.outcomes[r]; o.ok() {
			for _, p := range o.Points {
				points = append(points, p.logs())
				owner = append(owner, i)
			}
		}
	}
	fronts := goals.Ranks(points)
	for k, front := range fronts {
		members[owner[k]].front = min(members[owner[k]].front, front)
	}
	crowding := crowdingByFront(points, fronts)
	for k, front := range fronts {
		if m := &members[owner[k]]; m.front == front {
			m.crowding += crowding[k]
		}
	}
	slices.SortStableFunc(members, member.compare)
	return members[:min(size, len(members))]
}

// crowdingByFront returns each point's crowding distance within its own front.
func crowdingByFront(points []pareto.Point, fronts []int) []float64 {
	byFront := make(map[int][]int)
	for k, front := range fronts {
		byFront[front] = append(byFront[front], k)
	}
	crowding := make([]float64, len(points))
	for _, ks := range byFront {
		var front []pareto.Point
		for _, k := range ks {
			front = append(front, points[k])
		}
		for i, c := range pareto.Crowding(front) {
			crowding[ks[i]] = c
		}
	}
	return crowding
}
