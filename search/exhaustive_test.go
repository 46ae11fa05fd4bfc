package search

import (
	"slices"
	"testing"

	"harness/space"
)

func TestExhaustiveVisitsTheDefaultFirstThenEverything(t *testing.T) {
	l := newLattice(t, smallSpec)
	asks := newSearcher(t, l, Options{Mode: Exhaustive}).Ask(1000)
	first, _ := l.Rank(l.Default())
	if asks[0].Rank != first || asks[0].Reason != "engine default" {
		t.Errorf("first ask %+v, want the default, %s", asks[0], first)
	}
	if asks[1].Reason != "2 of all 442" || asks[1].Purpose != "seed" {
		t.Errorf("second ask %+v", asks[1])
	}
	var ranks []uint64
	for _, a := range asks {
		ranks = append(ranks, a.Rank.Lo)
	}
	slices.Sort(ranks)
	for i, r := range ranks {
		if uint64(i) != r {
			t.Fatalf("the %d. rank is %d", i, r)
		}
	}
}

// The parameter of impact 1 changes least often, then that of impact 2; and
// configurations that follow each other differ in little.
func TestExhaustiveSavesLaunches(t *testing.T) {
	l := newLattice(t, smallSpec)
	asks := newSearcher(t, l, Options{Mode: Exhaustive}).Ask(1000)[1:] // after the default
	changes := make(map[string]int)
	total := 0
	for k := 1; k < len(asks); k++ {
		p, q := l.Unrank(asks[k-1].Rank, nil), l.Unrank(asks[k].Rank, nil)
		for i, param := range l.Params() {
			if p[i] != q[i] {
				changes[param.Name]++
				total++
			}
		}
	}
	// 4 values of devices; of batch 3, 4, 5 and 5 are valid for them in turn
	if changes["devices"] != 3 || changes["batch"] > 17 {
		t.Errorf("changes by parameter: %v; want 3 of devices and at most 17 of batch", changes)
	}
	// a Gray code over the whole product changes one parameter at each step; rules cut some of its steps out
	if mean := float64(total) / float64(len(asks)-1); mean > 1.1 {
		t.Errorf("%.2f parameters change from one configuration to the next", mean)
	}
}

// Without rules the order is a Gray code: exactly one parameter changes, by one step.
func TestTourIsAGrayCode(t *testing.T) {
	l := newLattice(t, `
schema: 1
engine: sglang
parameters:
  - {name: a, flag: --a, kind: ordinal, values: [1,2,3], default: 1, impact: 1}
  - {name: b, flag: --b, kind: ordinal, values: [1,2,3,4], default: 1}
  - {name: c, flag: --c, kind: ordinal, values: [1,2,3,4,5], default: 1, impact: 2}
`)
	order := tourOrder(l)
	for k := 1; k < len(order); k++ {
		p, q := l.Unrank(order[k-1], nil), l.Unrank(order[k], nil)
		steps := 0
		for i := range p {
			steps += max(int(p[i])-int(q[i]), int(q[i])-int(p[i]))
		}
		if steps != 1 {
			t.Errorf("from %v to %v", p, q)
		}
	}
}

func TestParamsByImpact(t *testing.T) {
	l := newLattice(t, smallSpec)
	var got []string
	for _, i := range paramsByImpact(l) {
		got = append(got, l.Params()[i].Name)
	}
	if want := []string{"devices", "batch", "chunk", "backend", "compile"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExhaustiveOfOneAndOfThree(t *testing.T) {
	for yaml, want := range map[string]int{oneSpec: 1, pairSpec: 3} {
		s := newSearcher(t, newLattice(t, yaml), Options{Mode: Exhaustive})
		seen := make(map[space.Rank]bool)
		for _, a := range s.Ask(10) {
			seen[a.Rank] = true
		}
		if len(seen) != want {
			t.Errorf("%d configurations, want %d", len(seen), want)
		}
	}
}
