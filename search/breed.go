package search

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"harness/space"
)

const (
	// crossoverShare is the share of children that have two parents (Deb 2002: 0.9).
	crossoverShare = 0.9

	// nearShare is the share of mutations of an ordinal that step to a value
	// beside the old one. The rest take any other value, so that no value is
	// out of reach.
	nearShare = 0.75

	// mateTries is how many tournaments look for a second parent that is not the first.
	mateTries = 8
)

// child is a new configuration and how it came about.
type child struct {
	point    space.Point
	parents  []space.Rank // one or two
	mutated  []string     // names of the parameters whose mutation it has kept
	repaired bool         // moved to the nearest valid configuration
}

// breed makes a child that is valid: values of one or two parents, parameter by
// parameter, some of them mutated. Where a mutation breaks a rule, undoing it is often
// as near as changing what it conflicts with; then the latter is done. A population
// could not move between options that exclude each other otherwise, such as the
// algorithms of a compressor that are a flag each.
func (e *evolution) breed(rng *rand.Rand) child {
	parent := e.tournament(rng)
	c := child{point: e.lattice.Unrank(parent.rank, nil), parents: []space.Rank{parent.rank}}
	if rng.Float64() < crossoverShare {
		if mate, ok := e.mate(parent, rng); ok {
			c.parents = append(c.parents, mate.rank)
			cross(c.point, e.lattice.Unrank(mate.rank, nil), rng)
		}
	}
	params := e.lattice.Params()
	mutated := mutate(c.point, params, rng)
	wanted := slices.Clone(c.point)
	c.point, c.repaired = settle(e.lattice, c.point, mutated...)
	for _, i := range mutated {
		if c.point[i] == wanted[i] {
			c.mutated = append(c.mutated, params[i].Name)
		}
	}
	return c
}

// mate finds a second parent, and returns false when the first wins each time.
func (e *evolution) mate(first member, rng *rand.Rand) (member, bool) {
	for range mateTries {
		if m := e.tournament(rng); m.rank != first.rank {
			return m, true
		}
	}
	return member{}, false
}

// cross gives p each value of the other parent with probability 1/2.
func cross(p, other space.Point, rng *rand.Rand) {
	for i := range p {
		if rng.Uint64()&1 == 0 {
			p[i] = other[i]
		}
	}
}

// mutate changes each parameter that has a choice with probability one over
// their number, always to another value, and returns the indices of the changed.
func mutate(p space.Point, params []space.Param, rng *rand.Rand) []int {
	tuned := tunedParams(params)
	var changed []int
	for _, i := range tuned {
		if rng.IntN(len(tuned)) == 0 {
			p[i] = otherValue(p[i], params[i], rng)
			changed = append(changed, i)
		}
	}
	return changed
}

// otherValue draws a value that is not v.
func otherValue(v uint8, param space.Param, rng *rand.Rand) uint8 {
	n := len(param.Values)
	if param.Kind == space.Ordinal && rng.Float64() < nearShare {
		switch {
		case v == 0:
			return 1
		case int(v) == n-1:
			return v - 1
		case rng.Uint64()&1 == 0:
			return v - 1
		}
		return v + 1
	}
	w := uint8(rng.IntN(n - 1))
	if w >= v {
		w++
	}
	return w
}

// reason says how the child came about: "crossover of 12 and 40, mutated tp_size".
func (c child) reason() string {
	reason := c.parents[0].String()
	mutated := strings.Join(c.mutated, ", ")
	switch {
	case len(c.parents) == 2:
		reason = fmt.Sprintf("crossover of %s and %s", c.parents[0], c.parents[1])
		if mutated != "" {
			reason += ", mutated " + mutated
		}
	case mutated != "":
		reason += " with another " + mutated
	}
	if c.repaired {
		reason += ", repaired"
	}
	return reason
}
