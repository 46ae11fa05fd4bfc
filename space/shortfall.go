package space

import "math"

// slack stands for the shortfall where a memory rule asks for nothing.
const slack = -1e12

// MemoryShortfall returns an estimate of how near a member is to running out of memory:
// by how much it misses the bound of the memory rule that it keeps least, in the unit
// of the rules; below 0 for members, which keep them all. More is worse. It is nil where
// the lattice has no memory rule that compares amounts. The function may be called by
// any number of goroutines.
func (l *Lattice) MemoryShortfall() func(Point) float64 {
	j := l.judge()
	var rules []*judgedRule
	for _, r := range j.rules {
		if r.class == Memory && r.expr != nil && compares(r.expr) {
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	return func(p Point) float64 {
		n := j.states.Get().(*judgement)
		defer j.states.Put(n)
		for i := range l.params {
			n.values[i] = l.params[i].Values[p[i]]
		}
		n.changed()
		worst := slack
		for _, r := range rules {
			worst = most(worst, n.shortfall(r.expr))
		}
		return worst
	}
}

// compares reports whether a rule says how much of something is enough.
func compares(e *expr) bool {
	switch e.op {
	case opLt, opLe, opGt, opGe:
		return true
	case opAnd, opOr, opIff:
		for _, a := range e.args {
			if compares(a) {
				return true
			}
		}
	}
	return false
}

// shortfall is by how much what a rule asks for is missed. Of alternatives the nearest
// counts, of what must hold together the farthest; a condition that is met asks for
// nothing, and one that is not says nothing of amounts.
func (n *judgement) shortfall(e *expr) float64 {
	switch e.op {
	case opLt, opLe:
		return n.excess(e.args[0], e.args[1])
	case opGt, opGe:
		return n.excess(e.args[1], e.args[0])
	case opOr:
		a, b := n.shortfall(e.args[0]), n.shortfall(e.args[1])
		return least(a, b)
	case opAnd:
		a, b := n.shortfall(e.args[0]), n.shortfall(e.args[1])
		return most(a, b)
	case opIff:
		if e.args[0].eval(n.lookup) == Bool(true) {
			return n.shortfall(e.args[1])
		}
		return n.shortfall(e.args[2])
	}
	if e.eval(n.lookup) == Bool(true) {
		return slack
	}
	return math.NaN()
}

// excess is a - b; slack where one of them has no number.
func (n *judgement) excess(a, b *expr) float64 {
	x, ok := a.eval(n.lookup).AsFloat()
	y, ok2 := b.eval(n.lookup).AsFloat()
	if !ok || !ok2 {
		return slack
	}
	return x - y
}

// least and most leave out what says nothing.
func least(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}

func most(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}
