package space

import (
	"maps"
	"slices"
)

// join finds where all rules hold, and sifts the diagram of that, each component
// for itself.
func (l *Lattice) join(b *builder, rules []*compiledRule) error {
	all := b.allOf(rules)
	if b.full {
		return l.tooLargeTogether()
	}
	if all == no {
		return &EmptyError{Rules: b.minimal(rules)}
	}
	s := newSifter(b.diagrams, all)
	for lo, hi := 0, 0; lo < len(b.order); lo = hi {
		for hi < len(b.order) && l.component[hi] == l.component[lo] {
			hi++
		}
		s.sift(lo, hi)
	}
	for _, v := range s.order {
		l.order = append(l.order, b.order[v])
	}
	l.level, _ = l.levelsOf(l.order)
	l.nodes = s.live
	l.layers = newLayers(s.diagrams())
	l.keep(b, rules)
	return nil
}

// support are the parameters that r depends on.
func (b *builder) support(r ref) []int {
	set := map[int]bool{}
	b.visit(r, func(r ref) {
		if r >= 0 {
			set[b.order[b.diagrams.level(r)]] = true
		}
	})
	return slices.Sorted(maps.Keys(set))
}

// allOf is where all rules that shape the lattice hold. It begins with the rules
// of the lowest levels, so that each step joins a small diagram to the rest below.
func (b *builder) allOf(rules []*compiledRule) ref {
	var oks []ref
	for _, c := range rules {
		oks = append(oks, c.ok)
	}
	slices.SortStableFunc(oks, func(x, y ref) int { return b.diagrams.level(y) - b.diagrams.level(x) })
	all := yes
	for _, ok := range oks {
		all = b.and(ok, all)
	}
	return all
}

// minimal drops every rule without which the rest still leaves nothing.
func (b *builder) minimal(rules []*compiledRule) []string {
	left := slices.DeleteFunc(slices.Clone(rules), func(c *compiledRule) bool { return c.ok == yes })
	for i := len(left) - 1; i >= 0; i-- {
		rest := slices.Delete(slices.Clone(left), i, i+1)
		if b.allOf(rest) == no {
			left = rest
		}
	}
	ids := make([]string, len(left))
	for i, c := range left {
		ids[i] = c.id
	}
	return ids
}

// keep copies what the lattice needs out of the builder's store.
func (l *Lattice) keep(b *builder, rules []*compiledRule) {
	l.diagrams = newDiagrams(b.sizes, maxNodes)
	done := map[ref]ref{}
	for _, c := range rules {
		c.ok = b.copyTo(l.diagrams, c.ok, done)
	}
	for i := range l.moves {
		l.moves[i].next = b.copyTo(l.diagrams, l.moves[i].next, done)
	}
	l.rules = rules
}
