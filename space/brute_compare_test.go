package space

import (
	"maps"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"
)

// A truth is a lattice with all of its members, found by brute force.
type truth struct {
	oracle
	text    string  // the spec
	members []Point // in the order of points
	ranks   []Rank  // of each member, as the lattice says
}

// compareNear checks what the lattice says of p and its surroundings.
func (o *truth) compareNear(t rapid.TB, p, canon Point, isMember bool) {
	o.compareVerdict(t, p, canon, isMember)
	var one, two []Rank
	nearest, changes, steps := -1, 0, 0
	for i, q := range o.members {
		var changed []int
		for k := range p {
			if p[k] != q[k] {
				changed = append(changed, o.component[o.level[k]])
			}
		}
		switch {
		case len(changed) == 1:
			one = append(one, o.ranks[i])
		case len(changed) == 2 && changed[0] == changed[1]:
			two = append(two, o.ranks[i])
		}
		c, s := o.distance(canon, q)
		if nearest < 0 || c < changes || c == changes && (s < steps || s == steps && o.ranks[i].less(o.ranks[nearest])) {
			nearest, changes, steps = i, c, s
		}
	}
	for what, ranks := range map[string][2][]Rank{"neighbors": {o.Neighbors(p), one}, "pairs of neighbors": {o.Neighbors2(p), two}} {
		got, want := ranks[0], ranks[1]
		slices.SortFunc(got, Rank.Cmp)
		slices.SortFunc(want, Rank.Cmp)
		if !slices.Equal(got, want) {
			t.Fatalf("%s of %v are %v, want %v\n%s", what, p, got, want, o.text)
		}
	}
	if got := o.Repair(p); !slices.Equal(got, o.members[nearest]) {
		t.Fatalf("repair(%v) = %v, want %v\n%s", p, got, o.members[nearest], o.text)
	}
	o.compareHeld(t, p, canon)
	e := o.Explain(o.Config(p))
	if e.OK != (e.Repair == nil) {
		t.Fatalf("explain(%v): ok %v, repair %v\n%s", p, e.OK, e.Repair, o.text)
	}
	mended := o.Config(p)
	maps.Copy(mended, e.Repair)
	if most, _ := o.distance(p, o.members[nearest]); !o.Check(mended).OK || len(e.Repair) > most {
		t.Fatalf("explain(%v): the repair %v is not valid, or of more than %d changes\n%s", p, e.Repair, most, o.text)
	}
}

// compareHeld checks that a repair which is to keep some values is among the nearest, and
// of these among those that change fewest of them.
func (o *truth) compareHeld(t rapid.TB, p, canon Point) {
	var held []int
	for i := 0; i < len(p); i += 2 {
		held = append(held, i)
	}
	cost := func(q Point) [3]int {
		changes, steps := o.distance(canon, q)
		lost := 0
		for _, i := range held {
			if q[i] != canon[i] {
				lost++
			}
		}
		return [3]int{changes, lost, steps}
	}
	got := cost(o.Repair(p, held...))
	for _, q := range o.members {
		if c := cost(q); slices.Compare(c[:], got[:]) < 0 {
			t.Fatalf("repair(%v) holding %v changes %v, and %v is nearer: %v\n%s", p, held, got, q, c, o.text)
		}
	}
}

// comparePartial checks counts and samples of the members with some values.
func (o *truth) comparePartial(t rapid.TB, rng *rand.Rand) {
	fixed := make([]int, len(o.params)) // value index, -1 = any
	partial := Config{}
	for i, p := range o.params {
		if fixed[i] = -1; rng.IntN(3) == 0 {
			fixed[i] = rng.IntN(len(p.Values))
			partial[p.Name] = p.Values[fixed[i]]
		}
	}
	var want []Rank // in order, as the members are not
	for i, p := range o.members {
		has := true
		for k, v := range fixed {
			has = has && (v < 0 || int(p[k]) == v)
		}
		if has {
			want = append(want, o.ranks[i])
		}
	}
	slices.SortFunc(want, Rank.Cmp)
	if got, err := o.CountWhere(partial); err != nil || got != RankOf(uint64(len(want))) {
		t.Fatalf("%s members with %v, %v: want %d\n%s", got, partial, err, len(want), o.text)
	}
	if r, ok, err := o.SampleWhere(partial, rng); err != nil || ok != (len(want) > 0) || ok && !slices.Contains(want, r) {
		t.Fatalf("a member with %v is %s, %v, %v: want one of the %d\n%s", partial, r, ok, err, len(want), o.text)
	}
	levels, _, _ := o.fix(partial)
	where := o.layers.where(levels)
	for i := 0; i < len(want); i += 1 + len(want)/1000 {
		if got := where.unrank(RankOf(uint64(i))); got != want[i] {
			t.Fatalf("member %d with %v is %s, want %s\n%s", i, partial, got, want[i], o.text)
		}
	}
}

// compareMarginals checks how many members have each value.
func (o *truth) compareMarginals(t rapid.TB) {
	for i, p := range o.params {
		counts := make([]uint64, len(p.Values))
		for _, q := range o.members {
			counts[q[i]]++
		}
		for v, m := range o.Marginals(p.Name) {
			if m.Value != p.Values[v] || m.Valid != RankOf(counts[v]) {
				t.Fatalf("marginal %d of %s is %v, want %d of %s\n%s", v, p.Name, m, counts[v], p.Values[v], o.text)
			}
		}
	}
}

// compareRules checks what each rule removes, alone and last.
func (o *truth) compareRules(t rapid.TB) {
	count := func(rules []*compiledRule) (n uint64) {
		some := oracle{&Lattice{spec: o.spec, params: o.params, facts: o.facts, rules: rules}}
		some.points(func(p Point) {
			if member, _ := some.member(p); member {
				n++
			}
		})
		return n
	}
	raw, last := count(nil), o.RemovesLast()
	for _, report := range o.Rules() {
		i := slices.IndexFunc(o.rules, func(c *compiledRule) bool { return c.id == report.ID })
		if want := raw - count(o.rules[i:i+1]); report.RemovesAlone != RankOf(want) {
			t.Fatalf("%s removes %s alone, want %d\n%s", report.ID, report.RemovesAlone, want, o.text)
		}
		others := slices.Delete(slices.Clone(o.rules), i, i+1)
		if want := count(others) - uint64(len(o.members)); last[report.ID] != RankOf(want) {
			t.Fatalf("%s removes %s last, want %d\n%s", report.ID, last[report.ID], want, o.text)
		}
	}
}

// compareVerdict checks that single configurations are judged as the diagrams do.
func (o *truth) compareVerdict(t rapid.TB, p, canon Point, isMember bool) {
	v := o.Check(o.Config(p))
	valid := true
	for _, r := range o.rules {
		if r.class != Hard && r.class != Memory {
			continue
		}
		holds := r.expr.eval(o.lookup(p)) == Bool(true)
		valid = valid && holds
		if broken := slices.ContainsFunc(v.Reasons, func(reason Reason) bool { return reason.Rule == r.id }); broken == holds {
			t.Fatalf("check(%v) says that %s is broken: %v\n%s", p, r.id, broken, o.text)
		}
	}
	if v.OK != valid || isMember && v.Rank == nil || v.Rank != nil && !o.Contains(canon) {
		t.Fatalf("check(%v): ok %v, rank %v\n%s", p, v.OK, v.Rank, o.text)
	}
	if !maps.Equal(v.Canonical, o.Config(canon)) {
		t.Fatalf("check(%v): canonical %v, want %v\n%s", p, v.Canonical, o.Config(canon), o.text)
	}
}

// compareRanks checks that ranks and members are one to one, and sets the ranks.
func (o *truth) compareRanks(t rapid.TB) {
	if got, _ := o.Count().Uint64(); got != uint64(len(o.members)) {
		t.Fatalf("count %d, want %d\n%s", got, len(o.members), o.text)
	}
	seen := make([]bool, len(o.members))
	var back Point
	for _, p := range o.members {
		r, ok := o.Rank(p)
		n, _ := r.Uint64()
		if back = o.Unrank(r, back); !ok || seen[n] || !slices.Equal(back, p) {
			t.Fatalf("member %v has rank %s, %v, seen before %v, which is %v\n%s", p, r, ok, seen[n], back, o.text)
		}
		seen[n] = true
		o.ranks = append(o.ranks, r)
	}
	next := RankOf(0)
	for r, p := range o.All() {
		if got, ok := o.Rank(p); r != next || !ok || got != r {
			t.Fatalf("All yields %s %v, want rank %s\n%s", r, p, next, o.text)
		}
		next, _ = next.add(RankOf(1))
	}
	if next != o.Count() {
		t.Fatalf("All yields %s of %s\n%s", next, o.Count(), o.text)
	}
}

// compareWithOracle checks every answer of a lattice against all of its members:
// whether each raw configuration is one, what is made of each, and what is near one
// in four of them; in a large space of as many as are looked at in a second or two.
func compareWithOracle(t rapid.TB, o *truth) {
	o.compareRanks(t)
	o.compareMarginals(t)
	raw, _ := o.Raw().Uint64()
	rng := rand.New(rand.NewPCG(7, raw))
	for range min(10, 1+5_000_000/(1+len(o.members))) {
		o.comparePartial(t, rng)
	}
	if raw < 5000 && rng.IntN(3) == 0 { // slower to check
		o.compareRules(t)
	}
	rare := max(4, int(raw)*len(o.members)/8_000_000)
	left := o.members
	o.points(func(p Point) {
		isMember := len(left) > 0 && slices.Equal(left[0], p)
		if isMember {
			left = left[1:]
		}
		if o.Contains(p) != isMember {
			t.Fatalf("contains(%v) = %v\n%s", p, !isMember, o.text)
		}
		if raw > 5000 && rng.IntN(100) > 0 {
			return
		}
		canon := o.canon(p)
		if got := o.Canon(p); !slices.Equal(got, canon) {
			t.Fatalf("canon(%v) = %v, want %v\n%s", p, got, canon, o.text)
		}
		if raw > 5000 && rng.IntN(1+rare/100) == 0 || raw <= 5000 && rng.IntN(4) == 0 {
			o.compareNear(t, p, canon, isMember)
		}
	})
}
