package search

import (
	"math/rand/v2"
	"slices"

	"harness/space"
)

const (
	// poolSize is the number of uniform draws that a design chooses from. A pair
	// of values that 1 in 720 valid configurations have is among them with
	// probability 0.999. A pool of 3,000 covers half a percent fewer pairs of a
	// lattice of 18 parameters, in 32 points or 64; one of 8,000 a quarter more.
	poolSize = 5000

	// designStream numbers the designs' random streams, away from those of asks,
	// which are numbered from 0.
	designStream = 1 << 63
)

// newPool returns up to poolSize distinct points drawn uniformly, the whole
// lattice where it is no larger, in the order of their ranks; and after them a
// point for each value that no draw has met.
func newPool(l *space.Lattice, rng *rand.Rand) []space.Point {
	var pool []space.Point
	if l.Count().Cmp(space.RankOf(poolSize)) <= 0 {
		for _, p := range l.All() {
			pool = append(pool, slices.Clone(p))
		}
		return pool
	}
	ranks := make([]space.Rank, poolSize)
	for i := range ranks {
		ranks[i] = l.Sample(rng)
	}
	slices.SortFunc(ranks, space.Rank.Cmp)
	for _, r := range slices.Compact(ranks) {
		pool = append(pool, l.Unrank(r, nil))
	}
	return append(pool, rarePoints(l, pool, rng)...)
}

// rarePoints returns a point for each value that no point of the pool has. It is
// drawn uniformly from those with the value, if any are valid.
func rarePoints(l *space.Lattice, pool []space.Point, rng *rand.Rand) []space.Point {
	var rare []space.Point
	for i, param := range l.Params() {
		for v, value := range param.Values {
			has := func(p space.Point) bool { return int(p[i]) == v }
			if slices.ContainsFunc(pool, has) || slices.ContainsFunc(rare, has) {
				continue
			}
			if p, ok := drawWith(l, param.Name, value, rng); ok && has(p) {
				rare = append(rare, p)
			}
		}
	}
	return rare
}

// drawWith draws a configuration in which a parameter has a given value, and
// returns false when none is valid.
func drawWith(l *space.Lattice, name string, value space.Value, rng *rand.Rand) (space.Point, bool) {
	domains := make(map[string][]space.Value)
	for _, p := range l.Params() {
		domains[p.Name] = p.Values
	}
	domains[name] = []space.Value{value}
	slice, err := l.Spec().Compile(space.Options{Facts: l.Facts(), Set: domains})
	if err != nil { // it is empty
		return nil, false
	}
	p, err := l.PointOf(slice.Config(slice.Unrank(slice.Sample(rng), nil)))
	if err != nil {
		return nil, false
	}
	p, repaired := settle(l, p)
	return p, !repaired
}

// settle returns the configuration of the lattice that stands for p: its
// canonical form where that is valid, else the nearest valid one, and whether it
// had to be repaired so.
func settle(l *space.Lattice, p space.Point) (settled space.Point, repaired bool) {
	p = l.Canon(p)
	if l.Contains(p) {
		return p, false
	}
	return l.Repair(p), true
}
