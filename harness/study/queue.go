package study

import (
	"cmp"
	"math"
	"slices"
)

// A queue holds configs that were asked for and wait for devices, oldest first.
type queue []*config

// maxPassed is how many younger configs may begin before one that waits. Then nothing
// else begins until it does: devices are kept free for it.
const maxPassed = 16

// candidates are the configs that may begin next, in the order in which to try them:
// the largest first, for what is small fits in later too, and of equal ones the oldest.
// Where one waits for the whole machine, or was passed too often, it is the only one.
func (q queue) candidates() []*config {
	for _, c := range q {
		if c.alone || c.passed >= maxPassed {
			return []*config{c}
		}
	}
	sorted := slices.Clone(q)
	slices.SortStableFunc(sorted, func(a, b *config) int { return cmp.Compare(b.size(), a.size()) })
	return slices.CompactFunc(sorted, func(a, b *config) bool { return a.size() == b.size() })
}

// held reports whether devices are kept free for a config.
func (q queue) held() bool {
	return slices.ContainsFunc(q, func(c *config) bool { return c.alone || c.passed >= maxPassed })
}

// take removes a config that begins; the older ones were passed.
func (q queue) take(c *config) queue {
	i := slices.Index(q, c)
	for _, older := range q[:i] {
		older.passed++
	}
	return slices.Delete(q, i, i+1)
}

// size orders configs by their devices; one of which the number is not known takes all.
func (c *config) size() int {
	if c.devices == 0 {
		return math.MaxInt
	}
	return c.devices
}
