package search

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"harness/space"
)

// otherSpec is smallSpec with one value less and without a parameter.
var otherSpec = strings.NewReplacer("[8,16,32,64,128]", "[8,16,32,64]", "  - {name: compile, flag: --compile, kind: bool, values: [false,true], default: false}\n", "").Replace(smallSpec)

// priorOf measures n uniform configurations of a lattice.
func priorOf(l *space.Lattice, n int, outcome func(space.Rank) Outcome) Prior {
	p := Prior{Lattice: l}
	rng := rand.New(rand.NewPCG(8, 8))
	for range n {
		r := l.Sample(rng)
		p.Told = append(p.Told, Told{r, outcome(r)})
	}
	return p
}

// areaAfter is what a search with priors has reached after some trials.
func areaAfter(t *testing.T, l *space.Lattice, priors []Prior, trials int) float64 {
	var areas []float64
	for seed := range uint64(5) {
		areas = append(areas, share(t, l, serving, Options{Mode: Hybrid, Seed: seed, Budget: 40, Prior: priors}, trials))
	}
	return median(areas)
}

func TestPriors(t *testing.T) {
	t.Parallel()
	l := newLattice(t, smallSpec)
	other := newLattice(t, otherSpec)
	like := func(r space.Rank) Outcome { // the same shape, half as fast
		o := serving(l, r)
		o.Points[0].TTFT *= 2
		o.Points[0].TPS /= 2
		return o
	}
	// serving knows parameters by position; those of otherSpec are the first four.
	elsewhere := func(r space.Rank) Outcome {
		p, _ := l.PointOf(other.Config(other.Unrank(r, nil)))
		rank, ok := l.Rank(l.Canon(p))
		if !ok {
			return Outcome{Failure: "illegal_config"}
		}
		return like(rank)
	}
	noise := func(r space.Rank) Outcome {
		rng := stream(r.Lo, 77)
		return measured(math.Exp(rng.NormFloat64()), math.Exp(rng.NormFloat64()))
	}
	const trials = 10
	none := areaAfter(t, l, nil, trials)
	same := areaAfter(t, l, []Prior{priorOf(l, 40, func(r space.Rank) Outcome { return serving(l, r) })}, trials)
	related := areaAfter(t, l, []Prior{priorOf(other, 60, elsewhere)}, trials)
	unrelated := areaAfter(t, l, []Prior{priorOf(other, 60, noise)}, trials)
	t.Logf("hypervolume after %d trials: %.3f alone, %.3f with 40 observations of the same lattice, %.3f with a related one, %.3f with noise", trials, none, same, related, unrelated)
	if same < none || related < none-0.02 || unrelated < none-0.05 {
		t.Errorf("alone %v, same %v, related %v, unrelated %v", none, same, related, unrelated)
	}
}

// A prior is no part of what was told.
func TestPriorsAreNotTold(t *testing.T) {
	l := newLattice(t, pairSpec)
	p := priorOf(l, 20, func(space.Rank) Outcome { return measured(1, 1) })
	s := newSearcher(t, l, Options{Mode: Hybrid, Seed: 1, Prior: []Prior{p}})
	if n := len(s.Ask(9)); n != 3 {
		t.Errorf("%d asks, want all 3", n)
	}
	if f := s.Front(); len(f.Points) != 0 {
		t.Errorf("front %+v of nothing told", f)
	}
}

func TestPriorsRefused(t *testing.T) {
	l := newLattice(t, pairSpec)
	for _, tt := range []struct {
		prior Prior
		want  string
	}{
		{Prior{}, "without a lattice"},
		{Prior{Lattice: l, Told: []Told{{space.RankOf(3), measured(1, 1)}}}, "rank 3 is not in this lattice"},
		{Prior{Lattice: l, Told: []Told{{space.RankOf(1), measured(math.NaN(), 1)}}}, "configuration 1: TTFT of NaN"},
	} {
		if _, err := New(l, Options{Mode: Hybrid, Prior: []Prior{tt.prior}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

func TestFollow(t *testing.T) {
	for _, tt := range []struct {
		name     string
		y, trend []float64
		want     float64
	}{
		{"twice the trend", []float64{2, 4, 6, 8, 10}, []float64{1, 2, 3, 4, 5}, 2},
		{"too few", []float64{2, 4, 6, 8}, []float64{1, 2, 3, 4}, 0},
		{"against it", []float64{5, 4, 3, 2, 1}, []float64{1, 2, 3, 4, 5}, 0},
		{"hardly like it", []float64{2, 5, 1, 4, 3}, []float64{1, 2, 3, 4, 5}, 0},
		{"a constant trend", []float64{5, 4, 3, 2, 1}, []float64{1, 1, 1, 1, 1}, 0},
		{"constant values", []float64{1, 1, 1, 1, 1}, []float64{1, 2, 3, 4, 5}, 0},
	} {
		if got := follow(tt.y, tt.trend); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: slope %v, want %v", tt.name, got, tt.want)
		}
	}
}
