package space

// A ref is a diagram: a function of the tuned parameters. A ref >= 0 is a node of
// a [diagrams], one below 0 is a terminal: the constant function ^ref.
//
// Because nodes are reduced (no node whose children are all the same) and shared
// (no two nodes alike), two refs of one store are equal exactly when their
// functions are, whatever expressions they came from.
type ref int32

// The terminals that every store has.
const (
	no  ref = ^0 // false
	yes ref = ^1 // true
)

// diagrams is a store of reduced multi-valued decision diagrams with Values as
// terminals. Level i is the i-th tuned parameter in diagram order; children are by
// value index. Nodes may skip levels that do not matter. See R. E. Bryant,
// "Graph-Based Algorithms for Boolean Function Manipulation" (1986), for reduction
// and apply, which here have more than two children and values.
type diagrams struct {
	sizes []int // values of each level
	nodes []node
	kids  []ref
	slots []ref // hash table of nodes, -1 = empty; its length is a power of two
	terms []Value
	ids   map[Value]ref
	limit int  // most nodes, and most terminals; an apply takes at most four times as many steps
	full  bool // a limit was reached: every result since is meaningless

	stack []ref // children of the nodes being built
	memo  memo
}

type node struct {
	level int32
	first int32 // in kids
}

func newDiagrams(sizes []int, limit int) *diagrams {
	d := &diagrams{sizes: sizes, limit: limit, ids: map[Value]ref{}}
	d.grow(64)
	d.constant(Bool(false))
	d.constant(Bool(true))
	return d
}

// constant is the terminal of v.
func (d *diagrams) constant(v Value) ref {
	r, ok := d.ids[v]
	if !ok {
		if len(d.terms) >= d.limit {
			d.full = true
			return no
		}
		r = ^ref(len(d.terms))
		d.terms = append(d.terms, v)
		d.ids[v] = r
	}
	return r
}

// value is the value of a terminal.
func (d *diagrams) value(r ref) Value { return d.terms[^r] }

// level is that of the top node of r; a terminal's is below all.
func (d *diagrams) level(r ref) int {
	if r < 0 {
		return len(d.sizes)
	}
	return int(d.nodes[r].level)
}

func (d *diagrams) children(r ref) []ref {
	n := d.nodes[r]
	return d.kids[n.first : int(n.first)+d.sizes[n.level]]
}

// child is r where the parameter at level has value v.
func (d *diagrams) child(r ref, level, v int) ref {
	if d.level(r) != level {
		return r
	}
	return d.kids[int(d.nodes[r].first)+v]
}

// node is the function that is kids[v] where the parameter at level is v. It
// keeps no reference to kids.
func (d *diagrams) node(level int, kids []ref) ref {
	same := true
	for _, k := range kids[1:] {
		same = same && k == kids[0]
	}
	if same || d.full {
		return kids[0]
	}
	mask := uint64(len(d.slots) - 1)
	for i := hashNode(level, kids) & mask; ; i = (i + 1) & mask {
		r := d.slots[i]
		if r >= 0 {
			if int(d.nodes[r].level) == level && equalRefs(d.children(r), kids) {
				return r
			}
			continue
		}
		if len(d.nodes) >= d.limit {
			d.full = true
			return no
		}
		r = ref(len(d.nodes))
		d.nodes = append(d.nodes, node{int32(level), int32(len(d.kids))})
		d.kids = append(d.kids, kids...)
		d.slots[i] = r
		if 2*len(d.nodes) > len(d.slots) {
			d.grow(2 * len(d.slots))
		}
		return r
	}
}

func hashNode(level int, kids []ref) uint64 {
	h := uint64(level)
	for _, k := range kids {
		h = (h ^ uint64(uint32(k))) * 0x9E3779B97F4A7C15
		h ^= h >> 32
	}
	return h
}

func equalRefs(a, b []ref) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (d *diagrams) grow(n int) {
	d.slots = make([]ref, n)
	for i := range d.slots {
		d.slots[i] = -1
	}
	for r := range d.nodes {
		i := hashNode(d.level(ref(r)), d.children(ref(r))) & uint64(n-1)
		for d.slots[i] >= 0 {
			i = (i + 1) & uint64(n-1)
		}
		d.slots[i] = ref(r)
	}
}

// variable is the function whose value is values[v] where the parameter at level is v.
func (d *diagrams) variable(level int, values []Value) ref {
	kids := make([]ref, len(values))
	for v := range values {
		kids[v] = d.constant(values[v])
	}
	return d.node(level, kids)
}

// A rule of apply: the result at once for operands simple enough (terminals, or a
// shortcut such as false and x), else ok = false.
type applyRule func(a, b, c ref) (result ref, ok bool)

// apply computes rule pointwise on three diagrams; functions of fewer operands
// pass yes for the rest. Equal subproblems are solved once.
func (d *diagrams) apply(a, b, c ref, rule applyRule) ref {
	d.memo.clear()
	return d.applyMemo(a, b, c, rule)
}

func (d *diagrams) applyMemo(a, b, c ref, rule applyRule) ref {
	if r, ok := rule(a, b, c); ok {
		return r
	}
	if d.full {
		return no
	}
	if r, ok := d.memo.get(a, b, c); ok {
		return r
	}
	level := min(d.level(a), d.level(b), d.level(c))
	start := len(d.stack)
	for v := range d.sizes[level] {
		r := d.applyMemo(d.child(a, level, v), d.child(b, level, v), d.child(c, level, v), rule)
		d.stack = append(d.stack, r)
	}
	r := d.node(level, d.stack[start:])
	d.stack = d.stack[:start]
	d.memo.put(a, b, c, r)
	d.full = d.full || d.memo.used > 4*d.limit
	return r
}

// and is true where both are; both must be Boolean.
func (d *diagrams) and(a, b ref) ref {
	return d.apply(a, b, yes, func(a, b, _ ref) (ref, bool) {
		switch {
		case a == no || b == no:
			return no, true
		case a == yes || a == b:
			return b, true
		case b == yes:
			return a, true
		}
		return 0, false
	})
}

// choose is a where the Boolean cond holds, else b.
func (d *diagrams) choose(cond, a, b ref) ref {
	return d.apply(cond, a, b, func(cond, a, b ref) (ref, bool) {
		switch {
		case cond == yes || a == b:
			return a, true
		case cond == no:
			return b, true
		}
		return 0, false
	})
}

// same is true where a and b have equal values.
func (d *diagrams) same(a, b ref) ref {
	return d.apply(a, b, yes, func(a, b, _ ref) (ref, bool) {
		switch {
		case a == b:
			return yes, true
		case a < 0 && b < 0:
			return no, true
		}
		return 0, false
	})
}

// each replaces every terminal of r by what f makes of its value.
func (d *diagrams) each(r ref, f func(Value) Value) ref {
	return d.apply(r, yes, yes, func(a, _, _ ref) (ref, bool) {
		if a < 0 {
			return d.constant(f(d.value(a))), true
		}
		return 0, false
	})
}

// restrict is r with the parameter at level fixed at value v.
func (d *diagrams) restrict(r ref, level, v int) ref {
	fixed := make([]ref, d.sizes[level])
	for i := range fixed {
		fixed[i] = no
	}
	fixed[v] = yes
	pick := d.node(level, fixed) // marks the way to take at this level
	return d.apply(r, pick, yes, func(a, pick, _ ref) (ref, bool) {
		if d.level(a) > level {
			return a, true
		}
		if d.level(a) == level {
			return d.child(a, level, v), true
		}
		return 0, false
	})
}

// visit calls f once for each node and terminal of r.
func (d *diagrams) visit(r ref, f func(ref)) {
	seen := map[ref]bool{}
	var walk func(ref)
	walk = func(r ref) {
		if seen[r] {
			return
		}
		seen[r] = true
		f(r)
		if r >= 0 {
			for _, k := range d.children(r) {
				walk(k)
			}
		}
	}
	walk(r)
}

// at is the value of r at one assignment, a value index for each level.
func (d *diagrams) at(r ref, assignment func(level int) int) Value {
	for r >= 0 {
		n := d.nodes[r]
		r = d.kids[int(n.first)+assignment(int(n.level))]
	}
	return d.value(r)
}

// copyTo copies r into another store with the same levels.
func (d *diagrams) copyTo(dst *diagrams, r ref, done map[ref]ref) ref {
	if r < 0 {
		return dst.constant(d.value(r))
	}
	if c, ok := done[r]; ok {
		return c
	}
	kids := make([]ref, 0, len(d.children(r)))
	for _, k := range d.children(r) {
		kids = append(kids, d.copyTo(dst, k, done))
	}
	c := dst.node(d.level(r), kids)
	done[r] = c
	return c
}

// countTrue counts the assignments of all levels for which r is true. The product
// of the sizes must be below 2^128.
func (d *diagrams) countTrue(r ref) Rank {
	memo := map[ref]Rank{no: {}, yes: RankOf(1)}
	// scaled is the count of r as seen from a level above it: each level between,
	// which r skips, multiplies it.
	var count func(ref) Rank
	scaled := func(r ref, from int) Rank {
		n := count(r)
		for level := from; level < d.level(r); level++ {
			n, _ = n.mul64(uint64(d.sizes[level]))
		}
		return n
	}
	count = func(r ref) Rank {
		n, ok := memo[r]
		if !ok {
			for _, k := range d.children(r) {
				n, _ = n.add(scaled(k, d.level(r)+1))
			}
			memo[r] = n
		}
		return n
	}
	return scaled(r, 0)
}
