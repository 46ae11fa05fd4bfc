package space

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// spec reads the whole file into s. What needs more than one place of the file is
// left to checkSpec.
func (d *document) spec(n ast.Node, s *Spec) {
	var schema int
	d.fields(n, "a spec", map[string]reader{
		"schema": func(n ast.Node) {
			if d.integer(&schema)(n); schema != 1 {
				d.fail(n, "schema %d is not known: this program reads schema 1", schema)
			}
		},
		"engine":      d.text(&s.Engine),
		"about":       d.text(&s.About),
		"facts":       func(n ast.Node) { d.facts(n, s) },
		"parameters":  d.items("parameters", func(n ast.Node) { d.param(n, s) }),
		"derived":     func(n ast.Node) { d.derived(n, s) },
		"effective":   func(n ast.Node) { d.effective(n, s) },
		"devices":     d.formula(&s.devices),
		"reported":    d.after(func(n ast.Node) { d.reported(n, s) }),
		"logged":      d.after(func(n ast.Node) { d.logged(n, s) }),
		"constraints": d.after(d.items("constraints", func(n ast.Node) { d.rule(n, s) })),
		"tune": d.after(d.items("tune", func(n ast.Node) {
			var name string
			d.text(&name)(n)
			d.knownParam(n, s, name)
			s.Tune = append(s.Tune, name)
		})),
		"fixed_args": d.texts("fixed_args", &s.FixedArgs),
		"server":     func(n ast.Node) { d.serverOrName(n, &s.Server) },
	}, "schema", "engine", "parameters")
	for _, read := range d.later {
		read()
	}
}

// after puts a reader off to the end of the file: it refers to parameters.
func (d *document) after(read reader) reader {
	return func(n ast.Node) { d.later = append(d.later, func() { read(n) }) }
}

func (d *document) knownParam(n ast.Node, s *Spec, name string) int {
	i := s.index(name)
	if i < 0 {
		d.fail(n, "unknown parameter %s%s", name, didYouMean(name, paramNames(s.Params)))
	}
	return i
}

func paramNames(params []Param) []string {
	names := make([]string, len(params))
	for i := range params {
		names[i] = params[i].Name
	}
	return names
}

// declare reserves a name: parameters, facts and derived values share them.
func (d *document) declare(n ast.Node, s *Spec, name string, e entry) {
	_, taken := s.names[name]
	switch {
	case !nameForm.MatchString(name):
		d.fail(n, "name %q: want letters, digits and _, a letter first", name)
	case slices.Contains(reserved, name):
		d.fail(n, "name %s is a word of the expression language", name)
	case taken:
		d.fail(n, "duplicate name %s", name)
	default:
		s.names[name] = e
	}
}

var (
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	reserved = []string{"none", "true", "false", "and", "or", "not", "in", "iff", "coalesce", "max", "min", "ceil_div", "all"}
)

func (d *document) facts(n ast.Node, s *Spec) {
	d.entries(n, "facts", func(key ast.Node, name string, n ast.Node) {
		f := Fact{Name: name}
		d.declare(key, s, name, entry{isFact, len(s.Facts)})
		d.fields(n, "fact "+name, map[string]reader{
			"type": d.text(&f.Type), "from": d.text(&f.From), "note": d.text(&f.Note),
			"default":       func(n ast.Node) { f.Default = new(Value); d.value(f.Default)(n) },
			"check_default": func(n ast.Node) { f.CheckDefault = new(Value); d.value(f.CheckDefault)(n) },
			"min":           func(n ast.Node) { f.Min = new(float64); d.number(f.Min)(n) },
			"max":           func(n ast.Node) { f.Max = new(float64); d.number(f.Max)(n) },
		}, "type")
		switch f.Type {
		case "int", "float", "bool", "string":
			for _, v := range []*Value{f.Default, f.CheckDefault} {
				if v == nil {
					continue
				}
				if msg := f.mismatch(*v); msg != "" {
					d.fail(n, "default of fact %s: %s", name, msg)
				}
			}
		case "":
		default:
			d.fail(n, "type %q of fact %s: want int, float, bool or string", f.Type, name)
		}
		s.Facts = append(s.Facts, f)
	})
}

// mismatch says what is wrong with v as a value of f, or "".
func (f *Fact) mismatch(v Value) string {
	number, isNumber := v.AsFloat()
	ok := isNumber
	switch f.Type {
	case "int":
		_, ok = v.AsInt()
	case "bool":
		_, ok = v.AsBool()
	case "string":
		_, ok = v.AsString()
	}
	if !ok {
		return fmt.Sprintf("%s is no %s", v.quoted(), f.Type)
	}
	if f.Min != nil && isNumber && number < *f.Min {
		return fmt.Sprintf("%s is below %g", v, *f.Min)
	}
	if f.Max != nil && isNumber && number > *f.Max {
		return fmt.Sprintf("%s is above %g", v, *f.Max)
	}
	return ""
}

func (d *document) param(n ast.Node, s *Spec) {
	var p Param
	var kind string
	var grid logGrid
	hasDefault := false
	d.fields(n, "a parameter", map[string]reader{
		"name": func(n ast.Node) { d.text(&p.Name)(n); d.declare(n, s, p.Name, entry{isParam, len(s.Params)}) },
		"flag": d.text(&p.Flag), "legacy_flag": d.text(&p.LegacyFlag), "legacy_before": d.text(&p.LegacyBefore), "off_flag": d.text(&p.OffFlag), "aliases": d.texts("aliases", &p.Aliases),
		"kind": d.text(&kind), "values": d.values(&p.Values),
		"min": d.integer(&grid.min), "max": d.integer(&grid.max), "per_octave": d.integer(&grid.perOctave),
		"default":   func(n ast.Node) { hasDefault = true; d.value(&p.Default)(n) },
		"value_map": d.textMap("value_map", &p.ValueMap),
		"impact":    d.integer(&p.Impact), "quality": d.boolean(&p.Quality),
		"since": d.text(&p.Since), "until": d.text(&p.Until),
		"evidence": d.text(&p.Evidence), "note": d.text(&p.Note), "active_if": d.formula(&p.activeIf),
	}, "name", "flag", "kind", "default")
	switch {
	case kind == "log_integer":
		values, msg := grid.values()
		if msg != "" {
			d.fail(n, "%s", msg)
		}
		p.Values = append(p.Values, values...)
	case grid != logGrid{}:
		d.fail(n, "min, max and per_octave are for kind log_integer, and %s is %s", p.Name, kind)
	}
	d.checkParam(n, &p, kind, hasDefault)
	s.Params = append(s.Params, p)
}

func (d *document) checkParam(n ast.Node, p *Param, kind string, hasDefault bool) {
	switch kind {
	case "categorical":
	case "ordinal", "log_integer":
		p.Kind = Ordinal
	case "bool":
		p.Kind = Boolean
	case "":
	default:
		d.fail(n, "kind %q of %s: want categorical, ordinal, log_integer or bool", kind, p.Name)
	}
	if len(p.Values) == 0 || len(p.Values) > 255 {
		d.fail(n, "%s has %d values: want 1 to 255", p.Name, len(p.Values))
		return
	}
	for i, v := range p.Values {
		if slices.Contains(p.Values[:i], v) {
			d.fail(n, "%s has the value %s twice", p.Name, v)
		}
		if _, isBool := v.AsBool(); p.Kind == Boolean && !isBool {
			d.fail(n, "%s is a bool and cannot be %s", p.Name, v.quoted())
		}
	}
	if hasDefault && !slices.Contains(p.Values, p.Default) {
		d.fail(n, "default %s of %s is not one of its values %s", p.Default, p.Name, valueList(p.Values))
	}
	for from := range p.ValueMap {
		if !slices.ContainsFunc(p.Values, func(v Value) bool { return v.String() == from }) {
			d.fail(n, "value_map of %s: %s is not one of its values", p.Name, from)
		}
	}
}

func valueList(values []Value) string {
	return "[" + strings.Join(valueTexts(values), ", ") + "]"
}

func valueTexts(values []Value) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}

func (d *document) derived(n ast.Node, s *Spec) {
	d.entries(n, "derived", func(key ast.Node, name string, n ast.Node) {
		d.declare(key, s, name, entry{isDerived, len(s.derived)})
		v := derived{name: name}
		d.formula(&v.formula)(n)
		s.derived = append(s.derived, v)
	})
}

// effective reads what the engine makes of a configuration: any name, an expression.
func (d *document) effective(n ast.Node, s *Spec) {
	d.entries(n, "effective", func(key ast.Node, name string, n ast.Node) {
		if !nameForm.MatchString(name) {
			d.fail(key, "name %q: want letters, digits and _, a letter first", name)
		}
		v := effectiveValue{name: name}
		d.formula(&v.formula)(n)
		s.effective = append(s.effective, v)
	})
}

// reported reads the keys under which the server's report has a parameter's value.
func (d *document) reported(n ast.Node, s *Spec) {
	s.reported = map[string][][]string{}
	d.entries(n, "reported", func(key ast.Node, name string, n ast.Node) {
		d.knownParam(key, s, name)
		var paths []string
		d.texts("the paths of "+name, &paths)(n)
		for _, path := range paths {
			s.reported[name] = append(s.reported[name], strings.Split(path, "."))
		}
	})
}

// logged reads the patterns by which the server's log tells a parameter's value.
func (d *document) logged(n ast.Node, s *Spec) {
	s.logged = map[string]logged{}
	d.entries(n, "logged", func(key ast.Node, name string, n ast.Node) {
		d.knownParam(key, s, name)
		var l logged
		d.fields(n, "a logged value", map[string]reader{
			"pattern": d.pattern(&l.pattern, 1), "spelled": d.textMap("spelled", &l.spelled), "evidence": d.text(new(string)),
		}, "pattern", "evidence")
		s.logged[name] = l
	})
}

func (d *document) rule(n ast.Node, s *Spec) {
	var r Rule
	var param string
	has := map[string]bool{}
	mark := func(key string, read reader) reader {
		return func(n ast.Node) { has[key] = true; read(n) }
	}
	d.fields(n, "a constraint", map[string]reader{
		"id": d.text(&r.ID), "class": d.text(&r.Class),
		"expr": mark("expr", d.formula(&r.expr)), "when": mark("when", d.formula(&r.when)),
		"set":      mark("set", func(n ast.Node) { d.sets(n, s, &r) }),
		"param":    mark("param", func(n ast.Node) { d.text(&param)(n); d.inactive(n, s, &r, param) }),
		"evidence": d.text(&r.Evidence), "note": d.text(&r.Note),
	}, "id", "class")
	r.Expr, r.When = r.expr.text, r.when.text
	if slices.ContainsFunc(s.Rules, func(o Rule) bool { return o.ID == r.ID }) {
		d.fail(n, "duplicate constraint %s", r.ID)
	}
	needs := map[string]string{Hard: "expr", Memory: "expr", Soft: "expr", Rewrite: "when set", Inactive: "when param"}[r.Class]
	if needs == "" && r.Class != "" {
		d.fail(n, "class %q of %s: want hard, memory, rewrite, inactive or soft", r.Class, r.ID)
	} else {
		for _, key := range []string{"expr", "when", "set", "param"} {
			switch want := strings.Contains(needs, key); {
			case want && !has[key]:
				d.fail(n, "%s constraint %s needs the key %s", r.Class, r.ID, key)
			case !want && has[key]:
				d.fail(n, "%s constraint %s cannot have the key %s", r.Class, r.ID, key)
			}
		}
	}
	s.Rules = append(s.Rules, r)
}

// sets reads what a rewrite changes: {parameter: expression}.
func (d *document) sets(n ast.Node, s *Spec, r *Rule) {
	var shown []string
	d.entries(n, "set", func(key ast.Node, name string, value ast.Node) {
		a := assignment{param: d.knownParam(key, s, name)}
		d.formula(&a.value)(value)
		r.sets = append(r.sets, a)
		shown = append(shown, name+" = "+a.value.text)
	})
	if len(r.sets) == 0 {
		d.fail(n, "set is empty")
	}
	r.Sets = strings.Join(shown, ", ")
}

// inactive reads the parameter that has no effect: it gets its default.
func (d *document) inactive(n ast.Node, s *Spec, r *Rule, name string) {
	r.Sets = name
	if i := d.knownParam(n, s, name); i >= 0 {
		value := s.Params[i].Default
		r.sets = []assignment{{param: i, value: formula{text: value.quoted(), expr: &expr{value: value}}}}
	}
}
