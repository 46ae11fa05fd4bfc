package space

import "maps"

// A folder evaluates what is known before any configuration is: facts and fixed
// parameters. What is left of an expression then names only parameters to tune,
// derived values that depend on them, and facts that nobody gave.
type folder struct {
	spec    *Spec
	known   map[string]Value // facts and fixed parameters
	derived []*expr          // what is left of each derived value; nil = not looked at
	scopes  []map[int]bool   // the parameters that each derived value depends on
}

func newFolder(s *Spec, known map[string]Value) *folder {
	return &folder{spec: s, known: known, derived: make([]*expr, len(s.derived)), scopes: make([]map[int]bool, len(s.derived))}
}

// fold is what is left of e; a literal if nothing is.
func (f *folder) fold(e *expr) *expr {
	switch e.op {
	case opLiteral:
		return e
	case opName:
		if v, ok := f.known[e.name]; ok {
			return &expr{pos: e.pos, value: v, kinds: kindsOf(v)}
		}
		if n := f.spec.names[e.name]; n.kind == isDerived {
			if left := f.foldDerived(n.index); left.op == opLiteral {
				return left
			}
		}
		return e
	case opAnd, opOr, opIff, opCoalesce:
		return f.foldLazy(e)
	}
	left := copyOf(e)
	left.args = make([]*expr, len(e.args))
	literal := true
	for i, a := range e.args {
		left.args[i] = f.fold(a)
		literal = literal && left.args[i].op == opLiteral
	}
	if !literal {
		return left
	}
	if v := left.eval(nil); !v.isError() {
		return &expr{pos: e.pos, value: v, kinds: kindsOf(v)}
	}
	return left // fails wherever it is needed, which a guard may prevent
}

func (f *folder) foldDerived(i int) *expr {
	if f.derived[i] == nil {
		f.derived[i] = f.fold(f.spec.derived[i].expr)
	}
	return f.derived[i]
}

func (f *folder) foldLazy(e *expr) *expr {
	first := f.fold(e.args[0])
	if first.op == opLiteral {
		next, v := e.choose(first.value)
		switch {
		case next == nil && !v.isError():
			return &expr{pos: e.pos, value: v, kinds: kindsOf(v)}
		case next != nil:
			left := f.fold(next)
			if e.op == opIff || e.op == opCoalesce || left.kinds == maybeBool {
				return left
			}
		}
	}
	left := copyOf(e)
	left.args = []*expr{first}
	for _, a := range e.args[1:] {
		left.args = append(left.args, f.fold(a))
	}
	return left
}

// scope adds the parameters that a folded expression depends on.
func (f *folder) scope(e *expr, into map[int]bool) {
	e.walk(func(e *expr) {
		n, ok := f.spec.names[e.name]
		if !ok || e.op != opName {
			return
		}
		switch n.kind {
		case isParam:
			into[n.index] = true
		case isDerived:
			if f.scopes[n.index] == nil {
				f.scopes[n.index] = map[int]bool{}
				f.scope(f.foldDerived(n.index), f.scopes[n.index])
			}
			maps.Copy(into, f.scopes[n.index])
		}
	})
}
