package space

import (
	"maps"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"
)

// comparePairs checks the neighbours by two changes, and the repair of what is not
// valid.
func (o oracle) comparePairs(t *rapid.T, p Point, ranks map[string]Rank, text string) {
	var pairs []Rank
	for q, r := range ranks {
		var changed []int
		for i := range p {
			if p[i] != q[i] {
				changed = append(changed, o.component[o.level[i]])
			}
		}
		if len(changed) == 2 && changed[0] == changed[1] {
			pairs = append(pairs, r)
		}
	}
	got := o.Neighbors2(p)
	slices.SortFunc(got, Rank.Cmp)
	slices.SortFunc(pairs, Rank.Cmp)
	if !slices.Equal(got, pairs) {
		t.Fatalf("pairs of neighbors of %v are %v, want %v\n%s", p, got, pairs, text)
	}
	e := o.Explain(o.Config(p))
	if e.OK != (e.Repair == nil) {
		t.Fatalf("explain(%v): ok %v, repair %v\n%s", p, e.OK, e.Repair, text)
	}
	mended := o.Config(p)
	maps.Copy(mended, e.Repair)
	if !o.Check(mended).OK {
		t.Fatalf("explain(%v): the repair %v is not valid\n%s", p, e.Repair, text)
	}
}

// compareCounts checks counts of members with some values, and what each rule alone
// forbids.
func (o oracle) compareCounts(t *rapid.T, members []Point, text string) {
	rng := rand.New(rand.NewPCG(3, uint64(len(members))))
	for range 10 {
		partial := Config{}
		for _, p := range o.params {
			if rng.IntN(3) == 0 {
				partial[p.Name] = p.Values[rng.IntN(len(p.Values))]
			}
		}
		var want []Rank // in order, as the members are not
		for _, p := range members {
			has := true
			for name, v := range partial {
				has = has && o.Config(p)[name] == v
			}
			if has {
				r, _ := o.Rank(p)
				want = append(want, r)
			}
		}
		slices.SortFunc(want, Rank.Cmp)
		if got, err := o.CountWhere(partial); err != nil || got != RankOf(uint64(len(want))) {
			t.Fatalf("%s members with %v, %v: want %d\n%s", got, partial, err, len(want), text)
		}
		if r, ok, err := o.SampleWhere(partial, rng); err != nil || ok != (len(want) > 0) || ok && !slices.Contains(want, r) {
			t.Fatalf("a member with %v is %s, %v, %v: want one of %v\n%s", partial, r, ok, err, want, text)
		}
		fixed, _, _ := o.fix(partial)
		for i, r := range want {
			if got := o.layers.where(fixed).unrank(RankOf(uint64(i))); got != r {
				t.Fatalf("member %d with %v is %s, want %s\n%s", i, partial, got, r, text)
			}
		}
	}
	if rng.IntN(3) > 0 { // the rest is slower to check
		return
	}
	last := o.RemovesLast()
	for _, c := range o.rules {
		if c.class == Soft {
			continue
		}
		others := oracle{&Lattice{spec: o.spec, params: o.params, facts: o.facts}}
		for _, r := range o.rules {
			if r != c {
				others.rules = append(others.rules, r)
			}
		}
		want := uint64(0)
		others.points(func(p Point) {
			if member, _ := others.member(p); member {
				want++
			}
		})
		if last[c.id] != RankOf(want-uint64(len(members))) {
			t.Fatalf("%s removes %s last, want %d\n%s", c.id, last[c.id], want-uint64(len(members)), text)
		}
	}
}

// compareVerdict checks that single configurations are judged as the diagrams do.
func (o oracle) compareVerdict(t *rapid.T, p, canon Point, isMember bool, text string) {
	v := o.Check(o.Config(p))
	valid := true
	for _, r := range o.rules {
		if r.class != Hard && r.class != Memory {
			continue
		}
		holds := r.expr.eval(o.lookup(p)) == Bool(true)
		valid = valid && holds
		if broken := slices.ContainsFunc(v.Reasons, func(reason Reason) bool { return reason.Rule == r.id }); broken == holds {
			t.Fatalf("check(%v) says that %s is broken: %v\n%s", p, r.id, broken, text)
		}
	}
	if v.OK != valid || isMember && v.Rank == nil || v.Rank != nil && !o.Contains(canon) {
		t.Fatalf("check(%v): ok %v, rank %v\n%s", p, v.OK, v.Rank, text)
	}
	if !maps.Equal(v.Canonical, o.Config(canon)) {
		t.Fatalf("check(%v): canonical %v, want %v\n%s", p, v.Canonical, o.Config(canon), text)
	}
}

// compareWithOracle checks every answer of a lattice against all of its members.
func compareWithOracle(t *rapid.T, o oracle, members []Point, text string) {
	if got, _ := o.Count().Uint64(); got != uint64(len(members)) {
		t.Fatalf("count %d, want %d\n%s", got, len(members), text)
	}
	ranks := map[string]Rank{}
	for i := range members {
		p := o.Unrank(RankOf(uint64(i)), nil)
		r, ok := o.Rank(p)
		if !ok || r != RankOf(uint64(i)) {
			t.Fatalf("rank of unrank(%d) is %s, %v\n%s", i, r, ok, text)
		}
		ranks[string(p)] = r
	}
	for _, p := range members {
		if _, ok := ranks[string(p)]; !ok {
			t.Fatalf("member %v has no rank\n%s", p, text)
		}
	}
	next := RankOf(0)
	for r, p := range o.All() {
		if r != next || ranks[string(p)] != r {
			t.Fatalf("All yields %s %v, want rank %s\n%s", r, p, next, text)
		}
		next, _ = next.add(RankOf(1))
	}
	o.compareCounts(t, members, text)
	rng := rand.New(rand.NewPCG(7, 7))
	o.points(func(p Point) {
		_, isMember := ranks[string(p)]
		if o.Contains(p) != isMember {
			t.Fatalf("contains(%v) = %v\n%s", p, !isMember, text)
		}
		canon := o.canon(p)
		if got := o.Canon(p); !slices.Equal(got, canon) {
			t.Fatalf("canon(%v) = %v, want %v\n%s", p, got, canon, text)
		}
		if rng.IntN(4) > 0 { // the rest is slower to check
			return
		}
		o.compareVerdict(t, p, canon, isMember, text)
		var neighbors []Rank
		var nearest Point
		for q, r := range ranks {
			if changes, _ := o.distance(p, Point(q)); changes == 1 {
				neighbors = append(neighbors, r)
			}
			if nearest == nil {
				nearest = Point(q)
			}
			c1, s1 := o.distance(canon, Point(q))
			c2, s2 := o.distance(canon, nearest)
			if c1 < c2 || c1 == c2 && (s1 < s2 || s1 == s2 && r.less(ranks[string(nearest)])) {
				nearest = Point(q)
			}
		}
		o.comparePairs(t, p, ranks, text)
		got := o.Neighbors(p)
		slices.SortFunc(got, Rank.Cmp)
		slices.SortFunc(neighbors, Rank.Cmp)
		if !slices.Equal(got, neighbors) {
			t.Fatalf("neighbors(%v) = %v, want %v\n%s", p, got, neighbors, text)
		}
		if got := o.Repair(p); !slices.Equal(got, nearest) {
			t.Fatalf("repair(%v) = %v, want %v\n%s", p, got, nearest, text)
		}
	})
	for _, r := range o.Rules() { // what a rule removes alone
		var rule *compiledRule
		for _, c := range o.rules {
			if c.id == r.ID {
				rule = c
			}
		}
		removed := uint64(0)
		one := oracle{&Lattice{spec: o.spec, params: o.params, facts: o.facts, rules: []*compiledRule{rule}}}
		o.points(func(p Point) {
			if member, _ := one.member(p); !member {
				removed++
			}
		})
		if r.RemovesAlone != RankOf(removed) {
			t.Fatalf("%s removes %s alone, want %d\n%s", r.ID, r.RemovesAlone, removed, text)
		}
	}
}
