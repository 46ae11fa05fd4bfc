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
	if err := l.join(l.orderRules(rules), rules); err != nil {
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
	ok        ref // where it holds; for a soft rule that lacks a fact, yes
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

// orderRules returns the parameters to tune in diagram order.
func (l *Lattice) orderRules(rules []*compiledRule) []int {
	place := map[int]int{}
	for k, i := range l.tunable {
		place[i] = k
	}
	var edges [][]int
	edge := func(scope []int) {
		if len(scope) > 1 {
			e := make([]int, len(scope))
			for k, i := range scope {
				e[k] = place[i]
			}
			edges = append(edges, e)
		}
	}
	for _, c := range rules {
		if c.class != Soft {
			edge(c.scope)
		}
	}
	for _, scope := range l.folder.scopes { // of the derived values that are used
		edge(slices.Sorted(maps.Keys(scope)))
	}
	order, component := orderLevels(len(l.tunable), edges)
	l.component = component
	for k := range order {
		order[k] = l.tunable[order[k]]
	}
	return order
}

// join builds the diagram of every rule and of all together.
func (l *Lattice) join(order []int, rules []*compiledRule) error {
	l.order = order
	l.level = make([]int, len(l.params))
	for i := range l.level {
		l.level[i] = slices.Index(order, i)
	}
	sizes := make([]int, len(order))
	for k, i := range order {
		sizes[k] = len(l.params[i].Values)
	}
	n := len(l.spec.derived)
	b := &builder{diagrams: newDiagrams(sizes, maxNodes), folder: l.folder, params: l.params, level: l.level,
		derived: make([]ref, n), built: make([]bool, n)}
	needed := map[string][]string{} // missing fact to the rules that need it
	var moves []move
	for i, c := range rules {
		b.missing = nil
		moves = append(moves, b.rule(i, c)...)
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
	if err := l.missingFacts(needed); err != nil {
		return err
	}
	all := b.allOf(rules)
	if b.full {
		return fmt.Errorf("space %s: joining its rules takes more than %d nodes: tune fewer parameters, or name shared parts in derived", l.spec.Name, maxNodes)
	}
	if all == no {
		return &EmptyError{Rules: b.minimal(rules)}
	}
	l.keep(b, all, rules, moves)
	return nil
}

// rule builds one rule: its ok, and its moves. Where the rule fails, its ok is the
// diagram that does.
func (b *builder) rule(index int, c *compiledRule) []move {
	if c.expr != nil {
		c.ok = b.condition(c.expr)
		if c.class == Soft && len(b.missing) > 0 {
			c.ok, b.missing = yes, nil
			clear(b.built) // some hold the failure
		}
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

// allOf is where all rules that shape the lattice hold. It begins with the rules
// of the lowest levels, so that each step joins a small diagram to the rest below.
func (b *builder) allOf(rules []*compiledRule) ref {
	var oks []ref
	for _, c := range rules {
		if c.class != Soft {
			oks = append(oks, c.ok)
		}
	}
	slices.SortStableFunc(oks, func(x, y ref) int { return b.diagrams.level(y) - b.diagrams.level(x) })
	all := yes
	for _, ok := range oks {
		all = b.and(ok, all)
	}
	return all
}

// minimal drops every rule without which the rest still leaves nothing.
func (b *builder) minimal(rules []*compiledRule) []string {
	left := slices.DeleteFunc(slices.Clone(rules), func(c *compiledRule) bool { return c.class == Soft || c.ok == yes })
	for i := len(left) - 1; i >= 0; i-- {
		rest := slices.Delete(slices.Clone(left), i, i+1)
		if b.allOf(rest) == no {
			left = rest
		}
	}
	ids := make([]string, len(left))
	for i, c := range left {
		ids[i] = c.id
	}
	return ids
}

func (l *Lattice) tooLarge(c *compiledRule) error {
	var names []string
	for _, i := range c.scope {
		names = append(names, l.params[i].Name)
	}
	return fmt.Errorf("rule %s of space %s takes more than %d nodes over its %d parameters (%s): tune fewer of them, or split the rule by derived values with few values each",
		c.id, l.spec.Name, maxNodes, len(names), strings.Join(names, ", "))
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

// keep copies what the lattice needs out of the builder's store.
func (l *Lattice) keep(b *builder, all ref, rules []*compiledRule, moves []move) {
	l.diagrams = newDiagrams(b.sizes, maxNodes)
	done := map[ref]ref{}
	for _, c := range rules {
		c.ok = b.copyTo(l.diagrams, c.ok, done)
	}
	for i := range moves {
		moves[i].next = b.copyTo(l.diagrams, moves[i].next, done)
	}
	l.rules, l.moves = rules, moves
	l.layers = newLayers(b.diagrams, all)
	b.visit(all, func(r ref) {
		if r >= 0 {
			l.nodes++
		}
	})
}

// identity hashes what ranks depend on.
func (l *Lattice) identity() string {
	h := sha256.New()
	fmt.Fprintln(h, l.spec.Engine, l.spec.Name, l.spec.Hash)
	json.NewEncoder(h).Encode(l.facts)
	for _, p := range l.params {
		json.NewEncoder(h).Encode(p.Values)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
