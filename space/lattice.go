package space

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
)

// Point is a configuration by value index of each parameter, in the order of
// [Lattice.Params]. A fixed parameter has one value, index 0.
type Point []uint8

// Lattice is the set of all valid configurations in canonical form: no two of its
// members mean the same server. It never changes, and any number of goroutines
// may use it at once.
//
// Methods that take a Point panic if it does not have one index for each
// parameter, within that parameter's values.
type Lattice struct {
	spec      *Spec
	id        string
	params    []Param // effective values
	facts     map[string]Value
	options   Options
	dropped   []string
	fixedArgs []string
	tuned     []bool // passed on the command line
	tunable   []int  // parameters with more than one value
	order     []int  // the parameter of each level
	level     []int  // the level of each parameter, -1 = fixed
	component []int  // of each level: those with the same number are joined by rules
	raw       Rank
	nodes     int
	deflt     Point

	folder    *folder
	diagrams  *diagrams // of each rule alone
	ruleOrder []int     // the parameter of each level of these
	rules     []*compiledRule
	moves     []move
	layers    *layers

	judge func() *judge // made when it is first needed
}

// RuleReport says what one rule does to the space.
type RuleReport struct {
	ID    string `json:"id"`
	Class string `json:"class"`
	// RemovesAlone counts the raw configurations that this rule forbids, whatever
	// the other rules say.
	RemovesAlone Rank `json:"removes_alone"`
}

// Spec is what the lattice was compiled from.
func (l *Lattice) Spec() *Spec { return l.spec }

// Params are all parameters of the spec, with the values that they can have here:
// a fixed one has one. The slice is the lattice's own: do not change it.
func (l *Lattice) Params() []Param { return l.params }

// Tuned reports whether a parameter of the spec is passed on the command line.
func (l *Lattice) Tuned(name string) bool {
	i := l.spec.index(name)
	return i >= 0 && l.tuned[i]
}

// IsDefault reports whether v is the engine's default of a parameter; of a name
// that is none, false.
func (l *Lattice) IsDefault(name string, v Value) bool {
	i := l.spec.index(name)
	return i >= 0 && l.spec.Params[i].Default == v
}

// Facts are the facts that are known, defaults included.
func (l *Lattice) Facts() map[string]Value { return maps.Clone(l.facts) }

// ID is a hash of the spec, the facts and the values: a rank means the same
// configuration in lattices of the same ID.
func (l *Lattice) ID() string { return l.id }

// Raw counts all combinations of the values.
func (l *Lattice) Raw() Rank { return l.raw }

// Count counts the members; it is never 0.
func (l *Lattice) Count() Rank { return l.layers.count() }

// Nodes is the size of the reduced diagram of all rules together.
func (l *Lattice) Nodes() int { return l.nodes }

// Rules reports on each rule that shapes the lattice, in file order.
func (l *Lattice) Rules() []RuleReport {
	var reports []RuleReport
	for _, c := range l.rules {
		if c.class != Soft {
			reports = append(reports, RuleReport{c.id, c.class, l.raw.sub(l.diagrams.countTrue(c.ok))})
		}
	}
	return reports
}

// Unrank writes member r into dst and returns it; it allocates only if dst has no
// room. It panics if r is not below Count.
func (l *Lattice) Unrank(r Rank, dst Point) Point {
	if !r.less(l.Count()) {
		panic(fmt.Sprintf("space: rank %s is not below the count %s", r, l.Count()))
	}
	dst = slices.Grow(dst[:0], len(l.params))[:len(l.params)]
	clear(dst)
	l.layers.unrank(r, func(level, v int) { dst[l.order[level]] = uint8(v) })
	return dst
}

// Rank is the rank of p, and whether p is a member.
func (l *Lattice) Rank(p Point) (Rank, bool) {
	l.mustFit(p)
	return l.layers.rankFrom(l.layers.root, 0, func(level int) int { return int(p[l.order[level]]) })
}

// Contains reports whether p is a member.
func (l *Lattice) Contains(p Point) bool {
	_, ok := l.Rank(p)
	return ok
}

// Sample draws the rank of a member, each with the same probability.
func (l *Lattice) Sample(rng *rand.Rand) Rank { return l.layers.sample(rng) }

// All visits all members in rank order. The Point is the same one each time.
func (l *Lattice) All() iter.Seq2[Rank, Point] {
	return func(yield func(Rank, Point) bool) {
		p := make(Point, len(l.params))
		l.layers.all(func(r Rank, values []uint8) bool {
			for level, v := range values {
				p[l.order[level]] = v
			}
			return yield(r, p)
		})
	}
}

// Neighbors are the ranks of all members that differ from p in exactly one
// parameter. p itself need not be a member.
func (l *Lattice) Neighbors(p Point) []Rank {
	l.mustFit(p)
	var ranks []Rank
	l.layers.neighbors(func(level int) int { return int(p[l.order[level]]) }, func(r Rank) { ranks = append(ranks, r) })
	return ranks
}

// Neighbors2 are the ranks of all members that differ from p in exactly two
// parameters that rules join, directly or through others: such that may be valid
// only together. p itself need not be a member.
func (l *Lattice) Neighbors2(p Point) []Rank {
	l.mustFit(p)
	var ranks []Rank
	l.layers.pairs(func(level int) int { return int(p[l.order[level]]) }, l.component, func(r Rank) { ranks = append(ranks, r) })
	return ranks
}

// Repair is the member nearest to Canon(p): it differs in the fewest parameters;
// of those that do, the steps between ordinal values (1 for others) have the
// smallest sum; of those, it has the smallest rank. Of repairs that differ in as many
// parameters, those come first that change fewer of held, indices of parameters that
// had better keep their values. It is exact: a shortest path through the diagram.
func (l *Lattice) Repair(p Point, held ...int) Point {
	p = l.Canon(p)
	l.layers.nearest(func(level, v int) int64 {
		i := l.order[level]
		steps := max(v-int(p[i]), int(p[i])-v)
		switch {
		case steps == 0:
			return 0
		case l.params[i].Kind != Ordinal:
			steps = 1
		}
		if slices.Contains(held, i) {
			steps += 1 << 20 // more than the steps of 4096 parameters; of as many it is less than a change
		}
		return 1<<32 + int64(steps)
	}, func(level, v int) { p[l.order[level]] = uint8(v) })
	return p
}

// Canon is the canonical form of p: rewrites and inactive values are applied, in
// file order, until nothing changes. See the package comment for what that takes
// of a spec.
func (l *Lattice) Canon(p Point) Point {
	l.mustFit(p)
	c, before := slices.Clone(p), slices.Clone(p)
	at := func(level int) int { return int(before[l.ruleOrder[level]]) }
	for range len(l.moves) + 1 {
		changed := false
		for i, m := range l.moves {
			if i == 0 || l.moves[i-1].rule != m.rule {
				copy(before, c) // the moves of one rule happen at once
			}
			next, _ := l.diagrams.at(m.next, at).AsInt()
			changed = changed || c[m.param] != uint8(next)
			c[m.param] = uint8(next)
		}
		if !changed {
			break
		}
	}
	return c
}

// Default is the engine's own default configuration in canonical form, or the
// member nearest to it.
func (l *Lattice) Default() Point { return slices.Clone(l.deflt) }

func (l *Lattice) setDefault() {
	p := make(Point, len(l.params))
	for i, param := range l.params {
		p[i] = uint8(slices.Index(param.Values, param.Default))
	}
	l.deflt = l.Repair(p)
}

// Config is p by names and values, of all parameters of the spec.
func (l *Lattice) Config(p Point) Config {
	l.mustFit(p)
	c := make(Config, len(p))
	for i, v := range p {
		c[l.params[i].Name] = l.params[i].Values[v]
	}
	return c
}

// PointOf is c by indices. What c leaves out has its default; a name or value that
// the lattice does not have is an error.
func (l *Lattice) PointOf(c Config) (Point, error) {
	p := make(Point, len(l.params))
	found := 0
	for i := range l.params {
		param := &l.params[i]
		v, ok := c[param.Name]
		if ok {
			found++
		} else {
			v = param.Default
		}
		k := slices.Index(param.Values, v)
		if k < 0 {
			return nil, valueError(param, v)
		}
		p[i] = uint8(k)
	}
	if found < len(c) {
		for _, name := range slices.Sorted(maps.Keys(c)) {
			if l.spec.index(name) < 0 {
				return nil, l.spec.unknownParam(name)
			}
		}
	}
	return p, nil
}

// Args are the command-line flags of p.
func (l *Lattice) Args(p Point) []string {
	return appendArgs(slices.Clone(l.fixedArgs), l.params, l.Config(p), l.Tuned)
}

// Dropped are the flags that are not passed because the engine does not know them
// (Options.Flags): those of parameters, which stay at their default, in the order of
// Params, then fixed ones.
func (l *Lattice) Dropped() []string { return slices.Clone(l.dropped) }

func (l *Lattice) mustFit(p Point) {
	ok := len(p) == len(l.params)
	for i := 0; ok && i < len(p); i++ {
		ok = int(p[i]) < len(l.params[i].Values)
	}
	if !ok {
		panic(fmt.Sprintf("space: %v is no point of lattice %s", p, l.id))
	}
}
