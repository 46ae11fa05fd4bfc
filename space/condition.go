package space

import "errors"

// Condition reads a yes-or-no question about a configuration, in the language of the
// spec's rules: names are parameters and derived values over them. The function that
// it returns answers it; what a Config leaves out has its default. Its error says why
// there is no answer, as when a comparison meets none.
func (s *Spec) Condition(text string) (func(Config) (bool, error), error) {
	d := &document{file: "condition", lines: []string{text}}
	f := formula{text: text, line: 1, column: 1}
	e, err := parseExpr(text)
	if bad := (*exprError)(nil); errors.As(err, &bad) {
		d.failFormula(&f, bad.pos, "%s", bad.msg)
		return nil, d.err()
	}
	f.expr = e
	c := &checker{doc: d, spec: s}
	for range s.derived {
		c.state = append(c.state, visited)
	}
	c.formula(&f, maybeBool)
	if err := d.err(); err != nil {
		return nil, err
	}
	return func(cfg Config) (bool, error) {
		v := f.eval(s.valuesOf(cfg))
		if v.isError() {
			return false, errors.New(v.text)
		}
		v = f.wantBool(v)
		b, ok := v.AsBool()
		if !ok {
			return false, errors.New(v.text)
		}
		return b, nil
	}, nil
}

// valuesOf looks names up in a configuration.
func (s *Spec) valuesOf(c Config) func(*expr) Value {
	var lookup func(e *expr) Value
	lookup = func(e *expr) Value {
		switch n := e.entry; n.kind {
		case isParam:
			if v, ok := c[e.name]; ok {
				return v
			}
			return s.Params[n.index].Default
		case isDerived:
			return s.derived[n.index].eval(lookup)
		}
		if f := s.Facts[e.entry.index]; f.Default != nil {
			return *f.Default
		}
		return Value{kind: kindError, text: "fact " + e.name + " is not known"}
	}
	return lookup
}
