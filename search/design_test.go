package search

import (
	"slices"
	"strings"
	"testing"

	"harness/space"

	"github.com/google/go-cmp/cmp"
)

// hardPairs is how many pairs of values the valid configurations of hardSpec
// show; hardLevels is how many values it has.
const hardPairs, hardLevels = 2637, 76

func TestDesignCoversTheHardLattice(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, hardSpec)
	for seed := range uint64(2) {
		asks := newSearcher(t, l, Options{Mode: SeedDesign, Seed: seed, Budget: 64}).Ask(64)
		for _, tt := range []struct {
			n     int
			pairs float64 // least share of the valid pairs
		}{{32, 0.85}, {64, 0.98}} {
			levels, pairs := shown(l, asks[:tt.n])
			t.Logf("seed %d, %d points: %d of %d levels, %.1f %% of the pairs", seed, tt.n, levels, hardLevels, 100*float64(pairs)/hardPairs)
			if levels != hardLevels || float64(pairs) < tt.pairs*hardPairs {
				t.Errorf("seed %d, %d points: %d of %d levels, %d of %d pairs; want all levels and %v of the pairs",
					seed, tt.n, levels, hardLevels, pairs, hardPairs, tt.pairs)
			}
		}
	}
}

// shown counts the values and the pairs of values that some asks have.
func shown(l *space.Lattice, asks []Ask) (levels, pairs int) {
	type setting struct{ param, value int }
	one, two := make(map[setting]bool), make(map[[2]setting]bool)
	for _, a := range asks {
		p := l.Unrank(a.Rank, nil)
		for i, v := range p {
			one[setting{i, int(v)}] = true
			for j, w := range p[:i] {
				two[[2]setting{{i, int(v)}, {j, int(w)}}] = true
			}
		}
	}
	return len(one), len(two)
}

// After the pairs are covered, the values are shown about equally often.
func TestDesignIsBalanced(t *testing.T) {
	l := newLattice(t, smallSpec)
	asks := newSearcher(t, l, Options{Mode: SeedDesign, Budget: 90}).Ask(90)
	for i, param := range l.Params() {
		counts := make([]int, len(param.Values))
		for _, a := range asks {
			counts[l.Unrank(a.Rank, nil)[i]]++
		}
		even := float64(len(asks)) / float64(len(counts))
		if least := float64(slices.Min(counts)); least < 0.6*even {
			t.Errorf("%s: values are shown %v times, want each near %.0f", param.Name, counts, even)
		}
	}
}

func TestDesignStartsWithTheDefault(t *testing.T) {
	for _, tt := range []struct {
		name, yaml, reason string
	}{
		{"a valid default", smallSpec, "engine default"},
		{"a default that a rule forbids", strings.Replace(smallSpec, "batch <= 32 * devices", "batch >= 16", 1), "valid configuration nearest to the engine default"},
	} {
		l := newLattice(t, tt.yaml)
		first := newSearcher(t, l, Options{Mode: SeedDesign, Budget: 5, Seed: 9}).Ask(1)[0]
		want, _ := l.Rank(l.Default())
		if first.Rank != want || first.Reason != tt.reason || first.Purpose != "seed" {
			t.Errorf("%s: first ask %+v, want rank %s, reason %q", tt.name, first, want, tt.reason)
		}
	}
}

func TestDesignSaysWhy(t *testing.T) {
	asks := newSearcher(t, newLattice(t, pairSpec), Options{Mode: SeedDesign, Budget: 3}).Ask(3)
	want := []string{"engine default", "covers b=true with a=false", "covers b=false with a=true"}
	var got []string
	for _, a := range asks {
		got = append(got, a.Reason)
	}
	slices.Sort(got[1:])
	slices.Sort(want[1:])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	last := newSearcher(t, newLattice(t, smallSpec), Options{Mode: SeedDesign, Budget: 442}).Ask(442)[441]
	if !strings.HasPrefix(last.Reason, "shows ") {
		t.Errorf("the last reason is %q; all pairs should be covered by then", last.Reason)
	}
}

// A design that is longer than its pool ends with uniform samples, until the
// lattice is exhausted.
func TestDesignOutlastsItsPool(t *testing.T) {
	l := newLattice(t, smallSpec)
	h := newHistory(l, nil)
	d := &design{lattice: l, seed: 1, size: 1000, draws: 50}
	uniform := 0
	for range 442 {
		a, ok := d.propose(h, nil)
		if !ok || h.known.has(a.Rank) {
			t.Fatalf("ask %d: %+v, %v", h.known.len(), a, ok)
		}
		if h.known.add(a.Rank); a.Reason == "uniform sample" {
			uniform++
		}
	}
	if uniform < 442-51 || uniform > 442-40 {
		t.Errorf("%d uniform samples after a pool of at most 50", uniform)
	}
	if a, ok := d.propose(h, nil); ok {
		t.Errorf("one more: %+v", a)
	}
}

// A study that is given a larger budget later keeps what it has.
func TestALongerDesignBeginsWithTheShorter(t *testing.T) {
	l := newLattice(t, hardSpec)
	short := newSearcher(t, l, Options{Mode: SeedDesign, Seed: 4, Budget: 10}).Ask(100)
	long := newSearcher(t, l, Options{Mode: SeedDesign, Seed: 4, Budget: 20}).Ask(100)
	if diff := cmp.Diff(short, long[:10]); diff != "" || len(long) != 20 {
		t.Errorf("%d asks; %s", len(long), diff)
	}
}

// Values that uniform draws hardly ever meet are shown all the same.
func TestDesignShowsRareValues(t *testing.T) {
	l := newLattice(t, rareSpec)
	asks := newSearcher(t, l, Options{Mode: SeedDesign, Budget: 16}).Ask(16)
	if !slices.ContainsFunc(asks, func(a Ask) bool { return value(l, l.Unrank(a.Rank, nil), "rare") == 1 }) {
		t.Error("rare=1 is not shown")
	}
}

// rareSpec has rare=1 in one configuration of 65,537, and rare=2 in none.
const rareSpec = `
schema: 1
engine: sglang
parameters:
  - {name: rare, flag: --rare, kind: ordinal, values: [0,1,2], default: 0}
  - {name: a, flag: --a, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: b, flag: --b, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: c, flag: --c, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: d, flag: --d, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: e, flag: --e, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: f, flag: --f, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: g, flag: --g, kind: ordinal, values: [0,1,2,3], default: 0}
  - {name: h, flag: --h, kind: ordinal, values: [0,1,2,3], default: 0}
constraints:
  - {id: only_alone, class: hard, expr: "rare == 0 or a + b + c + d + e + f + g + h == 24"}
  - {id: never, class: hard, expr: "rare != 2"}
`

func BenchmarkDesign32(b *testing.B) {
	l := newLattice(b, hardSpec)
	for b.Loop() {
		newSearcher(b, l, Options{Mode: SeedDesign, Seed: 1, Budget: 32}).Ask(32)
	}
}
