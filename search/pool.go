package search

import (
	"math/rand/v2"
	"slices"

	"harness/space"
)

const (
	// poolSize is the number of uniform draws that a design chooses from. A pair
	// of values that 1 in 720 valid configurations have is among them with
	// probability 0.999. Of the pairs of a lattice with 18 parameters, 32 or 64
	// points from a pool of 3,000 cover 0.4 % less, from one of 8,000 0.2 % more.
	poolSize = 5000

	// designStream numbers the designs' random streams, away from those of asks,
	// which are numbered from 0.
	designStream = 1 << 63
)

// newPool returns up to n distinct points drawn uniformly, the whole
// lattice where it is no larger, in the order of their ranks; and after them a
// point for each value that no draw has met.
func newPool(l *space.Lattice, n int, rng *rand.Rand) []space.Point {
	var pool []space.Point
	if l.Count().Cmp(space.RankOf(uint64(n))) <= 0 {
		for _, p := range l.All() {
			pool = append(pool, slices.Clone(p))
		}
		return pool
	}
	ranks := make([]space.Rank, n)
	for i := range ranks {
		ranks[i] = l.Sample(rng)
	}
	slices.SortFunc(ranks, space.Rank.Cmp)
	for _, r := range slices.Compact(ranks) {
		pool = append(pool, l.Unrank(r, nil))
	}
	return append(pool, rarePoints(l, pool, rng)...)
}

// rarePoints returns points with the values that no point of the pool has, as
// far as they are valid: for each, one drawn uniformly from those that have it.
func rarePoints(l *space.Lattice, pool []space.Point, rng *rand.Rand) []space.Point {
	var rare []space.Point
	for i, param := range l.Params() {
		missing := slices.Repeat([]bool{true}, len(param.Values))
		for _, points := range [][]space.Point{pool, rare} {
			for _, p := range points {
				missing[p[i]] = false
			}
		}
		for v, value := range param.Values {
			if !missing[v] {
				continue
			}
			// No error: these are the lattice's own names and values.
			if r, ok, _ := l.SampleWhere(space.Config{param.Name: value}, rng); ok {
				rare = append(rare, l.Unrank(r, nil))
			}
		}
	}
	return rare
}

// settle returns the configuration of the lattice that stands for p: its
// canonical form where that is valid, else the nearest valid one, and whether it
// had to be repaired so. The parameters held keep their values where that moves it no
// further.
func settle(l *space.Lattice, p space.Point, held ...int) (settled space.Point, repaired bool) {
	p = l.Canon(p)
	if l.Contains(p) {
		return p, false
	}
	return l.Repair(p, held...), true
}
