package search

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"harness/search/pareto"
	"harness/space"
)

const (
	// wholeLattice is the largest lattice of which every configuration is a
	// prospect, uniformProspects how many are drawn of a larger one.
	wholeLattice     = 30_000
	uniformProspects = 20_000

	innerPopulation  = 64 // of the inner NSGA-II
	innerGenerations = 8
)

// prospects are those of one decision. Where a configuration is measured at several
// loads they are fewer, so that as much is predicted.
func (y *hybrid) prospects(h *history, v *view, rng *rand.Rand) []prospect {
	if y.whole == nil && y.lattice.Count().Cmp(space.RankOf(wholeLattice)) <= 0 {
		for r, p := range y.lattice.All() {
			y.whole = append(y.whole, y.encoder.prospect(r, p))
		}
	}
	if y.whole != nil {
		var open []prospect
		for _, c := range y.whole {
			if !h.known.has(c.rank) {
				open = append(open, c)
			}
		}
		return open
	}
	g := &gatherer{encoder: y.encoder, known: &h.known, seen: make(map[space.Rank]bool)}
	for range uniformProspects / len(v.loads) {
		g.add(y.lattice.Sample(rng))
	}
	best := population(h, innerPopulation/2)
	for _, m := range best {
		if m.front == 0 {
			for _, r := range y.lattice.Neighbors(y.lattice.Unrank(m.rank, nil)) {
				g.add(r)
			}
		}
	}
	y.evolve(best, v, g, rng)
	return g.found
}

// gatherer collects prospects that are not known, each once.
type gatherer struct {
	encoder *encoder
	known   *rankSet
	seen    map[space.Rank]bool
	found   []prospect
}

// add adds a configuration, unless it is there or known.
func (g *gatherer) add(r space.Rank) {
	if g.seen[r] || g.known.has(r) {
		return
	}
	g.seen[r] = true
	g.found = append(g.found, g.encoder.prospect(r, g.encoder.lattice.Unrank(r, nil)))
}

// evolve gathers what NSGA-II finds on the model's expectation of the costs, in
// the place of a server, when it starts from the best measured configurations and
// from the first prospects.
func (y *hybrid) evolve(best []member, v *view, g *gatherer, rng *rand.Rand) {
	var ranks []space.Rank
	for _, m := range best {
		ranks = append(ranks, m.rank)
	}
	for _, c := range g.found[:min(len(g.found), innerPopulation-len(ranks))] {
		ranks = append(ranks, c.rank)
	}
	e := &evolution{lattice: y.lattice, size: innerPopulation}
	e.members = v.survivors(ranks, innerPopulation)
	for range innerGenerations {
		if len(e.members) < 2 {
			return
		}
		ranks = ranks[:0]
		for _, m := range e.members {
			ranks = append(ranks, m.rank)
		}
		for range innerPopulation {
			if r, ok := y.lattice.Rank(e.breed(rng).point); ok {
				ranks = append(ranks, r)
				g.add(r)
			}
		}
		slices.SortFunc(ranks, space.Rank.Cmp)
		ranks = slices.Compact(ranks)
		e.members = v.survivors(ranks, innerPopulation)
	}
}

// survivors is NSGA-II's choice of survivors by the costs that the model expects, at
// the load where a configuration is best.
func (v *view) survivors(ranks []space.Rank, size int) []member {
	cs := make([]prospect, len(ranks))
	for i, r := range ranks {
		cs[i] = v.encoder.prospect(r, v.encoder.lattice.Unrank(r, nil))
	}
	x := v.inputs(cs)
	first, _ := v.outlook.costs[0].predict(x)
	second, _ := v.outlook.costs[1].predict(x)
	points := make([]pareto.Point, len(x))
	for k := range x {
		points[k] = pareto.Point{first[k], second[k]}
	}
	fronts := costGoals.Ranks(points)
	crowding := crowdingByFront(points, fronts)
	members := make([]member, len(ranks))
	for i, r := range ranks {
		members[i] = member{rank: r, front: failed}
	}
	for k := range x {
		m := &members[k/len(v.loads)]
		switch c := cmp.Compare(fronts[k], m.front); {
		case c < 0:
			m.front, m.crowding = fronts[k], crowding[k]
		case c == 0:
			m.crowding += crowding[k]
		}
	}
	slices.SortStableFunc(members, member.compare)
	return members[:min(size, len(members))]
}
