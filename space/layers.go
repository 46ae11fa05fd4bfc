package space

import "math/rand/v2"

// layers is the compiled lattice: a graph with one layer for each level and no
// skipped ones, in which every path from the root to the end is one member, and
// every node knows how many members lie below each of its values. It is what all
// questions are answered from.
//
// A node is its offset into next and below. Its v-th child is next[node+v], dead
// where no member has that value there; below[node+v] counts the members below
// the values before v, so below[node+size] counts all of the node's.
type layers struct {
	sizes []int
	root  int32
	next  []int32
	below []Rank
}

// dead is the child that no member has.
const dead = int32(-1)

// newLayers spreads a Boolean diagram over all levels: where the diagram skips a
// level, whose parameter then does not matter, a node with equal children stands.
// This is the one place where skipped levels meet counting. The product of the
// sizes must be below 2^128.
func newLayers(d *diagrams, r ref) *layers {
	l := &layers{sizes: d.sizes}
	type place struct {
		r     ref
		level int
	}
	done := map[place]int32{}
	var spread func(place) int32
	spread = func(p place) int32 {
		if p.r == no {
			return dead
		}
		if p.level == len(l.sizes) {
			return 0
		}
		if n, ok := done[p]; ok {
			return n
		}
		size := l.sizes[p.level]
		kids := make([]int32, size)
		for v := range kids {
			kids[v] = spread(place{d.child(p.r, p.level, v), p.level + 1})
		}
		n := int32(len(l.next))
		l.next = append(append(l.next, kids...), dead)
		sum := Rank{}
		for _, k := range kids {
			l.below = append(l.below, sum)
			sum, _ = sum.add(l.total(k, p.level+1))
		}
		l.below = append(l.below, sum)
		done[p] = n
		return n
	}
	l.root = spread(place{r, 0})
	return l
}

// total counts the members below a node of a level.
func (l *layers) total(n int32, level int) Rank {
	switch {
	case n == dead:
		return Rank{}
	case level == len(l.sizes):
		return RankOf(1)
	}
	return l.below[int(n)+l.sizes[level]]
}

func (l *layers) count() Rank { return l.total(l.root, 0) }

// unrank calls set with the value of each level of member r, which must exist.
func (l *layers) unrank(r Rank, set func(level, v int)) {
	n := l.root
	for level, size := range l.sizes {
		row := l.below[n : int(n)+size+1]
		v := 0
		for !r.less(row[v+1]) {
			v++
		}
		r = r.sub(row[v])
		set(level, v)
		n = l.next[int(n)+v]
	}
}

// rankFrom follows the values given by at from a node of a level to the end. It
// returns the rank among the node's members, and whether it is one.
func (l *layers) rankFrom(n int32, level int, at func(level int) int) (Rank, bool) {
	var r Rank
	for ; n != dead && level < len(l.sizes); level++ {
		i := int(n) + at(level)
		r, _ = r.add(l.below[i])
		n = l.next[i]
	}
	return r, n != dead
}

// neighbors calls found with each member that differs from the given values at
// one level: by level, then by value.
func (l *layers) neighbors(at func(level int) int, found func(Rank)) {
	l.changeOne(l.root, 0, at, func(int) bool { return true }, found)
}

// pairs calls found with each member that differs from the given values at exactly
// two levels of one component: by the first level and its value, then by the second.
func (l *layers) pairs(at func(level int) int, component []int, found func(Rank)) {
	n, prefix := l.root, Rank{}
	for level, size := range l.sizes {
		if n == dead {
			return
		}
		for v := range size {
			if v == at(level) || l.next[int(n)+v] == dead {
				continue
			}
			r, _ := prefix.add(l.below[int(n)+v])
			l.changeOne(l.next[int(n)+v], level+1, at, func(second int) bool { return component[second] == component[level] },
				func(rest Rank) {
					sum, _ := r.add(rest)
					found(sum)
				})
		}
		i := int(n) + at(level)
		prefix, _ = prefix.add(l.below[i])
		n = l.next[i]
	}
}

// changeOne calls found with the rank below node n of each member that differs
// from the given values at one level, among those allowed, from that of n on.
func (l *layers) changeOne(n int32, from int, at func(level int) int, allowed func(level int) bool, found func(Rank)) {
	var prefix Rank
	for level := from; level < len(l.sizes) && n != dead; level++ {
		if allowed(level) {
			for v := range l.sizes[level] {
				if k := l.next[int(n)+v]; v != at(level) && k != dead {
					if rest, ok := l.rankFrom(k, level+1, at); ok {
						r, _ := prefix.add(l.below[int(n)+v])
						r, _ = r.add(rest)
						found(r)
					}
				}
			}
		}
		i := int(n) + at(level)
		prefix, _ = prefix.add(l.below[i])
		n = l.next[i]
	}
}

// A part is those members that have the given value at each level, -1 for any.
type part struct {
	*layers
	fixed []int
	memo  map[int32]Rank // by node, only where a level has a choice
}

func (l *layers) where(fixed []int) part { return part{l, fixed, map[int32]Rank{}} }

// count counts the members of the part below a node of a level.
func (p part) count(n int32, level int) Rank {
	switch {
	case n == dead:
		return Rank{}
	case level == len(p.sizes):
		return RankOf(1)
	case p.fixed[level] >= 0:
		return p.count(p.next[int(n)+p.fixed[level]], level+1)
	}
	sum, ok := p.memo[n]
	if !ok {
		for v := range p.sizes[level] {
			sum, _ = sum.add(p.count(p.next[int(n)+v], level+1))
		}
		p.memo[n] = sum
	}
	return sum
}

// unrank is the rank, among all members, of the i-th of the part, which must exist.
func (p part) unrank(i Rank) Rank {
	n, rank := p.root, Rank{}
	for level, size := range p.sizes {
		v := max(p.fixed[level], 0)
		for ; p.fixed[level] < 0 && v < size; v++ {
			below := p.count(p.next[int(n)+v], level+1)
			if i.less(below) {
				break
			}
			i = i.sub(below)
		}
		rank, _ = rank.add(p.below[int(n)+v])
		n = p.next[int(n)+v]
	}
	return rank
}

// nearest finds the member with the least sum of cost(level, v) over its levels,
// the first by rank among equals, and calls set with its values. The layers must
// not be empty.
func (l *layers) nearest(cost func(level, v int) int64, set func(level, v int)) {
	type best struct {
		cost int64
		v    int32 // value to take, -1 = not computed
	}
	memo := make([]best, len(l.next))
	for i := range memo {
		memo[i].v = -1
	}
	var solve func(n int32, level int) int64
	solve = func(n int32, level int) int64 {
		if level == len(l.sizes) {
			return 0
		}
		m := &memo[n]
		if m.v >= 0 {
			return m.cost
		}
		for v := range l.sizes[level] {
			k := l.next[int(n)+v]
			if k == dead {
				continue
			}
			if c := cost(level, v) + solve(k, level+1); m.v < 0 || c < m.cost {
				*m = best{c, int32(v)}
			}
		}
		return m.cost
	}
	solve(l.root, 0)
	n := l.root
	for level := range l.sizes {
		v := memo[n].v
		set(level, int(v))
		n = l.next[n+v]
	}
}

// sample draws the rank of a member, each with the same probability.
func (l *layers) sample(rng *rand.Rand) Rank { return randBelow(rng, l.count()) }

// all calls yield with each member in rank order until it returns false. The
// values slice is the same each time.
func (l *layers) all(yield func(r Rank, values []uint8) bool) {
	values := make([]uint8, len(l.sizes))
	var r Rank
	var walk func(n int32, level int) bool
	walk = func(n int32, level int) bool {
		if level == len(l.sizes) {
			at := r
			r, _ = r.add(RankOf(1))
			return yield(at, values)
		}
		for v := range l.sizes[level] {
			if k := l.next[int(n)+v]; k != dead {
				values[level] = uint8(v)
				if !walk(k, level+1) {
					return false
				}
			}
		}
		return true
	}
	if l.root != dead {
		walk(l.root, 0)
	}
}
