package space

import (
	"maps"
	"slices"
	"strings"
)

// kindSet is the kinds of values that an expression may have; ints and floats
// are both numbers.
type kindSet uint8

const (
	maybeNone kindSet = 1 << iota
	maybeBool
	maybeNumber
	maybeString
	isList  // nothing else: a list stands only after in
	anyKind = maybeNone | maybeBool | maybeNumber | maybeString
)

func kindsOf(v Value) kindSet {
	switch v.kind {
	case kindBool:
		return maybeBool
	case kindInt, kindFloat:
		return maybeNumber
	case kindString:
		return maybeString
	}
	return maybeNone
}

func (k kindSet) String() string {
	var words []string
	for i, w := range []string{"none", "bool", "number", "string", "list"} {
		if k&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, " or ")
}

// checkSpec finds the faults that lie between the parts of a file: names that
// nobody defines, derived values that need themselves, expressions that can never
// have the type their place wants. It also brings the expressions into their
// final form (see expandLists).
func checkSpec(d *document, s *Spec) {
	c := &checker{doc: d, spec: s, state: make([]visit, len(s.derived))}
	for i := range s.derived {
		c.visit(i, nil)
	}
	for i := range s.Params {
		c.formula(&s.Params[i].activeIf, maybeBool)
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		c.formula(&r.expr, maybeBool)
		c.formula(&r.when, maybeBool)
		for j := range r.sets {
			c.formula(&r.sets[j].value, anyKind)
		}
	}
	for i := range s.effective {
		c.formula(&s.effective[i].formula, anyKind)
	}
	c.formula(&s.devices, maybeNumber)
}

type checker struct {
	doc   *document
	spec  *Spec
	state []visit // of each derived value
	path  []int   // derived values being visited
}

type visit uint8

const (
	unvisited visit = iota
	visiting
	visited
)

// visit checks derived value i and before it those that it uses. From is where
// the name stands.
func (c *checker) visit(i int, from *expr) {
	switch c.state[i] {
	case visited:
		return
	case visiting:
		var names []string
		for _, j := range c.path[slices.Index(c.path, i):] {
			names = append(names, c.spec.derived[j].name)
		}
		f := &c.spec.derived[c.path[len(c.path)-1]].formula
		c.doc.failFormula(f, from.pos, "derived values need each other: %s", strings.Join(append(names, names[0]), " -> "))
		return
	}
	c.state[i] = visiting
	c.path = append(c.path, i)
	f := &c.spec.derived[i].formula
	if f.expr != nil {
		f.expr.walk(func(e *expr) {
			if n, ok := c.spec.names[e.name]; ok && e.op == opName && n.kind == isDerived {
				c.visit(n.index, e)
			}
		})
		if f.op == opList {
			for _, a := range f.args {
				c.kinds(f, a)
			}
			f.kinds = isList
		} else {
			c.formula(f, anyKind)
		}
	}
	c.path = c.path[:len(c.path)-1]
	c.state[i] = visited
}

// formula checks one whole expression that must be able to have one of the kinds.
func (c *checker) formula(f *formula, want kindSet) {
	if f.expr == nil {
		return
	}
	if got := c.kinds(f, f.expr); got&want == 0 {
		c.doc.failFormula(f, 0, "want a %s, but this is a %s", want, got)
	}
}

// kinds sets and returns the kinds of e, which is a part of f. After an error it
// answers anyKind, so that one fault is told once.
func (c *checker) kinds(f *formula, e *expr) kindSet {
	e.kinds = c.infer(f, e)
	return e.kinds
}

func (c *checker) infer(f *formula, e *expr) kindSet {
	switch e.op {
	case opLiteral:
		return kindsOf(e.value)
	case opName:
		return c.name(f, e)
	case opList:
		c.doc.failFormula(f, e.pos, "a list can stand only after in")
		return anyKind
	case opIn:
		c.expandLists(f, e)
		return c.infer(f, e)
	}
	for _, a := range e.args {
		if c.kinds(f, a) == isList {
			c.doc.failFormula(f, a.pos, "%s is a list: it can stand only after in", a.name)
			a.kinds = anyKind
		}
	}
	return c.result(f, e)
}

// result checks the operands' kinds and gives the result's.
func (c *checker) result(f *formula, e *expr) kindSet {
	operand := func(i int, can kindSet) kindSet {
		got := e.args[i].kinds
		if got&can == 0 {
			c.doc.failFormula(f, e.args[i].pos, "%s wants a %s, but this is a %s", opNames[e.op], can, got)
		}
		return got
	}
	switch e.op {
	case opNot, opAnd, opOr:
		for i := range e.args {
			operand(i, maybeBool)
		}
		return maybeBool
	case opIff:
		operand(0, maybeBool)
		return e.args[1].kinds | e.args[2].kinds
	case opCoalesce:
		if e.args[0].kinds&maybeNone == 0 {
			return e.args[0].kinds
		}
		return e.args[0].kinds&^maybeNone | e.args[1].kinds
	case opEq, opNe:
		a, b := e.args[0].kinds, e.args[1].kinds
		if a&b == 0 && (a|b)&maybeNone == 0 {
			c.doc.failFormula(f, e.pos, "a %s never equals a %s", a, b)
		}
		return maybeBool
	case opLt, opLe, opGt, opGe:
		both := operand(0, maybeNumber|maybeString) & operand(1, maybeNumber|maybeString)
		if both&(maybeNumber|maybeString) == 0 {
			c.doc.failFormula(f, e.pos, "%s cannot compare a %s with a %s", opNames[e.op], e.args[0].kinds, e.args[1].kinds)
		}
		return maybeBool
	}
	for i := range e.args {
		operand(i, maybeNumber)
	}
	return maybeNumber
}

func (c *checker) name(f *formula, e *expr) kindSet {
	n, ok := c.spec.names[e.name]
	if !ok {
		known := slices.Sorted(maps.Keys(c.spec.names))
		c.doc.failFormula(f, e.pos, "unknown name %s%s", e.name, didYouMean(e.name, known))
		return anyKind
	}
	e.entry = n
	switch n.kind {
	case isParam:
		var k kindSet
		for _, v := range c.spec.Params[n.index].Values {
			k |= kindsOf(v)
		}
		return k
	case isFact:
		return map[string]kindSet{"int": maybeNumber, "float": maybeNumber, "bool": maybeBool, "string": maybeString}[c.spec.Facts[n.index].Type]
	}
	if d := &c.spec.derived[n.index]; d.expr != nil && d.kinds != 0 {
		return d.kinds
	}
	return anyKind // its own fault has been told
}

// expandLists turns `x in [a, b]` into `x == a or x == b`, in place, so that later
// stages know no lists.
func (c *checker) expandLists(f *formula, e *expr) {
	x, list := e.args[0], e.args[1]
	if n, ok := c.spec.names[list.name]; ok && list.op == opName && n.kind == isDerived {
		if d := &c.spec.derived[n.index]; d.expr != nil && d.op == opList {
			list = d.expr
		}
	}
	if list.op != opList {
		if c.kinds(f, list) != anyKind {
			c.doc.failFormula(f, list.pos, "in wants a list, but this is a %s", list.kinds)
		}
		*e = expr{pos: e.pos, value: Bool(false)}
		return
	}
	*e = expr{pos: e.pos, value: Bool(false)}
	for i, item := range list.args {
		eq := &expr{op: opEq, pos: e.pos, args: []*expr{x, item}}
		if i == 0 {
			*e = *eq
		} else {
			*e = expr{op: opOr, pos: e.pos, args: []*expr{copyOf(e), eq}}
		}
	}
}

func copyOf(e *expr) *expr { c := *e; return &c }
