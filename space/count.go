package space

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// CountWhere counts the members that have all the values of partial. A value that
// no member has counts 0; a name or value that the spec does not have is an error.
func (l *Lattice) CountWhere(partial Config) (Rank, error) {
	fixed, possible, err := l.fix(partial)
	if err != nil || !possible {
		return Rank{}, err
	}
	return l.layers.where(fixed).count(l.layers.root, 0), nil
}

// SampleWhere draws the rank of a member that has all the values of partial, each
// with the same probability, and returns false where no member has them. A name or
// value that the spec does not have is an error.
func (l *Lattice) SampleWhere(partial Config, rng *rand.Rand) (r Rank, ok bool, err error) {
	fixed, possible, err := l.fix(partial)
	if err != nil || !possible {
		return Rank{}, false, err
	}
	some := l.layers.where(fixed)
	n := some.count(l.layers.root, 0)
	if n == RankOf(0) {
		return Rank{}, false, nil
	}
	return some.unrank(randBelow(rng, n)), true, nil
}

// fix is partial as the value index of each level, -1 for any. It is not possible
// where partial has a value that the spec has and this lattice has not.
func (l *Lattice) fix(partial Config) (fixed []int, possible bool, err error) {
	fixed = make([]int, len(l.order))
	for level := range fixed {
		fixed[level] = -1
	}
	possible = true
	for _, name := range slices.Sorted(maps.Keys(partial)) {
		i := l.spec.index(name)
		if i < 0 {
			return nil, false, l.spec.unknownParam(name)
		}
		v := partial[name]
		if !slices.Contains(l.spec.Params[i].Values, v) && !slices.Contains(l.params[i].Values, v) {
			return nil, false, valueError(&l.spec.Params[i], v)
		}
		k := slices.Index(l.params[i].Values, v)
		possible = possible && k >= 0
		if level := l.level[i]; level >= 0 {
			fixed[level] = k
		}
	}
	return fixed, possible, nil
}

// A Marginal is how often a parameter has a value, among all combinations and
// among the members.
type Marginal struct {
	Value Value
	Raw   Rank
	Valid Rank
}

// Marginals are those of each value of a parameter of the spec; of a fixed one its
// single value. It panics where the spec has no such parameter.
func (l *Lattice) Marginals(name string) []Marginal {
	i := l.spec.index(name)
	if i < 0 {
		panic("space: " + l.spec.unknownParam(name).Error())
	}
	p := &l.params[i]
	raw, _ := l.raw.div64(uint64(len(p.Values)))
	var all []Marginal
	for _, v := range p.Values {
		valid, _ := l.CountWhere(Config{name: v}) // of its own values: no error
		all = append(all, Marginal{v, raw, valid})
	}
	return all
}

// RemovesLast counts, for each rule that shapes the lattice, what it alone forbids:
// the configurations that all other rules leave.
func (l *Lattice) RemovesLast() map[string]Rank {
	d := newDiagrams(l.diagrams.sizes, maxNodes)
	done := map[ref]ref{}
	var rules []*compiledRule
	for _, c := range l.rules {
		if c.class != Soft {
			rules = append(rules, c)
		}
	}
	slices.SortStableFunc(rules, func(a, b *compiledRule) int { return l.diagrams.level(b.ok) - l.diagrams.level(a.ok) })
	n := len(rules)
	before := make([]ref, n+1) // the rules before each place, joined
	before[0] = yes
	oks := make([]ref, n)
	for i, c := range rules {
		oks[i] = l.diagrams.copyTo(d, c.ok, done)
		before[i+1] = d.and(oks[i], before[i])
	}
	all := d.countTrue(before[n])
	last := map[string]Rank{}
	after := yes
	for i := n - 1; i >= 0; i-- {
		others := d.countTrue(d.and(before[i], after))
		last[rules[i].id] = others.sub(all)
		after = d.and(oks[i], after)
	}
	return last
}
