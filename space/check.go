package space

import (
	"maps"
	"slices"
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
	// Rank of the canonical form; nil if that is no member of the lattice, as for a
	// configuration that is not valid, or that sets a parameter which is not tuned.
	Rank *Rank `json:"rank"`
	// Reasons are the broken rules in file order, and for information the soft
	// rules that do not hold, the values that are changed (rewrite, inactive), and
	// the rules that lack a fact (unknown).
	Reasons []Reason `json:"reasons"`
	// Canonical is what the engine makes of the configuration: the effective value
	// of each parameter, and the others that the spec names. It is the canonical
	// form where the spec has no section effective, and nil with a reason of class
	// domain.
	Canonical Config `json:"canonical"`
}

// Check explains one configuration of the spec, whatever this lattice tunes. What
// it leaves out has its default.
func (l *Lattice) Check(c Config) Verdict {
	j := l.judge()
	n := j.states.Get().(*judgement)
	defer j.states.Put(n)
	if reasons := n.set(c); reasons != nil {
		return Verdict{Reasons: reasons}
	}
	v := Verdict{OK: true, Reasons: []Reason{}}
	for _, r := range j.rules {
		if class, message := n.reason(r); class != "" {
			v.Reasons = append(v.Reasons, Reason{r.id, class, string(message)})
			v.OK = v.OK && class != Hard && class != Memory
		}
	}
	if v.OK {
		v.Rank = l.rankOf(n)
	}
	v.Canonical = n.canonical()
	return v
}

// set takes the values of c. It returns a reason for each name and value that the
// spec does not have, or nil.
func (n *judgement) set(c Config) []Reason {
	found := 0
	for i := range n.params {
		p := &n.params[i]
		n.values[i] = p.Default
		n.index[i] = n.defaults[i]
		if v, given := c[p.Name]; given {
			if k := slices.Index(p.Values, v); k >= 0 {
				n.values[i], n.index[i] = v, uint8(k)
				found++
			}
		}
	}
	n.changed()
	if found == len(c) {
		return nil
	}
	var reasons []Reason
	for _, name := range slices.Sorted(maps.Keys(c)) {
		switch i := n.spec.index(name); {
		case i < 0:
			reasons = append(reasons, Reason{name, Domain, n.spec.unknownParam(name).Error()})
		case !slices.Contains(n.params[i].Values, c[name]):
			reasons = append(reasons, Reason{name, Domain, valueError(&n.params[i], c[name]).Error()})
		}
	}
	return reasons
}

// rankOf is the rank of the canonical form, nil if the lattice does not have it.
func (l *Lattice) rankOf(n *judgement) *Rank {
	var room [128]uint8
	p := Point(room[:0])
	for i := range l.params {
		k := slices.Index(l.params[i].Values, n.values[i])
		if k < 0 {
			return nil
		}
		p = append(p, uint8(k))
	}
	rank, ok := l.Rank(l.Canon(p))
	if !ok {
		return nil
	}
	return &rank
}

// reason is what a rule has to say: its class, "" for nothing, and a message that
// is valid until the next one.
func (n *judgement) reason(r *judgedRule) (class string, message []byte) {
	if seen := n.seen[r.place]; seen != nil {
		place := 0
		for k, i := range r.scope {
			place = place*r.sizes[k] + int(n.index[i])
		}
		if seen[place] {
			return "", nil
		}
		if class, message = n.ask(r); class == "" {
			seen[place] = true
		}
		return class, message
	}
	return n.ask(r)
}

func (n *judgement) ask(r *judgedRule) (class string, message []byte) {
	n.text = n.text[:0]
	if r.expr == nil {
		return n.changeReason(r)
	}
	switch v := r.expr.eval(n.lookup); {
	case v == Bool(true), v.isError() && r.class == Soft:
		return "", nil
	case v.isError():
		n.text = append(append(n.text, "cannot be judged: "...), v.text...)
		return Unknown, n.text
	}
	n.message(r)
	return r.class, n.text
}

// changeReason tells of the values that a rule changes. A flag that is not passed
// and takes a value that cannot be passed has been filled in, not changed.
func (n *judgement) changeReason(r *judgedRule) (class string, message []byte) {
	for k, m := range r.moves {
		p, own := &n.params[m.param], n.values[m.param]
		t, applies := n.target(r, k)
		if !applies || t == own || own.IsNone() && !slices.Contains(p.Values, t) {
			continue
		}
		if len(n.text) > 0 {
			n.text = append(n.text, ", "...)
		}
		n.text = append(append(n.text, p.Name...), ' ')
		n.text = append(own.appendText(n.text), " becomes "...)
		n.text = t.appendText(n.text)
	}
	if len(n.text) == 0 {
		return "", nil
	}
	n.text = append(n.text, r.why...)
	return r.class, n.text
}

// message writes why a rule does not hold: its names with their values, then those
// parameters behind derived ones that are not at their default.
func (n *judgement) message(r *judgedRule) {
	b := append(append(n.text, r.source.Expr...), " is false: "...)
	some := false
	for _, e := range r.names {
		v := n.valueOf(e)
		if v.isError() {
			continue
		}
		if some {
			b = append(b, ", "...)
		}
		some = true
		b = append(append(b, e.name...), '=')
		b = v.appendText(b)
	}
	opening := " (from "
	for _, i := range r.behind {
		if n.index[i] == n.defaults[i] {
			continue
		}
		b = append(append(append(b, opening...), n.params[i].Name...), '=')
		b = n.values[i].appendText(b)
		opening = ", "
	}
	if opening == ", " {
		b = append(b, ')')
	}
	n.text = b
}

// canonical are the effective values. Without a section effective it applies the
// moves to n, which then is no longer the configuration that was given.
func (n *judgement) canonical() Config {
	if len(n.spec.effective) == 0 {
		n.canon()
	}
	c := make(Config, len(n.outputs))
	for i := range n.outputs {
		c[n.outputs[i].name] = n.effective(&n.outputs[i])
	}
	return c
}

// effective is one effective value; none where it cannot be known.
func (n *judgement) effective(o *output) Value {
	if o.value == nil {
		return n.values[o.param]
	}
	if v := o.value.eval(n.lookup); !v.isError() {
		return v
	}
	return None()
}
