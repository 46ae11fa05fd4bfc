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

const (
	// failed is the front of failures: behind every configuration that works.
	failed = math.MaxInt

	// beyond is the front of configurations that work and break a limit at every
	// load point. The less they break it by, the better: that is their crowding.
	beyond = failed - 1
)

// populationSize is the number of configurations that are bred from. On measured
// tables and with 100 trials, 8 to 16 do better than 25 or 40. With 12 or 16 trials 3 or
// 4 are worse than uniform draws, which is what 8 begin with.
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
	var points []pareto.Point // of all that work and keep the limits
	var owner []int           // the member of each point
	for i, r := range h.told.ascending() {
		members[i] = member{rank: r, front: failed}
		record := h.records[r]
		if !record.ok() {
			continue
		}
		members[i].front = beyond
		members[i].crowding = math.Inf(-1)
		for _, p := range record.points {
			if p.Bound {
				continue
			}
			if over := violation(p, h.limits); over > 0 {
				members[i].crowding = max(members[i].crowding, -over)
				continue
			}
			points = append(points, p.costs())
			owner = append(owner, i)
		}
	}
	fronts := costGoals.Ranks(points)
	for k, front := range fronts {
		members[owner[k]].front = min(members[owner[k]].front, front)
	}
	for _, i := range owner {
		members[i].crowding = 0
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
