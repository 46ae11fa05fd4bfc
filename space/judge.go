package space

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// A judge evaluates the rules of a spec on single configurations. Unlike the
// diagrams, which hold the values that a lattice has, it knows every value of the
// spec: a configuration that sets a parameter that is not tuned here can be judged
// too.
type judge struct {
	spec    *Spec
	params  []Param // with all values of the spec, and the lattice's defaults
	facts   map[string]Value
	derived []*expr
	rules   []*judgedRule
	outputs []output
	byName  map[string]int
	spelled [][][]byte // the values of each parameter as JSON

	defaults []uint8   // the index of each parameter's default
	states   sync.Pool // of *judgement
}

// A judgedRule is a rule into which only the facts are folded.
type judgedRule struct {
	*compiledRule
	place  int     // in the judge's rules
	sizes  []int   // how many values each parameter of its scope has
	size   int     // combinations of these, 0 = too many to remember
	why    string  // why a value changes, of rules with moves
	names  []*expr // in the rule's own text
	behind []int   // parameters that stand behind those names
}

// An output is one effective value: what is left of its expression, or the
// parameter's own value.
type output struct {
	name  string
	param int // -1 = not a parameter
	value *expr
	key   []byte // as in JSON, with the colon
}

func newJudge(l *Lattice) *judge {
	s := l.spec
	facts := maps.Clone(l.facts)
	for _, f := range s.Facts {
		if _, given := l.options.Facts[f.Name]; !given && f.CheckDefault != nil {
			facts[f.Name] = *f.CheckDefault
		}
	}
	j := &judge{spec: s, params: slices.Clone(s.Params), facts: facts}
	j.byName = map[string]int{}
	j.spelled = make([][][]byte, len(j.params))
	for i := range j.params {
		j.params[i].Default = l.params[i].Default
		j.byName[j.params[i].Name] = i
		j.defaults = append(j.defaults, uint8(max(0, slices.Index(j.params[i].Values, j.params[i].Default))))
		for _, v := range j.params[i].Values {
			j.spelled[i] = append(j.spelled[i], v.appendJSON(nil))
		}
	}
	view := &Lattice{spec: s, params: j.params}
	folder := newFolder(s, facts)
	for _, c := range view.foldRules(folder) {
		j.rules = append(j.rules, j.judged(c))
	}
	j.outputs = outputsOf(s, folder)
	j.derived = make([]*expr, len(s.derived))
	for i := range s.derived {
		if s.derived[i].op != opList {
			j.derived[i] = folder.foldDerived(i)
		}
	}
	j.states.New = func() any { return newJudgement(j) }
	return j
}

func (j *judge) judged(c *compiledRule) *judgedRule {
	const most = 1 << 16
	r := &judgedRule{compiledRule: c, place: len(j.rules), size: 1}
	for _, i := range c.scope {
		r.sizes = append(r.sizes, len(j.params[i].Values))
		if r.size *= len(j.params[i].Values); r.size > most {
			r.size = 0
		}
	}
	switch {
	case c.source == nil:
		r.why = " because " + j.spec.Params[c.index].activeIf.text + " is false"
	case c.expr == nil:
		r.why = " because " + c.source.When
	default:
		c.source.expr.walk(func(e *expr) {
			if e.op == opName && !slices.ContainsFunc(r.names, func(f *expr) bool { return f.name == e.name }) {
				r.names = append(r.names, e)
			}
		})
		for _, i := range c.scope {
			if !slices.ContainsFunc(r.names, func(e *expr) bool { return e.name == j.params[i].Name }) {
				r.behind = append(r.behind, i)
			}
		}
	}
	return r
}

// outputsOf are the effective values in order of their names: those that the spec
// says, and every other parameter's own.
func outputsOf(s *Spec, f *folder) []output {
	var outputs []output
	for i := range s.Params {
		outputs = append(outputs, output{name: s.Params[i].Name, param: i})
	}
	for _, e := range s.effective {
		if i := s.index(e.name); i >= 0 {
			outputs[i].value = f.fold(e.expr)
		} else {
			outputs = append(outputs, output{name: e.name, param: -1, value: f.fold(e.expr)})
		}
	}
	slices.SortFunc(outputs, func(a, b output) int { return strings.Compare(a.name, b.name) })
	for i := range outputs {
		outputs[i].key = append(appendText(nil, outputs[i].name), ':')
	}
	return outputs
}

// A judgement is one configuration under a judge. It is used again for the next
// configuration, and remembers the combinations of values to which a rule had
// nothing to say.
type judgement struct {
	*judge
	values  []Value  // of each parameter
	index   []uint8  // of that value
	seen    [][]bool // by rule and combination; nil = not remembered
	derived []Value  // valid where have is now
	have    []uint32
	now     uint32
	text    []byte // the last message
	reasons []byte // of one verdict, as JSON
	lookup  func(*expr) Value
}

func newJudgement(j *judge) *judgement {
	n := &judgement{judge: j, values: make([]Value, len(j.params)), derived: make([]Value, len(j.spec.derived)), have: make([]uint32, len(j.spec.derived))}
	n.index = make([]uint8, len(j.params))
	n.seen = make([][]bool, len(j.rules))
	n.lookup = n.valueOf
	return n
}

// remember makes the room for combinations, some hundred KiB.
func (n *judgement) remember() {
	for i, r := range n.rules {
		if r.size > 0 {
			n.seen[i] = make([]bool, r.size)
		}
	}
}

// valueOf is the value of a name.
func (n *judgement) valueOf(e *expr) Value {
	i := e.entry.index
	switch e.entry.kind {
	case isParam:
		return n.values[i]
	case isDerived:
		if n.judge.derived[i] == nil {
			return errorValue(e, "a list")
		}
		if n.have[i] != n.now {
			v := n.judge.derived[i].eval(n.lookup)
			n.derived[i], n.have[i] = v, n.now
		}
		return n.derived[i]
	}
	if v, ok := n.facts[e.name]; ok {
		return v
	}
	return Value{kind: kindError, text: "fact " + e.name + " is not known"}
}

// changed must be called when values have changed.
func (n *judgement) changed() {
	if n.now++; n.now == 0 {
		clear(n.have)
		n.now = 1
	}
}

// target is what a rule makes of its k-th parameter, and whether the rule applies.
func (n *judgement) target(r *judgedRule, k int) (v Value, applies bool) {
	if r.moves[0].when.eval(n.lookup) != Bool(true) {
		return Value{}, false
	}
	for i, m := range r.moves {
		t := m.target.eval(n.lookup)
		if i == k {
			v = t
		}
		if len(r.moves) > 1 && !slices.Contains(n.params[m.param].Values, t) { // all or nothing
			return Value{}, false
		}
	}
	return v, !v.isError()
}

// canon applies the moves of all rules until nothing changes, as [Lattice.Canon].
func (n *judgement) canon() {
	for range len(n.rules) + 1 {
		changed := false
		for _, r := range n.rules {
			next := make([]Value, len(r.moves))
			for k, m := range r.moves {
				next[k] = n.moved(r, k)
				changed = changed || next[k] != n.values[m.param]
			}
			for k, m := range r.moves {
				n.values[m.param] = next[k]
			}
			n.changed()
		}
		if !changed {
			return
		}
	}
}

// moved is the value that the k-th parameter of a rule gets: its target, or where
// that is none of its values the one by which those with the same target are known.
func (n *judgement) moved(r *judgedRule, k int) Value {
	p := &n.params[r.moves[k].param]
	own := n.values[r.moves[k].param]
	t, applies := n.target(r, k)
	if !applies {
		return own
	}
	if slices.Contains(p.Values, t) {
		return t
	}
	representative := own
	for _, v := range append([]Value{p.Default}, p.Values...) {
		n.values[r.moves[k].param] = v
		n.changed()
		if u, applies := n.target(r, k); applies && u == t {
			representative = v
			break
		}
	}
	n.values[r.moves[k].param] = own
	n.changed()
	return representative
}
