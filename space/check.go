package space

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reason is something that a rule says about one configuration.
type Reason struct {
	Rule    string `json:"rule"` // its ID; for class domain the parameter
	Class   string `json:"class"`
	Message string `json:"message"`
}

// Verdict is what Check says of one configuration.
type Verdict struct {
	// OK: no reason is of class hard, memory or domain.
	OK bool `json:"ok"`
	// Rank of the canonical form; nil if that is no member.
	Rank *Rank `json:"rank"`
	// Reasons are the broken rules in file order, and for information the soft
	// rules that do not hold and the values that are changed (rewrite, inactive).
	Reasons []Reason `json:"reasons"`
	// Canonical is the canonical form; nil with a reason of class domain.
	Canonical Config `json:"canonical"`
}

// Check explains one configuration. What it leaves out has its default.
func (l *Lattice) Check(c Config) Verdict {
	p, err := l.PointOf(c)
	if err != nil {
		return Verdict{Reasons: l.checkDomain(c)}
	}
	v := Verdict{OK: true, Reasons: []Reason{}}
	canon := l.Canon(p)
	for i, r := range l.rules {
		if l.holds(r, p) {
			continue
		}
		v.OK = v.OK && r.class != Hard && r.class != Memory
		v.Reasons = append(v.Reasons, Reason{r.id, r.class, l.message(i, p, canon)})
	}
	v.Canonical = l.Config(canon)
	if rank, ok := l.Rank(canon); ok && v.OK {
		v.Rank = &rank
	}
	return v
}

// checkDomain finds all names and values that the lattice does not have.
func (l *Lattice) checkDomain(c Config) []Reason {
	reasons := []Reason{}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		switch i := l.spec.index(name); {
		case i < 0:
			reasons = append(reasons, Reason{name, Domain, l.spec.unknownParam(name).Error()})
		case !slices.Contains(l.params[i].Values, c[name]):
			message := valueError(&l.params[i], c[name]).Error()
			if slices.Contains(l.spec.Params[i].Values, c[name]) {
				message += "; the spec has more, which are not tuned here"
			}
			reasons = append(reasons, Reason{name, Domain, message})
		}
	}
	return reasons
}

func (l *Lattice) holds(r *compiledRule, p Point) bool {
	return l.diagrams.at(r.ok, func(level int) int { return int(p[l.order[level]]) }) == Bool(true)
}

// message says why rule i does not hold for p, with the values that matter.
func (l *Lattice) message(i int, p, canon Point) string {
	r := l.rules[i]
	if r.expr != nil {
		return fmt.Sprintf("%s is false: %s", r.source.Expr, l.valuesIn(r.source.expr.expr, r.scope, p))
	}
	var changes []string
	for _, m := range l.moves {
		if m.rule == i && p[m.param] != canon[m.param] {
			param := &l.params[m.param]
			changes = append(changes, fmt.Sprintf("%s %s becomes %s", param.Name, param.Values[p[m.param]], param.Values[canon[m.param]]))
		}
	}
	if len(changes) == 0 {
		changes = []string{"a value changes and another rule changes it again"}
	}
	when := "" // of active_if
	if r.source != nil {
		when = " because " + r.source.When
	} else if len(r.moves) > 0 {
		when = " because " + l.spec.Params[r.moves[0].param].activeIf.text + " is false"
	}
	return strings.Join(changes, ", ") + when
}

// valuesIn lists the names of an expression with their values for p, then the
// parameters behind derived ones.
func (l *Lattice) valuesIn(e *expr, scope []int, p Point) string {
	lookup := l.lookup(p)
	var direct, behind []string
	seen := map[string]bool{}
	e.walk(func(e *expr) {
		if e.op != opName || seen[e.name] {
			return
		}
		seen[e.name] = true
		if v := lookup(e); !v.isError() {
			direct = append(direct, e.name+"="+v.String())
		}
	})
	for _, i := range scope {
		if name := l.params[i].Name; !seen[name] {
			behind = append(behind, name+"="+l.params[i].Values[p[i]].String())
		}
	}
	text := strings.Join(direct, ", ")
	if len(behind) > 0 {
		text += " (from " + strings.Join(behind, ", ") + ")"
	}
	return text
}

// lookup gives every name of the spec its value for p.
func (l *Lattice) lookup(p Point) func(*expr) Value {
	memo := map[string]Value{}
	var lookup func(e *expr) Value
	lookup = func(e *expr) Value {
		if v, ok := memo[e.name]; ok {
			return v
		}
		n := l.spec.names[e.name]
		var v Value
		switch n.kind {
		case isParam:
			v = l.params[n.index].Values[p[n.index]]
		case isFact:
			var ok bool
			if v, ok = l.facts[e.name]; !ok {
				v = errorValue(e, "fact is not known")
			}
		case isDerived:
			d := &l.spec.derived[n.index]
			if d.op == opList {
				return errorValue(e, "a list")
			}
			v = d.eval(lookup)
		}
		memo[e.name] = v
		return v
	}
	return lookup
}
