package search

import (
	"math"
	"slices"
	"strings"
	"testing"

	"harness/space"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var modes = []Mode{Exhaustive, SeedDesign, NSGA2, Random, Hybrid}

// No mode ever asks for a configuration that is not in the lattice or that was
// asked for before: 100,000 asks.
func TestAsksAreValidAndNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		lattice *space.Lattice
		asks    map[Mode]int // all are given where the lattice is smaller
	}{
		{"sglang18, 8 devices", sglang18(t, 8), map[Mode]int{Hybrid: 12, SeedDesign: 80, NSGA2: 7_000, Random: 27_000}},
		{"sglang18, 1 device", sglang18(t, 1), map[Mode]int{SeedDesign: 80, NSGA2: 7_000, Random: 27_000}},
		{"hard", newLattice(t, hardSpec), map[Mode]int{SeedDesign: 80, NSGA2: 7_000, Random: 27_000}},
		{"small", newLattice(t, smallSpec), map[Mode]int{Hybrid: 40, Exhaustive: 500, SeedDesign: 500, NSGA2: 500, Random: 500}},
		{"pair", newLattice(t, pairSpec), map[Mode]int{Hybrid: 9, Exhaustive: 9, SeedDesign: 9, NSGA2: 9, Random: 9}},
		{"one", newLattice(t, oneSpec), map[Mode]int{Hybrid: 9, Exhaustive: 9, SeedDesign: 9, NSGA2: 9, Random: 9}},
	} {
		for mode, asks := range tt.asks {
			t.Run(tt.name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				want := asks
				if n, fits := tt.lattice.Count().Uint64(); fits {
					want = min(want, int(n))
				}
				s := newSearcher(t, tt.lattice, Options{Mode: mode, Seed: 1, Budget: asks})
				if got := drain(t, s, tt.lattice, asks); got != want {
					t.Errorf("%d asks, want %d", got, want)
				}
			})
		}
	}
}

// drain asks until it has n configurations or there are no more, and tells most
// of them an outcome. It checks each ask and returns their number.
func drain(t *testing.T, s *Searcher, l *space.Lattice, n int) int {
	t.Helper()
	seen := make(map[space.Rank]bool)
	p := make(space.Point, len(l.Params()))
	for len(seen) < n {
		asks := s.Ask(min(n-len(seen), 1+len(seen)/4))
		if len(asks) == 0 {
			break
		}
		for i, a := range asks {
			if a.Rank.Cmp(l.Count()) >= 0 {
				t.Fatalf("rank %s is not in the lattice", a.Rank)
			}
			if p = l.Unrank(a.Rank, p); !l.Contains(p) {
				t.Fatalf("configuration %v is not valid", p)
			}
			if seen[a.Rank] {
				t.Fatalf("configuration %s was asked for before", a.Rank)
			}
			if a.Reason == "" || a.Purpose == "" {
				t.Fatalf("ask %+v does not say why", a)
			}
			seen[a.Rank] = true
			if i%8 < 7 { // the others stay pending
				tell(t, s, a.Rank, arbitrary(a.Rank))
			}
		}
	}
	if len(s.Ask(1)) > 0 && len(seen) < n {
		t.Fatal("there was one more ask after the last")
	}
	return len(seen)
}

// arbitrary is some outcome, the same for the same rank; one in five fails.
func arbitrary(r space.Rank) Outcome {
	rng := stream(r.Lo, r.Hi)
	if rng.IntN(5) == 0 {
		return Outcome{Failure: "oom_load"}
	}
	return measured(math.Exp(rng.NormFloat64()), math.Exp(rng.NormFloat64()))
}

func tell(t testing.TB, s *Searcher, r space.Rank, o Outcome) {
	t.Helper()
	if err := s.Tell(r, o); err != nil {
		t.Fatal(err)
	}
}

// A study that is killed and resumed goes on as if nothing had happened: a new
// Searcher that is told the history, in whatever order, asks the same.
func TestReplayAsksTheSame(t *testing.T) {
	t.Parallel()
	lattices := []*space.Lattice{newLattice(t, smallSpec), newLattice(t, hardSpec)}
	rapid.Check(t, func(rt *rapid.T) {
		l := rapid.SampledFrom(lattices).Draw(rt, "lattice")
		o := Options{
			Mode:   rapid.SampledFrom([]Mode{SeedDesign, NSGA2, Random}).Draw(rt, "mode"),
			Seed:   rapid.Uint64().Draw(rt, "seed"),
			Budget: rapid.IntRange(0, 60).Draw(rt, "budget"),
		}
		first, second := newSearcher(t, l, o), newSearcher(t, l, o)
		var told []space.Rank
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			first.Ask(rapid.IntRange(0, 4).Draw(rt, "n"))
			for _, r := range first.Pending() {
				if rapid.Bool().Draw(rt, "done") {
					tell(t, first, r, arbitrary(r))
					told = append(told, r)
				}
			}
		}
		for _, r := range rapid.Permutation(told).Draw(rt, "order") {
			tell(t, second, r, arbitrary(r))
		}
		for _, r := range first.Pending() {
			if err := second.Hold(r); err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(first.Pending(), second.Pending()); diff != "" {
			rt.Fatalf("pending: %s", diff)
		}
		want := first.Ask(5)
		got := append(second.Ask(2), second.Ask(3)...)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the next asks differ: %s", diff)
		}
	})
}

// An interrupted trial is asked for again: it was pending, and then it never was.
func TestAnInterruptedTrialIsAskedForAgain(t *testing.T) {
	l := newLattice(t, smallSpec)
	for _, mode := range modes {
		o := Options{Mode: mode, Seed: 3, Budget: 20}
		s := newSearcher(t, l, o)
		var done []space.Rank
		for range 9 {
			r := s.Ask(1)[0].Rank
			tell(t, s, r, serving(l, r))
			done = append(done, r)
		}
		interrupted := s.Ask(1)
		again := newSearcher(t, l, o)
		for _, r := range done {
			tell(t, again, r, serving(l, r))
		}
		if diff := cmp.Diff(interrupted, again.Ask(1)); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	l := newLattice(t, hardSpec)
	for _, mode := range []Mode{SeedDesign, NSGA2, Random} {
		ask := func(seed uint64) []Ask {
			return newSearcher(t, l, Options{Mode: mode, Seed: seed, Budget: 8}).Ask(8)
		}
		if cmp.Equal(ask(1), ask(2)) {
			t.Errorf("%s: seeds 1 and 2 ask the same", mode)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	small, hard := newLattice(t, smallSpec), newLattice(t, hardSpec)
	for _, tt := range []struct {
		name    string
		lattice *space.Lattice
		options Options
		want    string
	}{
		{"no mode", small, Options{}, `search mode "": want exhaustive, seed, nsga2, random or hybrid`},
		{"an unknown mode", small, Options{Mode: "grid"}, `search mode "grid"`},
		{"a negative budget", small, Options{Mode: Random, Budget: -1}, "budget -1"},
		{"a negative population", small, Options{Mode: NSGA2, Population: -2}, "population -2"},
		{"a population of one", small, Options{Mode: NSGA2, Population: 1}, "population 1"},
		{"too much to exhaust", hard, Options{Mode: Exhaustive}, "exhaustive search of 2328144000 configurations: 1000000 are the most"},
	} {
		if _, err := New(tt.lattice, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestBudgets(t *testing.T) {
	l := newLattice(t, smallSpec)
	const count = 442
	for _, tt := range []struct {
		mode             Mode
		budget, ask, got int
	}{
		{SeedDesign, 0, 10, 0},
		{SeedDesign, 1, 10, 1},
		{SeedDesign, 12, 10, 10},
		{SeedDesign, 12, 100, 12},
		{SeedDesign, 10_000, 10_000, count},
		{Exhaustive, 0, 10_000, count},
		{NSGA2, 0, 10_000, count},
		{Random, 0, 10_000, count},
		{Random, 0, 0, 0},
		{Random, 0, -1, 0},
	} {
		s := newSearcher(t, l, Options{Mode: tt.mode, Budget: tt.budget})
		if got := len(s.Ask(tt.ask)); got != tt.got {
			t.Errorf("%s with budget %d: Ask(%d) gave %d, want %d", tt.mode, tt.budget, tt.ask, got, tt.got)
		}
	}
}

func TestPending(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: Random, Seed: 1})
	asks := s.Ask(2)
	held := space.RankOf(7)
	if err := s.Hold(held); err != nil {
		t.Fatal(err)
	}
	if err := s.Hold(held); err != nil {
		t.Fatal(err)
	}
	if want := []space.Rank{asks[0].Rank, asks[1].Rank, held}; !slices.Equal(s.Pending(), want) {
		t.Errorf("pending %v, want %v", s.Pending(), want)
	}
	tell(t, s, asks[0].Rank, Outcome{Failure: "crash"})
	if want := []space.Rank{asks[1].Rank, held}; !slices.Equal(s.Pending(), want) {
		t.Errorf("after one was told: pending %v, want %v", s.Pending(), want)
	}
	for _, a := range s.Ask(1000) {
		if a.Rank == held {
			t.Error("a held configuration was asked for")
		}
	}
	if err := s.Hold(space.RankOf(442)); err == nil || !strings.Contains(err.Error(), "rank 442 is not in this lattice of 442 configurations") {
		t.Errorf("holding a rank outside the lattice: error %v", err)
	}
}

// History from elsewhere, which this Searcher never asked for, is history.
func TestToldConfigurationsAreNotAskedFor(t *testing.T) {
	l := newLattice(t, smallSpec)
	for _, mode := range []Mode{Exhaustive, SeedDesign, NSGA2, Random} {
		plain := newSearcher(t, l, Options{Mode: mode, Seed: 5, Budget: 442}).Ask(10)
		s := newSearcher(t, l, Options{Mode: mode, Seed: 5, Budget: 442})
		for _, a := range plain {
			tell(t, s, a.Rank, serving(l, a.Rank))
		}
		rest := s.Ask(1000)
		if len(rest) != 432 {
			t.Errorf("%s: %d asks are left, want 432", mode, len(rest))
		}
		for _, a := range rest {
			if slices.ContainsFunc(plain, func(b Ask) bool { return b.Rank == a.Rank }) {
				t.Errorf("%s: %s was told already", mode, a.Rank)
			}
		}
	}
}

func TestTellRefuses(t *testing.T) {
	l := newLattice(t, smallSpec)
	with := func(change func(*Outcome)) Outcome {
		o := measured(1, 2)
		change(&o)
		return o
	}
	for _, tt := range []struct {
		name    string
		rank    space.Rank
		outcome Outcome
		want    string
	}{
		{"a rank outside the lattice", space.RankOf(442), measured(1, 2), "rank 442 is not in this lattice of 442 configurations"},
		{"nothing measured, nothing failed", space.RankOf(1), Outcome{}, "configuration 1: an outcome without points"},
		{"a NaN", space.RankOf(1), measured(math.NaN(), 2), "TTFT of NaN s at 2 tokens/s"},
		{"an infinity", space.RankOf(1), measured(1, math.Inf(1)), "TTFT of 1 s at +Inf tokens/s"},
		{"no time at all", space.RankOf(1), measured(0, 1), "TTFT of 0 s"},
		{"no tokens", space.RankOf(1), measured(1, 0), "at 0 tokens/s"},
		{"a negative error", space.RankOf(1), with(func(o *Outcome) { o.Points[0].TPSSE = -1 }), "standard errors of 0 and -1"},
		{"an unknown error as NaN", space.RankOf(1), with(func(o *Outcome) { o.Points[0].TTFTSE = math.NaN() }), "standard errors of NaN and 0"},
		{"a negative cost", space.RankOf(1), with(func(o *Outcome) { o.CostSeconds = -1 }), "cost of -1 s"},
	} {
		s := newSearcher(t, l, Options{Mode: Random, Seed: 1})
		if err := s.Hold(space.RankOf(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Tell(tt.rank, tt.outcome); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.want)
		}
		if len(s.Pending()) != 1 {
			t.Errorf("%s: the configuration is no longer pending", tt.name)
		}
	}
}

// Odd histories, in every mode: asks go on, each new, and the front says what there is.
func TestOddHistories(t *testing.T) {
	l := newLattice(t, smallSpec)
	fails := func(int, space.Rank) Outcome { return Outcome{Failure: "crash"} }
	for _, tt := range []struct {
		name    string
		outcome func(k int, r space.Rank) Outcome
		told    int // configurations
		times   int // each is told
		front   int // points with P(front) of 0.99 or more
	}{
		{"nothing", fails, 0, 1, 0},
		{"one failure", fails, 1, 1, 0},
		{"all failed", fails, 24, 1, 0},
		{"one observation", func(_ int, r space.Rank) Outcome { return serving(l, r) }, 1, 1, 1},
		{"one told twice, with different values", func(k int, _ space.Rank) Outcome { return measured(1+float64(k), 2+float64(k)) }, 1, 2, 1},
		{"one works, one fails", func(k int, r space.Rank) Outcome {
			if k == 0 {
				return serving(l, r)
			}
			return fails(k, r)
		}, 2, 1, 1},
		{"constant objectives", func(int, space.Rank) Outcome { return measured(1, 1) }, 12, 1, 12},
		{"a front of one point", func(k int, _ space.Rank) Outcome { return measured(1+float64(k), 100/(1+float64(k))) }, 12, 1, 1},
	} {
		for _, mode := range []Mode{Exhaustive, SeedDesign, NSGA2, Random, Hybrid} {
			s := newSearcher(t, l, Options{Mode: mode, Seed: 2, Budget: 40})
			seen := make(map[space.Rank]bool)
			ask := func() space.Rank {
				asks := s.Ask(1)
				if len(asks) != 1 || seen[asks[0].Rank] {
					t.Fatalf("%s, %s: asks %+v", tt.name, mode, asks)
				}
				seen[asks[0].Rank] = true
				return asks[0].Rank
			}
			k := 0
			for range tt.told {
				r := ask()
				for range tt.times {
					tell(t, s, r, tt.outcome(k, r))
					k++
				}
			}
			sure := 0
			for _, p := range s.Front().Points {
				if p.P >= 0.99 {
					sure++
				}
				if p.Launches != tt.times || !positive(p.TTFT) || !positive(p.TPS) {
					t.Errorf("%s, %s: front point %+v", tt.name, mode, p)
				}
			}
			if sure != tt.front {
				t.Errorf("%s, %s: %d points are surely on the front, want %d", tt.name, mode, sure, tt.front)
			}
			if tt.front < 2 && len(s.Confirm(3)) > 0 {
				t.Errorf("%s, %s: something to confirm", tt.name, mode)
			}
			ask()
		}
	}
}

// The caller's points are the caller's.
func TestTellKeepsItsOwnPoints(t *testing.T) {
	l := newLattice(t, smallSpec)
	s := newSearcher(t, l, Options{Mode: NSGA2})
	o := measured(1, 2)
	tell(t, s, space.RankOf(1), o)
	o.Points[0].TTFT = math.NaN()
	if got := s.history.records[space.RankOf(1)].points[0].TTFT; got != 1 {
		t.Errorf("TTFT changed to %v", got)
	}
}
