package space

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// maxNodes bounds the diagrams of one compilation. A node takes 40 to 80 bytes, a
// terminal about 100.
const maxNodes = 1_000_000

// EmptyError says that rules leave no configuration.
type EmptyError struct {
	Rules []string // a set of which each one is needed to leave none
}

func (e *EmptyError) Error() string {
	return fmt.Sprintf("no configuration is left: %s cannot hold together with these facts and values", strings.Join(e.Rules, ", "))
}

// Compile builds the lattice: facts and fixed parameters are folded into the
// rules, each rule becomes a diagram over the parameters to tune, and the diagrams
// are joined. The error is an *EmptyError where no configuration is left.
func (s *Spec) Compile(o Options) (*Lattice, error) {
	l := &Lattice{spec: s, options: o}
	if err := l.choose(o); err != nil {
		return nil, err
	}
	known, err := l.giveFacts(o.Facts)
	if err != nil {
		return nil, err
	}
	for i, p := range l.params {
		if len(p.Values) == 1 {
			known[p.Name] = p.Values[0]
		} else {
			l.tunable = append(l.tunable, i)
		}
	}
	if err := l.countRaw(); err != nil {
		return nil, err
	}
	rules := l.foldRules(newFolder(s, known))
	b := l.survey(rules)
	if err := l.build(b, rules); err != nil {
		return nil, err
	}
	if err := l.join(b, rules); err != nil {
		return nil, err
	}
	l.id = l.identity()
	l.setDefault()
	l.judge = sync.OnceValue(func() *judge { return newJudge(l) })
	return l, nil
}

func (l *Lattice) countRaw() error {
	l.raw = RankOf(1)
	for _, i := range l.tunable {
		var over bool
		if l.raw, over = l.raw.mul64(uint64(len(l.params[i].Values))); over {
			return fmt.Errorf("space %s has 2^128 or more configurations: tune fewer parameters", l.spec.Name)
		}
	}
	return nil
}

// A compiledRule is a rule after folding.
type compiledRule struct {
	id, class string
	source    *Rule // nil: the active_if of a parameter
	index     int   // in the spec's rules, or parameters
	scope     []int // parameters, sorted
	expr      *expr // of hard, memory and soft rules
	moves     []foldedMove
	ok        ref // where it holds; of a soft rule, which is not built, yes
}

type foldedMove struct {
	param        int
	when, target *expr
}

// foldRules folds all rules, and an inactive one for each active_if.
func (l *Lattice) foldRules(f *folder) []*compiledRule {
	l.folder = f
	var rules []*compiledRule
	for i := range l.spec.Rules {
		r := &l.spec.Rules[i]
		c := &compiledRule{id: r.ID, class: r.Class, source: r, index: i}
		if r.expr.expr != nil {
			c.expr = f.fold(r.expr.expr)
		}
		for _, a := range r.sets {
			c.moves = append(c.moves, foldedMove{a.param, f.fold(r.when.expr), f.fold(a.value.expr)})
		}
		rules = append(rules, c)
	}
	for i := range l.spec.Params {
		p := &l.spec.Params[i]
		if p.activeIf.expr == nil {
			continue
		}
		off := &expr{op: opNot, args: []*expr{p.activeIf.expr}, kinds: maybeBool}
		rules = append(rules, &compiledRule{id: p.Name + ".active_if", class: Inactive, index: i,
			moves: []foldedMove{{i, f.fold(off), &expr{value: p.Default}}}})
	}
	for _, c := range rules {
		c.scope = l.scopeOf(c)
	}
	return rules
}

// scopeOf drops the moves of a rule that never apply and finds the parameters that
// are left in it.
func (l *Lattice) scopeOf(c *compiledRule) []int {
	scope := map[int]bool{}
	if c.expr != nil {
		l.folder.scope(c.expr, scope)
	}
	c.moves = slices.DeleteFunc(c.moves, func(m foldedMove) bool {
		return m.when.op == opLiteral && m.when.value == Bool(false)
	})
	for _, m := range c.moves {
		l.folder.scope(m.when, scope)
		l.folder.scope(m.target, scope)
		if len(l.params[m.param].Values) > 1 {
			scope[m.param] = true
		}
	}
	return slices.Sorted(maps.Keys(scope))
}

// orderScopes puts the parameters to tune into diagram order, by the scopes of what
// is to be built; see [orderLevels].
func (l *Lattice) orderScopes(scopes [][]int, starts int) (order, component []int) {
	place := map[int]int{}
	sizes := make([]int, len(l.tunable))
	for k, i := range l.tunable {
		place[i] = k
		sizes[k] = len(l.params[i].Values)
	}
	var edges [][]int
	for _, scope := range scopes {
		if len(scope) > 1 {
			e := make([]int, len(scope))
			for k, i := range scope {
				e[k] = place[i]
			}
			slices.Sort(e)
			edges = append(edges, e)
		}
	}
	order, component = orderLevels(sizes, edges, starts)
	for k := range order {
		order[k] = l.tunable[order[k]]
	}
	return order, component
}

// levelsOf is the level of each parameter in an order, -1 for those that are fixed,
// and the number of values at each level.
func (l *Lattice) levelsOf(order []int) (level, sizes []int) {
	for i := range l.params {
		level = append(level, slices.Index(order, i))
	}
	for _, i := range order {
		sizes = append(sizes, len(l.params[i].Values))
	}
	return level, sizes
}

// small is how many nodes all rules together may have in the first order without
// looking for a better one. The classic 18 parameters take 69 and compile in little more
// than half the time so; the joined diagram is sifted in any case.
const small = 200

// survey returns a builder with a good order for the rules, and the components of
// it. A rule may depend on less than it names: with these facts a condition always
// holds, or two terms cancel. So all but the memory rules, which are the widest,
// are built in a first order, made in a hurry, and are then built again in one made
// of what they do depend on; unless they are small as they are.
func (l *Lattice) survey(rules []*compiledRule) *builder {
	var scopes [][]int
	for _, c := range rules {
		if c.class != Soft {
			scopes = append(scopes, c.scope)
		}
	}
	l.ruleOrder, l.component = l.orderScopes(scopes, 1)
	b := l.newBuilder()
	scopes = scopes[:0]
	wide := false
	for i, c := range rules {
		switch c.class {
		case Soft:
		case Memory:
			wide = true
			scopes = append(scopes, c.scope)
		default:
			b.missing = nil
			b.rule(i, c)
			if len(b.missing) > 0 || b.full {
				wide = true
				scopes = append(scopes, c.scope)
				clear(b.built)
			} else {
				scopes = append(scopes, b.support(c.ok))
			}
		}
	}
	if !wide && len(b.nodes) <= small {
		return b
	}
	l.ruleOrder, l.component = l.orderScopes(scopes, 8)
	return l.newBuilder()
}

func (l *Lattice) newBuilder() *builder {
	level, sizes := l.levelsOf(l.ruleOrder)
	n := len(l.spec.derived)
	return &builder{diagrams: newDiagrams(sizes, maxNodes), folder: l.folder, params: l.params, order: l.ruleOrder, level: level,
		derived: make([]ref, n), built: make([]bool, n)}
}

// build makes the diagram of every rule that shapes the lattice.
func (l *Lattice) build(b *builder, rules []*compiledRule) error {
	needed := map[string][]string{} // missing fact to the rules that need it
	for i, c := range rules {
		if c.class == Soft {
			c.ok = yes // judged on single configurations only
			continue
		}
		b.missing = nil
		l.moves = append(l.moves, b.rule(i, c)...)
		if b.full { // then nothing else that it says is true
			return l.tooLarge(c)
		}
		for _, name := range b.missing {
			needed[name] = append(needed[name], c.id)
		}
		if len(b.missing) > 0 {
			clear(b.built) // so that the next rule names the facts that it lacks too
			continue
		}
		if fault := b.faultOf(c.ok); fault != "" {
			return fmt.Errorf("rule %s of space %s fails: %s: guard it with iff, and, or, coalesce", c.id, l.spec.Name, fault)
		}
	}
	return l.missingFacts(needed)
}

// rule builds one rule: its ok, and its moves. Where the rule fails, its ok is the
// diagram that does.
func (b *builder) rule(index int, c *compiledRule) []move {
	if c.expr != nil {
		c.ok = b.condition(c.expr)
		return nil
	}
	c.ok = yes
	if len(c.moves) == 0 {
		return nil
	}
	when := b.condition(c.moves[0].when)
	targets := make([]ref, len(c.moves))
	for i, m := range c.moves {
		targets[i] = b.build(m.target)
	}
	for _, r := range append(targets, when) {
		if len(b.missing) > 0 || b.full || b.faultOf(r) != "" {
			c.ok = r
			return nil
		}
	}
	if len(c.moves) > 1 { // all or nothing
		for i, m := range c.moves {
			values := b.params[m.param].Values
			when = b.and(when, b.each(targets[i], func(v Value) Value { return Bool(slices.Contains(values, v)) }))
		}
	}
	var moves []move
	for i, m := range c.moves {
		level := b.level[m.param]
		if level < 0 {
			continue
		}
		next := b.move(level, &b.params[m.param], when, targets[i])
		moves = append(moves, move{index, m.param, next})
		c.ok = b.and(c.ok, b.same(next, b.indices(level)))
	}
	return moves
}

func (l *Lattice) tooLarge(c *compiledRule) error {
	var names []string
	for _, i := range c.scope {
		names = append(names, l.params[i].Name)
	}
	return fmt.Errorf("rule %s of space %s takes more than %d nodes over its %d parameters (%s): tune fewer of them, or split the rule by derived values with few values each",
		c.id, l.spec.Name, maxNodes, len(names), strings.Join(names, ", "))
}

func (l *Lattice) tooLargeTogether() error {
	return fmt.Errorf("space %s: joining its rules takes more than %d nodes: tune fewer parameters, or name shared parts in derived", l.spec.Name, maxNodes)
}

func (l *Lattice) missingFacts(needed map[string][]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		f := l.spec.Facts[l.spec.names[name].index]
		from := ""
		if f.From != "" {
			from = " (from " + f.From + ")"
		}
		errs = append(errs, fmt.Errorf("fact %s%s is needed by %s: give --fact %s=VALUE", name, from, strings.Join(needed[name], ", "), name))
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("facts of a model are read from its directory or GGUF file: give --model PATH"))
	}
	return errors.Join(errs...)
}

// identity hashes what ranks depend on.
func (l *Lattice) identity() string {
	h := sha256.New()
	fmt.Fprintln(h, l.spec.Engine, l.spec.Name, l.spec.Hash)
	json.NewEncoder(h).Encode(l.facts)
	for _, p := range l.params {
		json.NewEncoder(h).Encode(p.Values)
	}
	json.NewEncoder(h).Encode(l.order)
	return hex.EncodeToString(h.Sum(nil)[:8])
}
