package space

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A random spec of a few parameters with random rules, small enough to look at
// every raw configuration. Numbers are named n0.., words w0.., bools b0...
type specGen struct {
	t            *rapid.T
	numbers      []string
	words, bools []string
	maybeNone    map[string]bool
	large        bool // up to 10^6 raw configurations and more rules, instead of a few
}

func (g *specGen) pick(of []string) string { return rapid.SampledFrom(of).Draw(g.t, "name") }

func (g *specGen) coin() bool { return rapid.Bool().Draw(g.t, "coin") }

func (g *specGen) ifLarge(a, b int) int {
	if g.large {
		return a
	}
	return b
}

// number is an expression with a number as its value, unless it fails.
func (g *specGen) number(depth int) string {
	if depth == 0 || g.coin() {
		if len(g.numbers) == 0 || g.coin() {
			return fmt.Sprint(rapid.IntRange(0, 4).Draw(g.t, "literal"))
		}
		n := g.pick(g.numbers)
		if g.maybeNone[n] {
			return fmt.Sprintf("coalesce(%s, %d)", n, rapid.IntRange(0, 3).Draw(g.t, "default"))
		}
		return n
	}
	op := rapid.SampledFrom([]string{"+", "-", "*", "max", "iff", "//", "%"}).Draw(g.t, "op")
	switch op {
	case "max":
		return fmt.Sprintf("max(%s, %s)", g.number(depth-1), g.number(depth-1))
	case "iff":
		return fmt.Sprintf("iff(%s, %s, %s)", g.cond(depth-1), g.number(depth-1), g.number(depth-1))
	case "//", "%": // may divide by zero, sometimes guarded
		if g.coin() {
			return fmt.Sprintf("(%s %s (1 + max(0, %s)))", g.number(depth-1), op, g.number(depth-1))
		}
		return fmt.Sprintf("(%s %s 2)", g.number(depth-1), op)
	}
	return fmt.Sprintf("(%s %s %s)", g.number(depth-1), op, g.number(depth-1))
}

func (g *specGen) cond(depth int) string {
	if depth == 0 {
		switch rapid.IntRange(0, 2).Draw(g.t, "atom") {
		case 0:
			if len(g.words) > 0 {
				return fmt.Sprintf("%s %s '%s'", g.pick(g.words), rapid.SampledFrom([]string{"==", "!="}).Draw(g.t, "eq"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(g.t, "word"))
			}
		case 1:
			if len(g.bools) > 0 {
				return g.pick(g.bools)
			}
		}
		return fmt.Sprintf("%s %s %s", g.number(1), rapid.SampledFrom([]string{"<", "<=", "==", ">", "!="}).Draw(g.t, "cmp"), g.number(1))
	}
	switch rapid.IntRange(0, 4).Draw(g.t, "cond") {
	case 0:
		return fmt.Sprintf("not (%s)", g.cond(depth-1))
	case 1:
		return fmt.Sprintf("((%s) and (%s))", g.cond(depth-1), g.cond(depth-1))
	case 2:
		return fmt.Sprintf("((%s) or (%s))", g.cond(depth-1), g.cond(depth-1))
	case 3:
		return fmt.Sprintf("(%s in [%s, %s])", g.number(depth-1), g.number(0), g.number(0))
	}
	return g.cond(0)
}

func (g *specGen) spec() string {
	var b strings.Builder
	b.WriteString("schema: 1\nengine: test\nparameters:\n")
	type param struct{ name, kind string }
	var params []param
	raw, most := 1, rapid.IntRange(1, 5).Draw(g.t, "params")
	for i := 0; g.large && raw < 300_000 || !g.large && i < most; i++ {
		var name, kind string
		var values []string
		switch rapid.IntRange(0, 2).Draw(g.t, "kind") {
		case 0:
			name, kind = fmt.Sprintf("n%d", i), "ordinal"
			values = []string{"1", "2", "3", "5", "7", "8"}[:rapid.IntRange(1, g.ifLarge(6, 4)).Draw(g.t, "size")]
			if g.maybeNone[name] = g.coin(); g.maybeNone[name] {
				values = append([]string{"none"}, values...)
			}
			g.numbers = append(g.numbers, name)
		case 1:
			name, kind = fmt.Sprintf("w%d", i), "categorical"
			values = []string{"a", "b", "c"}[:rapid.IntRange(2, 3).Draw(g.t, "size")]
			g.words = append(g.words, name)
		default:
			name, kind, values = fmt.Sprintf("b%d", i), "bool", []string{"false", "true"}
			g.bools = append(g.bools, name)
		}
		if raw *= len(values); raw > 1_000_000 {
			break
		}
		params = append(params, param{name, kind})
		fmt.Fprintf(&b, "  - {name: %s, flag: --%s, kind: %s, values: [%s], default: %s", name, name, kind, strings.Join(values, ", "), rapid.SampledFrom(values).Draw(g.t, "default"))
		if i > 0 && rapid.IntRange(0, 4).Draw(g.t, "active") == 0 {
			fmt.Fprintf(&b, ", active_if: \"%s\"", g.cond(1))
		}
		b.WriteString("}\n")
	}
	if g.coin() {
		fmt.Fprintf(&b, "derived:\n  d0: \"%s\"\n", g.number(2))
		g.numbers = append(g.numbers, "d0")
	}
	b.WriteString("constraints:\n")
	for i := range rapid.IntRange(g.ifLarge(4, 0), g.ifLarge(9, 4)).Draw(g.t, "rules") {
		p := rapid.SampledFrom(params).Draw(g.t, "param")
		switch class := rapid.SampledFrom([]string{Hard, Hard, Memory, Soft, Rewrite, Inactive}).Draw(g.t, "class"); class {
		case Inactive:
			fmt.Fprintf(&b, "  - {id: r%d, class: inactive, when: \"%s\", param: %s}\n", i, g.cond(2), p.name)
		case Rewrite:
			target := map[string]string{"ordinal": g.number(1), "categorical": "'a'", "bool": "true"}[p.kind]
			set := fmt.Sprintf("%s: \"%s\"", p.name, target)
			if q := rapid.SampledFrom(params).Draw(g.t, "second"); q.name != p.name && q.kind == "bool" {
				set += fmt.Sprintf(", %s: %v", q.name, g.coin())
			}
			fmt.Fprintf(&b, "  - {id: r%d, class: rewrite, when: \"%s\", set: {%s}}\n", i, g.cond(2), set)
		default:
			fmt.Fprintf(&b, "  - {id: r%d, class: %s, expr: \"%s\"}\n", i, class, g.cond(3))
		}
	}
	return b.String()
}

// oracle answers by evaluating the rules on raw configurations, without diagrams.
type oracle struct{ *Lattice }

// lookup gives every name of the spec its value for p.
func (o oracle) lookup(p Point) func(*expr) Value {
	var lookup func(e *expr) Value
	lookup = func(e *expr) Value {
		switch n := o.spec.names[e.name]; n.kind {
		case isParam:
			return o.params[n.index].Values[p[n.index]]
		case isDerived:
			return o.spec.derived[n.index].eval(lookup)
		}
		return o.facts[e.name]
	}
	return lookup
}

// holds reports whether the diagram of a rule says that it holds.
func (l *Lattice) holds(r *compiledRule, p Point) bool {
	return l.diagrams.at(r.ok, func(level int) int { return int(p[l.ruleOrder[level]]) }) == Bool(true)
}

// moved is what the moves of rule r make of p: the definition in the package
// comment, word for word. failed says that an expression fails somewhere.
func (o oracle) moved(r *compiledRule, p Point) (q Point, failed bool) {
	q = slices.Clone(p)
	targets := func(p Point) []Value { // nil where the rule does not apply
		lookup := o.lookup(p)
		when := r.moves[0].when.eval(lookup)
		failed = failed || when.kind != kindBool
		var ts []Value
		all := true
		for _, m := range r.moves {
			t := m.target.eval(lookup)
			failed = failed || t.isError()
			ts = append(ts, t)
			all = all && slices.Contains(o.params[m.param].Values, t)
		}
		if when != Bool(true) || len(r.moves) > 1 && !all {
			return nil
		}
		return ts
	}
	ts := targets(p)
	for k, m := range r.moves {
		if ts == nil {
			continue
		}
		param := &o.params[m.param]
		if i := slices.Index(param.Values, ts[k]); i >= 0 {
			q[m.param] = uint8(i)
			continue
		}
		class := []int{slices.Index(param.Values, param.Default)}
		for v := range param.Values {
			class = append(class, v)
		}
		for _, v := range class { // the first with the same target
			u := slices.Clone(p)
			u[m.param] = uint8(v)
			if us := targets(u); us != nil && us[k] == ts[k] {
				q[m.param] = uint8(v)
				break
			}
		}
	}
	return q, failed
}

func (o oracle) member(p Point) (member, failed bool) {
	member = true
	for _, r := range o.rules {
		if r.expr != nil {
			v := r.expr.eval(o.lookup(p))
			failed = failed || r.class != Soft && v.kind != kindBool
			member = member && (r.class == Soft || v == Bool(true))
		}
		if len(r.moves) > 0 {
			q, bad := o.moved(r, p)
			failed = failed || bad
			member = member && slices.Equal(p, q)
		}
	}
	return member, failed
}

func (o oracle) canon(p Point) Point {
	p = slices.Clone(p)
	for range len(o.moves) + 1 {
		before := slices.Clone(p)
		for _, r := range o.rules {
			if len(r.moves) > 0 {
				p, _ = o.moved(r, p)
			}
		}
		if slices.Equal(p, before) {
			break
		}
	}
	return p
}

// points visits every raw configuration.
func (o oracle) points(visit func(Point)) {
	p := make(Point, len(o.params))
	for {
		visit(p)
		i := 0
		for ; i < len(p); i++ {
			if p[i]++; int(p[i]) < len(o.params[i].Values) {
				break
			}
			p[i] = 0
		}
		if i == len(p) {
			return
		}
	}
}

func (o oracle) distance(p, q Point) (changes, steps int) {
	for i := range p {
		if p[i] != q[i] {
			changes++
			if o.params[i].Kind == Ordinal {
				steps += max(int(p[i])-int(q[i]), int(q[i])-int(p[i]))
			} else {
				steps++
			}
		}
	}
	return changes, steps
}

func TestBruteForce(t *testing.T) {
	for range 6 { // of 100 spaces each
		rapid.Check(t, bruteForce)
	}
}

func FuzzBruteForce(f *testing.F) { f.Fuzz(rapid.MakeFuzz(bruteForce)) }

func bruteForce(t *rapid.T) {
	g := &specGen{t: t, maybeNone: map[string]bool{}}
	checkBruteForce(t, g.spec())
}

// largeSpec is one of up to 10^6 raw configurations, the same for the same seed.
func largeSpec(seed int) string {
	return rapid.Custom(func(t *rapid.T) string {
		g := &specGen{t: t, maybeNone: map[string]bool{}, large: true}
		return g.spec()
	}).Example(seed)
}

// Large spaces, of seeds that draw rules of nearly every class: 983,040 and 884,736
// raw configurations, of which 1,216 and 23,552 are members. Nothing in this is
// concurrent, and the race detector makes it ten times slower.
func TestBruteForceLarge(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes seconds")
	}
	for _, seed := range []int{7, 22} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			checkBruteForce(t, largeSpec(seed))
		})
	}
}

func FuzzBruteForceLarge(f *testing.F) {
	if raceDetector {
		f.Skip("takes seconds")
	}
	f.Add(80)
	f.Fuzz(func(t *testing.T, seed int) { checkBruteForce(t, largeSpec(seed)) })
}

// checkBruteForce compares what the compiler makes of a spec with what its rules
// say of each raw configuration.
func checkBruteForce(t rapid.TB, text string) {
	s, err := Parse("random.yaml", []byte(text))
	if err != nil {
		if strings.Contains(err.Error(), "never equals") {
			t.Skip("a comparison that is always false")
		}
		t.Fatalf("%v\n%s", err, text)
	}
	l, err := s.Compile(Options{})
	o := oracle{l}
	if err != nil { // find out what the compiler should have found
		o.Lattice = &Lattice{spec: s}
		if o.choose(Options{}) != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		known := map[string]Value{}
		o.rules = o.foldRules(newFolder(s, known))
	}
	var members []Point
	anyFailed := false
	o.points(func(p Point) {
		member, failed := o.member(p)
		anyFailed = anyFailed || failed
		if member {
			members = append(members, slices.Clone(p))
		}
	})
	var empty *EmptyError
	switch {
	case errors.As(err, &empty):
		if len(members) > 0 || anyFailed {
			t.Fatalf("%v, but there are %d members\n%s", err, len(members), text)
		}
		return
	case err != nil:
		if !anyFailed {
			t.Fatalf("%v, but no expression fails\n%s", err, text)
		}
		return
	case anyFailed:
		t.Fatalf("an expression fails on some configuration, and the compiler did not say so\n%s", text)
	}
	compareWithOracle(t, &truth{oracle: o, text: text, members: members})
}
