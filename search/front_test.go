package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"harness/search/pareto"
	"harness/space"
)

// noisy is what serving measures with relative errors of 10 and 5 %.
func noisy(l *space.Lattice, r space.Rank, rng *rand.Rand) Outcome {
	o := serving(l, r)
	p := &o.Points[0]
	p.TTFTSE, p.TPSSE = 0.1, 0.05
	p.TTFT *= math.Exp(p.TTFTSE * rng.NormFloat64())
	p.TPS *= math.Exp(p.TPSSE * rng.NormFloat64())
	return o
}

// A probability is calibrated if, of the points that have it, such a share truly
// is on the front of what was measured. Confirmation makes few of them wrong.
func TestFrontIsCalibrated(t *testing.T) {
	quality(t)
	t.Parallel()
	l := newLattice(t, smallSpec)
	type bin struct{ expected, seen, n float64 }
	var bins [4]bin
	var before, after, runs float64 // points reported with P of a half or more that are dominated
	hvInside := 0
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := newSearcher(t, l, Options{Mode: Random, Seed: seed})
		var told []pareto.Point
		truth := make(map[space.Rank]pareto.Point)
		for _, a := range s.Ask(40) {
			tell(t, s, a.Rank, noisy(l, a.Rank, rng))
			truth[a.Rank] = serving(l, a.Rank).Points[0].costs()
			told = append(told, truth[a.Rank])
		}
		wrong := func(f Front) (n float64) {
			for _, p := range f.Points {
				if p.P >= 0.5 && dominated(truth[p.Rank], told) {
					n++
				}
			}
			return n
		}
		f := s.Front()
		before += wrong(f)
		for _, p := range f.Points {
			b := &bins[min(3, int(4*p.P))]
			b.n++
			b.expected += p.P
			if !dominated(truth[p.Rank], told) {
				b.seen++
			}
		}
		area := costGoals.Hypervolume(told, pareto.Point{math.Log(f.RefTTFT), -math.Log(f.RefTPS)})
		if f.HVLow <= area && area <= f.HVHigh {
			hvInside++
		}
		for range 2 {
			for _, a := range s.Confirm(5) {
				if a.Purpose != "confirm" || a.Source != SourceDoubt {
					t.Fatalf("%+v", a)
				}
				tell(t, s, a.Rank, noisy(l, a.Rank, rng))
			}
		}
		after += wrong(s.Front())
		runs++
	}
	for i, b := range bins {
		t.Logf("P from %d/4: expected %.2f, seen %.2f of %.0f", i, b.expected/b.n, b.seen/b.n, b.n)
		// 0.1, and three standard errors of the share in so few points
		if d := math.Abs(b.expected-b.seen) / b.n; d > 0.1+3*math.Sqrt(0.25/b.n) {
			t.Errorf("P from %d/4: expected %.2f, seen %.2f of %.0f", i, b.expected/b.n, b.seen/b.n, b.n)
		}
	}
	t.Logf("dominated points in a front: %.2f, after ten confirming launches %.2f; the 90 %% interval of the hypervolume has the true one in %d of %.0f runs", before/runs, after/runs, hvInside, runs)
	if after/runs > 1.25 {
		t.Errorf("dominated points in a front: %.2f, after confirmation %.2f", before/runs, after/runs)
	}
	if hvInside < 4 {
		t.Errorf("the 90 %% interval of the hypervolume has the true one in %d of 6 runs", hvInside)
	}
}

func dominated(p pareto.Point, by []pareto.Point) bool {
	for _, q := range by {
		if costGoals.Dominates(q, p) {
			return true
		}
	}
	return false
}

func TestFrontOfFew(t *testing.T) {
	l := newLattice(t, smallSpec)
	exact := func(ttft, tps float64) Outcome {
		return Outcome{Points: []Point{{TTFT: ttft, TPS: tps, TTFTSE: 1e-9, TPSSE: 1e-9}}}
	}
	for _, tt := range []struct {
		name string
		told []Outcome
		want []uint64 // ranks on the front
	}{
		{"nothing told", nil, nil},
		{"all failed", []Outcome{{Failure: "crash"}, {Failure: "oom_load"}}, nil},
		{"one observation", []Outcome{exact(1, 2)}, []uint64{0}},
		{"one that dominates", []Outcome{exact(2, 1), exact(1, 2), exact(3, 1)}, []uint64{1}},
		{"constant objectives", []Outcome{exact(1, 1), exact(1, 1), exact(1, 1)}, []uint64{0, 1, 2}},
		{"a trade", []Outcome{exact(1, 1), exact(2, 2), {Failure: "crash"}}, []uint64{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSearcher(t, l, Options{Mode: Random, Seed: 1})
			for r, o := range tt.told {
				tell(t, s, space.RankOf(uint64(r)), o)
			}
			f := s.Front()
			got := make(map[uint64]bool)
			for _, p := range f.Points {
				if p.P > 0.3 {
					got[p.Rank.Lo] = true
				}
				if !finite(p.TTFT) || !finite(p.TPS) || p.P < 0 || p.P > 1 {
					t.Errorf("point %+v", p)
				}
			}
			for _, r := range tt.want {
				if !got[r] {
					t.Errorf("front %+v lacks %d", f.Points, r)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("front %+v, want %v", f.Points, tt.want)
			}
			if !(f.HVLow <= f.HV && f.HV <= f.HVHigh) {
				t.Errorf("hypervolume %v from %v to %v", f.HV, f.HVLow, f.HVHigh)
			}
		})
	}
}

// Confirm names told configurations, each once while it is pending, and the same
// whatever the order of telling.
func TestConfirmAsksForDoubts(t *testing.T) {
	l := newLattice(t, smallSpec)
	rng := rand.New(rand.NewPCG(3, 3))
	first, second := newSearcher(t, l, Options{Mode: Random, Seed: 1}), newSearcher(t, l, Options{Mode: Random, Seed: 1})
	asks := first.Ask(30)
	outcomes := make([]Outcome, len(asks))
	for i, a := range asks {
		outcomes[i] = noisy(l, a.Rank, rng)
		tell(t, first, a.Rank, outcomes[i])
	}
	for i := len(asks) - 1; i >= 0; i-- {
		tell(t, second, asks[i].Rank, outcomes[i])
	}
	got, want := first.Confirm(4), second.Confirm(4)
	if len(got) != 4 {
		t.Fatalf("%d confirmations", len(got))
	}
	seen := make(map[space.Rank]bool)
	for i, a := range got {
		if a != want[i] {
			t.Errorf("ask %+v, told in another order %+v", a, want[i])
		}
		if seen[a.Rank] || !first.history.told.has(a.Rank) {
			t.Errorf("ask %+v: not told, or twice", a)
		}
		seen[a.Rank] = true
	}
	if n := len(first.Pending()); n != 4 {
		t.Errorf("%d pending, want 4", n)
	}
	for _, a := range first.Ask(1) {
		if seen[a.Rank] {
			t.Error("Ask gave a configuration that is told")
		}
	}
}

// The likeliest points are sure as long as no more than one of them is dominated, with a
// probability of 0.9. Points that are wrong in the same draws count less than points
// that are wrong in turns.
func TestSure(t *testing.T) {
	in := func(from, to int) func(int) bool { return func(s int) bool { return s >= from && s < to } }
	always, never := in(0, doubtDraws), in(0, 0)
	for _, tt := range []struct {
		name string
		on   []func(draw int) bool
		want []bool
	}{
		{"nothing", nil, []bool{}},
		{"less than even", []func(int) bool{in(0, 490)}, []bool{false}},
		{"one in doubt", []func(int) bool{in(0, 500), always, never}, []bool{true, true, false}},
		{"two wrong in 8 %", []func(int) bool{in(80, 1000), in(80, 1000), always}, []bool{true, true, true}},
		{"two wrong in 20 %", []func(int) bool{in(200, 1000), in(200, 1000), always}, []bool{true, false, true}},
		{"two wrong in turns", []func(int) bool{in(200, 1000), in(0, 800), always}, []bool{true, true, true}},
	} {
		d := &doubt{samples: make([]sample, len(tt.on))}
		for _, is := range tt.on {
			on, n := make([]bool, doubtDraws), 0.0
			for s := range on {
				if on[s] = is(s); on[s] {
					n++
				}
			}
			d.on, d.p = append(d.on, on), append(d.p, n/doubtDraws)
		}
		if got := d.sure(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: sure %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Costs that deviate together are found to, through errors, and so are those that do not.
func TestTogetherness(t *testing.T) {
	l := newLattice(t, smallSpec)
	for _, tt := range []struct{ sign, lo, hi float64 }{{1, 0.6, 1}, {-1, -1, 0.2}} {
		s := newSearcher(t, l, Options{Mode: Random, Seed: 1})
		rng := rand.New(rand.NewPCG(1, 1))
		for _, a := range s.Ask(50) {
			own := 0.3 * rng.NormFloat64()
			o := noisy(l, a.Rank, rng)
			o.Points[0].TTFT *= math.Exp(own)
			o.Points[0].TPS *= math.Exp(-tt.sign * own)
			tell(t, s, a.Rank, o)
		}
		if r := togetherness(newOutlook(s.history, s.encoder, 1).costs); r < tt.lo || r > tt.hi {
			t.Errorf("deviations of sign %v: correlation %v", tt.sign, r)
		}
	}
	normal := jointNormals(4000, 1, 0.6, stream(1, 1))
	sum := 0.0
	for s, first := range normal[0] {
		sum += first[0] * normal[1][s][0] / 4000
	}
	if math.Abs(sum-0.6) > 0.06 { // three standard errors
		t.Errorf("normals correlate by %v, want 0.6", sum)
	}
}
