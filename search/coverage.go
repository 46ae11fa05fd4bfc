package search

import (
	"cmp"
	"fmt"

	"harness/space"
)

// coverage counts which values, and which pairs of values, a growing set of
// points shows. Only parameters that have a choice count.
type coverage struct {
	params []space.Param
	tuned  []int // indices of params

	shown    [][]int // how often each value is shown, by parameter and value
	offset   [][]int // of the pairs of two parameters in covered, by position in tuned
	covered  []bool  // by pair
	frequent []int   // how many points of the pool show each pair
	missing  int     // pairs of the pool that are not covered
}

// newCoverage covers nothing yet. The pairs to be covered are those of the pool.
func newCoverage(params []space.Param, pool []space.Point) *coverage {
	c := &coverage{params: params, tuned: tunedParams(params)}
	for _, p := range params {
		c.shown = append(c.shown, make([]int, len(p.Values)))
	}
	pairs := 0
	for a, i := range c.tuned {
		c.offset = append(c.offset, make([]int, a))
		for b, j := range c.tuned[:a] {
			c.offset[a][b] = pairs
			pairs += len(params[i].Values) * len(params[j].Values)
		}
	}
	c.covered = make([]bool, pairs)
	c.frequent = make([]int, pairs)
	for _, p := range pool {
		for a := range c.tuned {
			for b := range a {
				pair := c.pair(p, a, b)
				if c.frequent[pair] == 0 {
					c.missing++
				}
				c.frequent[pair]++
			}
		}
	}
	return c
}

// pair numbers the pair of values that p has of two tuned parameters, b < a.
func (c *coverage) pair(p space.Point, a, b int) int {
	i, j := c.tuned[a], c.tuned[b]
	return c.offset[a][b] + int(p[i])*len(c.params[j].Values) + int(p[j])
}

// add puts a point into the set.
func (c *coverage) add(p space.Point) {
	for a, i := range c.tuned {
		c.shown[i][p[i]]++
		for b := range a {
			pair := c.pair(p, a, b)
			if !c.covered[pair] && c.frequent[pair] > 0 {
				c.missing--
			}
			c.covered[pair] = true
		}
	}
}

// best returns the index of the point to add next, and why.
func (c *coverage) best(pool []space.Point) (index int, reason string) {
	var most gain
	for k, p := range pool {
		if g := c.gain(p); k == 0 || g.compare(most) > 0 {
			index, most = k, g
		}
	}
	return index, c.reason(pool[index], most.pairs)
}

// gain is what a point would add to a set.
type gain struct {
	values  int     // not shown yet
	pairs   int     // of values, not shown yet
	balance float64 // more the less often its values are shown
}

func (g gain) compare(o gain) int {
	return cmp.Or(cmp.Compare(g.values, o.values), cmp.Compare(g.pairs, o.pairs), cmp.Compare(g.balance, o.balance))
}

func (c *coverage) gain(p space.Point) gain {
	g := gain{pairs: c.newPairs(p)}
	for _, i := range c.tuned {
		n := c.shown[i][p[i]]
		if n == 0 {
			g.values++
		}
		g.balance += 1 / float64(1+n)
	}
	return g
}

// newPairs is the number of pairs that p would cover.
func (c *coverage) newPairs(p space.Point) int {
	if c.missing == 0 {
		return 0
	}
	n := 0
	for a := range c.tuned {
		for b := range a {
			if !c.covered[c.pair(p, a, b)] {
				n++
			}
		}
	}
	return n
}

// reason names the rarest pair that p covers first or, when there is none, the
// value of p that is shown least often.
func (c *coverage) reason(p space.Point, newPairs int) string {
	if newPairs == 0 {
		least := -1
		for _, i := range c.tuned {
			if least < 0 || c.shown[i][p[i]] < c.shown[least][p[least]] {
				least = i
			}
		}
		if least < 0 {
			return "the only configuration"
		}
		return fmt.Sprintf("shows %s more often", c.value(p, least))
	}
	rarest, first, second := -1, 0, 0
	for a, i := range c.tuned {
		for b, j := range c.tuned[:a] {
			pair := c.pair(p, a, b)
			if !c.covered[pair] && (rarest < 0 || c.frequent[pair] < c.frequent[rarest]) {
				rarest, first, second = pair, i, j
			}
		}
	}
	reason := fmt.Sprintf("covers %s with %s", c.value(p, first), c.value(p, second))
	if newPairs > 1 {
		reason += fmt.Sprintf(" and %d more pairs", newPairs-1)
	}
	return reason
}

// value writes the value that p has of parameter i.
func (c *coverage) value(p space.Point, i int) string {
	return fmt.Sprintf("%s=%s", c.params[i].Name, c.params[i].Values[p[i]])
}
