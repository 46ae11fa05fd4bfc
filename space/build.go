package space

import (
	"fmt"
	"slices"
)

// A builder turns folded expressions into diagrams, bottom up: a name is the
// diagram of its values, an operator is applied to the diagrams of its operands.
// A derived value is built once and shared, so that a rule over derived values
// never tabulates the raw parameters below them.
type builder struct {
	*diagrams
	folder  *folder
	params  []Param // with effective values
	order   []int   // the parameter of each level
	level   []int   // of each parameter, -1 = fixed
	derived []ref
	built   []bool
	missing []string // facts that were needed and are not known
}

// build is the diagram of e. Its terminals are e's values; where e fails, or
// needs a fact that is missing, an error value.
func (b *builder) build(e *expr) ref {
	switch e.op {
	case opLiteral:
		return b.constant(e.value)
	case opName:
		return b.name(e)
	case opAnd, opOr, opIff, opCoalesce:
		return b.lazy(e)
	case opRows:
		return b.rows(e)
	}
	x, y := b.build(e.args[0]), yes
	if len(e.args) > 1 {
		y = b.build(e.args[1])
	}
	return b.apply(x, y, yes, func(x, y, _ ref) (ref, bool) {
		if x < 0 && y < 0 {
			return b.constant(e.apply(b.value(x), b.value(y))), true
		}
		return 0, false
	})
}

// condition is build for an expression that must be true or false.
func (b *builder) condition(e *expr) ref {
	r := b.build(e)
	if e.kinds == maybeBool {
		return r
	}
	return b.each(r, func(v Value) Value {
		if v.kind == kindBool || v.isError() {
			return v
		}
		return errorValue(e, "want true or false, not %s,", v.quoted())
	})
}

func (b *builder) name(e *expr) ref {
	n := b.folder.spec.names[e.name]
	switch n.kind {
	case isParam:
		return b.variable(b.level[n.index], b.params[n.index].Values)
	case isDerived:
		if !b.built[n.index] {
			b.derived[n.index] = b.build(b.folder.foldDerived(n.index))
			b.built[n.index] = true
		}
		return b.derived[n.index]
	}
	if !slices.Contains(b.missing, e.name) {
		b.missing = append(b.missing, e.name)
	}
	return b.constant(Value{kind: kindError, text: "fact " + e.name + " is not known"})
}

// lazy applies an operator that takes its later operands only where the first one
// asks for them; a failure of an operand that is not taken does not count. An
// operand that is taken nowhere is not built, so that its facts may be missing.
func (b *builder) lazy(e *expr) ref {
	first := b.build(e.args[0])
	operands := []ref{yes, yes}
	for i, a := range e.args[1:] {
		taken := false
		b.visit(first, func(r ref) {
			if r < 0 {
				next, _ := e.choose(b.value(r))
				taken = taken || next == a
			}
		})
		if taken {
			operands[i] = b.build(a)
		}
		if taken && (e.op == opAnd || e.op == opOr) && a.kinds != maybeBool {
			operands[i] = b.each(operands[i], e.wantBool)
		}
	}
	return b.apply(first, operands[0], operands[1], func(x, y, z ref) (ref, bool) {
		if x >= 0 {
			return 0, false
		}
		switch next, v := e.choose(b.value(x)); next {
		case nil:
			return b.constant(v), true
		case e.args[1]:
			return y, true
		default:
			return z, true
		}
	})
}

// A move is one way in which configurations are the same server: where it
// applies, the value of its parameter becomes another.
type move struct {
	rule  int // in the lattice's rules
	param int
	next  ref // the value index that the parameter gets; its own where the move does not apply
}

// move builds a move of the parameter at level; neither when nor target may hold
// an error. Where when holds the parameter takes the value of target, if that is one of its values. If not, the values with that same
// target are one server, known by one of them: the default if it is among
// them, else the first.
func (b *builder) move(level int, p *Param, when, target ref) ref {
	effective := b.choose(when, target, b.variable(level, p.Values))
	outside := false
	next := b.each(effective, func(v Value) Value {
		if i := slices.Index(p.Values, v); i >= 0 {
			return Int(int64(i))
		}
		outside = true
		return None()
	})
	if !outside {
		return next
	}
	candidates := []int{slices.Index(p.Values, p.Default)}
	for v := range p.Values {
		candidates = append(candidates, v)
	}
	isOutside := b.each(next, func(v Value) Value { return Bool(v.IsNone()) })
	at := make([]ref, len(p.Values)) // the effective value, by own value
	for v := range p.Values {
		at[v] = b.restrict(effective, level, v)
	}
	own := b.indices(level)
	for v := range p.Values {
		alike := b.constant(Int(int64(v)))
		for _, u := range slices.Backward(candidates) {
			alike = b.choose(b.same(at[u], at[v]), b.constant(Int(int64(u))), alike)
		}
		here := b.and(isOutside, b.same(own, b.constant(Int(int64(v)))))
		next = b.choose(here, alike, next)
	}
	return next
}

// indices is the value index of the parameter at a level.
func (b *builder) indices(level int) ref {
	values := make([]Value, b.sizes[level])
	for v := range values {
		values[v] = Int(int64(v))
	}
	return b.variable(level, values)
}

// faultOf describes a configuration for which r is an error, or "".
func (b *builder) faultOf(r ref) string {
	dead := map[ref]bool{}
	var find func(r ref, c Config) string
	find = func(r ref, c Config) string {
		if r < 0 {
			if v := b.value(r); v.isError() {
				return fmt.Sprintf("%s, for example with %s", v.text, c)
			}
			return ""
		}
		if dead[r] {
			return ""
		}
		i := b.order[b.diagrams.level(r)]
		for v, k := range b.children(r) {
			c[b.params[i].Name] = b.params[i].Values[v]
			if s := find(k, c); s != "" {
				return s
			}
		}
		delete(c, b.params[i].Name)
		dead[r] = true
		return ""
	}
	return find(r, Config{})
}
