package search

import (
	"cmp"
	"fmt"
	"slices"

	"harness/space"
)

// coverage chooses points that show values, and pairs of values, which those
// before them did not. Only parameters that have a choice count.
type coverage struct {
	params     []space.Param
	tuned      []int // indices of params
	candidates []candidate
	shown      [][]int // how often each value is shown, by parameter and value
	common     [][]int // how many candidates had each value at first
	offset     [][]int // of the pairs of two parameters in covered, by position in tuned
	covered    []bool  // by pair
}

// candidate is a point that may be chosen.
type candidate struct {
	point  space.Point
	values int // that it would show first
	pairs  int // that it would show first
}

// newCoverage shows nothing yet. It keeps the points, and does not change them.
func newCoverage(params []space.Param, points []space.Point) *coverage {
	c := &coverage{params: params, tuned: tunedParams(params)}
	for _, p := range params {
		c.shown = append(c.shown, make([]int, len(p.Values)))
		c.common = append(c.common, make([]int, len(p.Values)))
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
	d := len(c.tuned)
	for _, p := range points {
		c.candidates = append(c.candidates, candidate{point: p, values: d, pairs: d * (d - 1) / 2})
		for _, i := range c.tuned {
			c.common[i][p[i]]++
		}
	}
	return c
}

// pair numbers the pair of values that p has of two tuned parameters, b < a.
func (c *coverage) pair(p space.Point, a, b int) int {
	i, j := c.tuned[a], c.tuned[b]
	return c.offset[a][b] + int(p[i])*len(c.params[j].Values) + int(p[j])
}

// show records that p is shown: what it shows first, no candidate will.
func (c *coverage) show(p space.Point) {
	var agree []int // positions in tuned where the candidate has p's value
	for k := range c.candidates {
		q := &c.candidates[k]
		agree = agree[:0]
		for a, i := range c.tuned {
			if q.point[i] != p[i] {
				continue
			}
			if c.shown[i][p[i]] == 0 {
				q.values--
			}
			for _, b := range agree {
				if !c.covered[c.pair(p, a, b)] {
					q.pairs--
				}
			}
			agree = append(agree, a)
		}
	}
	for a, i := range c.tuned {
		c.shown[i][p[i]]++
		for b := range a {
			c.covered[c.pair(p, a, b)] = true
		}
	}
}

// take removes the best candidate and returns it with the reason. It returns
// false when there is none left.
func (c *coverage) take() (p space.Point, reason string, ok bool) {
	if len(c.candidates) == 0 {
		return nil, "", false
	}
	best := 0
	for k, q := range c.candidates {
		if c.compare(q, c.candidates[best]) > 0 {
			best = k
		}
	}
	q := c.candidates[best]
	c.candidates = slices.Delete(c.candidates, best, best+1)
	return q.point, c.reason(q), true
}

// compare is above 0 if q shows more than o: values, then pairs, then balance.
func (c *coverage) compare(q, o candidate) int {
	if by := cmp.Or(cmp.Compare(q.values, o.values), cmp.Compare(q.pairs, o.pairs)); by != 0 {
		return by
	}
	return cmp.Compare(c.balance(q.point), c.balance(o.point))
}

// balance is larger the less often the values of p are shown.
func (c *coverage) balance(p space.Point) float64 {
	sum := 0.0
	for _, i := range c.tuned {
		sum += 1 / float64(1+c.shown[i][p[i]])
	}
	return sum
}

// reason names the pair of the rarest values that q shows first or, when there
// is none, its value that is shown least often.
func (c *coverage) reason(q candidate) string {
	if q.pairs == 0 {
		return c.balanceReason(q.point)
	}
	rarest, first, second := 0, -1, -1
	for a, i := range c.tuned {
		for b, j := range c.tuned[:a] {
			common := c.common[i][q.point[i]] * c.common[j][q.point[j]]
			if !c.covered[c.pair(q.point, a, b)] && (first < 0 || common < rarest) {
				rarest, first, second = common, i, j
			}
		}
	}
	reason := fmt.Sprintf("covers %s with %s", c.setting(q.point, first), c.setting(q.point, second))
	if q.pairs > 1 {
		reason += fmt.Sprintf(" and %d more pairs", q.pairs-1)
	}
	return reason
}

func (c *coverage) balanceReason(p space.Point) string {
	least := -1
	for _, i := range c.tuned {
		if least < 0 || c.shown[i][p[i]] < c.shown[least][p[least]] {
			least = i
		}
	}
	if least < 0 {
		return "the only configuration"
	}
	return fmt.Sprintf("shows %s more often", c.setting(p, least))
}

// setting writes the value that p has of parameter i.
func (c *coverage) setting(p space.Point, i int) string {
	return fmt.Sprintf("%s=%s", c.params[i].Name, c.params[i].Values[p[i]])
}
