package space

import "slices"

// A sifter is one Boolean diagram in which neighbouring levels can be exchanged at
// a cost of the nodes of these two levels alone, and so any parameter moved to
// where the diagram is smallest. See R. Rudell, "Dynamic variable ordering for
// ordered binary decision diagrams" (1993); here with more than two values.
//
// The diagram of a function under an order is unique, so that what sifting
// decides depends on the function and the first order alone.
//
// Nodes 0 and 1 are the terminals false and true.
type sifter struct {
	sizes []int   // values of each variable: its level when the sifter was made
	order []int   // the variable at each level
	place []int   // the level of each variable
	width int     // room for children in kids, the largest size
	kids  []int32 // of node n from n*width on
	of    []int32 // the variable of each node
	refs  []int32 // how many parents each node has; of the root one more
	next  []int32 // of each node in its chain of its table, and of the free ones; 0 = the last
	free  int32   // the first node that is free, 0 = none
	table []siftTable
	live  int // nodes, without terminals
	root  int32

	mixed   []int32 // scratch
	scratch [3][]int32
}

// A siftTable holds the nodes of one variable, hashed by their children.
type siftTable struct {
	heads []int32 // first node of each chain, 0 = none; a power of two
	count int
}

func newSifter(d *diagrams, r ref) *sifter {
	n := len(d.sizes)
	s := &sifter{sizes: d.sizes, table: make([]siftTable, n), width: 1}
	for v, size := range d.sizes {
		s.order, s.place = append(s.order, v), append(s.place, v)
		s.table[v].heads = make([]int32, 8)
		s.width = max(s.width, size)
	}
	for i := range s.scratch {
		s.scratch[i] = make([]int32, s.width)
	}
	s.grow(2)
	s.of[0], s.of[1] = -1, -1
	done := map[ref]int32{no: 0, yes: 1}
	var copyOf func(r ref) int32
	copyOf = func(r ref) int32 {
		n, ok := done[r]
		if !ok {
			kids := make([]int32, 0, s.width)
			for _, k := range d.children(r) {
				kids = append(kids, copyOf(k))
			}
			n = s.node(d.level(r), kids)
			done[r] = n
		}
		return n
	}
	s.root = copyOf(r)
	s.refs[s.root]++
	return s
}

// grow makes room for n more nodes and puts none of them on the free list.
func (s *sifter) grow(n int) {
	s.kids = append(s.kids, make([]int32, n*s.width)...)
	s.of = append(s.of, make([]int32, n)...)
	s.refs = append(s.refs, make([]int32, n)...)
	s.next = append(s.next, make([]int32, n)...)
}

func (s *sifter) children(n int32) []int32 {
	first := int(n) * s.width
	return s.kids[first : first+s.sizes[s.of[n]]]
}

func (t *siftTable) slot(kids []int32) int {
	h := uint64(0)
	for _, k := range kids {
		h = (h ^ uint64(k)) * 0x9E3779B97F4A7C15
		h ^= h >> 32
	}
	return int(h & uint64(len(t.heads)-1))
}

// node is the node of variable v with these children, made if it is new. It keeps
// no reference to kids.
func (s *sifter) node(v int, kids []int32) int32 {
	same := true
	for _, k := range kids[1:] {
		same = same && k == kids[0]
	}
	if same {
		return kids[0]
	}
	t := &s.table[v]
	for n := t.heads[t.slot(kids)]; n != 0; n = s.next[n] {
		if equalNodes(s.children(n), kids) {
			return n
		}
	}
	n := s.free
	if n != 0 {
		s.free = s.next[n]
	} else {
		n = int32(len(s.of))
		s.grow(1)
	}
	s.of[n], s.refs[n] = int32(v), 0
	copy(s.children(n), kids)
	for _, k := range kids {
		s.refs[k]++
	}
	s.live++
	s.insert(n)
	return n
}

func equalNodes(a, b []int32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// insert puts node n into the table of its variable.
func (s *sifter) insert(n int32) {
	t := &s.table[s.of[n]]
	if t.count++; t.count > len(t.heads) {
		all := s.nodes(int(s.of[n]), nil)
		t.heads = make([]int32, 2*len(t.heads))
		for _, m := range all {
			i := t.slot(s.children(m))
			s.next[m], t.heads[i] = t.heads[i], m
		}
	}
	i := t.slot(s.children(n))
	s.next[n], t.heads[i] = t.heads[i], n
}

// remove takes node n out of the table of its variable.
func (s *sifter) remove(n int32) {
	t := &s.table[s.of[n]]
	t.count--
	at := &t.heads[t.slot(s.children(n))]
	for *at != n {
		at = &s.next[*at]
	}
	*at = s.next[n]
}

// nodes appends the nodes of variable v.
func (s *sifter) nodes(v int, to []int32) []int32 {
	for _, n := range s.table[v].heads {
		for ; n != 0; n = s.next[n] {
			to = append(to, n)
		}
	}
	return to
}

// release drops one reference to node n, and what then has none.
func (s *sifter) release(n int32) {
	if s.refs[n]--; s.refs[n] > 0 || n < 2 {
		return
	}
	s.remove(n)
	s.live--
	for _, k := range s.children(n) {
		s.release(k)
	}
	s.next[n], s.free = s.free, n
}

// exchange swaps a level with the one below it. The nodes of the upper variable
// that have children of the lower one change theirs and become nodes of the lower
// one, in place, so that what is above need not change.
func (s *sifter) exchange(level int) {
	x, y := s.order[level], s.order[level+1]
	s.order[level], s.order[level+1] = y, x
	s.place[x], s.place[y] = level+1, level
	s.mixed = s.takeMixed(x, int32(y), s.mixed[:0])
	sizeX, sizeY := s.sizes[x], s.sizes[y]
	old, row, kids := s.scratch[0][:sizeX], s.scratch[1][:sizeX], s.scratch[2][:sizeY]
	for _, n := range s.mixed {
		copy(old, s.children(n))
		for b := range kids {
			for a, k := range old {
				if s.of[k] == int32(y) {
					k = s.kids[int(k)*s.width+b]
				}
				row[a] = k
			}
			kids[b] = s.node(x, row)
			s.refs[kids[b]]++
		}
		s.of[n] = int32(y)
		copy(s.children(n), kids)
		s.insert(n)
		for _, k := range old {
			s.release(k)
		}
	}
}

// takeMixed takes the nodes of x that have a child of y out of the table of x.
func (s *sifter) takeMixed(x int, y int32, mixed []int32) []int32 {
	t := &s.table[x]
	for i := range t.heads {
		for at := &t.heads[i]; *at != 0; {
			n := *at
			if !slices.ContainsFunc(s.children(n), func(k int32) bool { return s.of[k] == y }) {
				at = &s.next[n]
				continue
			}
			*at = s.next[n]
			t.count--
			mixed = append(mixed, n)
		}
	}
	return mixed
}

// sift moves the variables of the levels [lo, hi), those with the most nodes first,
// each to where the diagram is smallest, again until that gains less than a
// twentieth.
func (s *sifter) sift(lo, hi int) {
	for {
		before := s.live
		variables := slices.Clone(s.order[lo:hi])
		slices.SortStableFunc(variables, func(a, b int) int { return s.table[b].count - s.table[a].count })
		for _, v := range variables {
			s.settle(v, lo, hi)
		}
		if 20*s.live >= 19*before {
			return
		}
	}
}

// settle moves variable v to its best level in [lo, hi): to the nearer end, to the
// other one, and back to where the diagram was smallest. It turns where the diagram
// has grown by a fifth.
func (s *sifter) settle(v, lo, hi int) {
	best, at := s.live, s.place[v]
	move := func(to int, search bool) {
		for s.place[v] != to && !(search && 5*s.live > 6*best) {
			if s.place[v] < to {
				s.exchange(s.place[v])
			} else {
				s.exchange(s.place[v] - 1)
			}
			if s.live < best {
				best, at = s.live, s.place[v]
			}
		}
	}
	ends := [2]int{lo, hi - 1}
	if hi-1-s.place[v] < s.place[v]-lo {
		ends = [2]int{hi - 1, lo}
	}
	for _, end := range ends {
		move(end, true)
		move(at, false)
	}
}

// diagrams is the diagram in the order that was found, in a store of its own.
func (s *sifter) diagrams() (*diagrams, ref) {
	sizes := make([]int, len(s.order))
	for level, v := range s.order {
		sizes[level] = s.sizes[v]
	}
	d := newDiagrams(sizes, maxNodes)
	done := map[int32]ref{0: no, 1: yes}
	var copyOf func(n int32) ref
	copyOf = func(n int32) ref {
		r, ok := done[n]
		if !ok {
			kids := make([]ref, 0, s.width)
			for _, k := range s.children(n) {
				kids = append(kids, copyOf(k))
			}
			r = d.node(s.place[s.of[n]], kids)
			done[n] = r
		}
		return r
	}
	return d, copyOf(s.root)
}
