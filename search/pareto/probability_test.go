package pareto_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"harness/search/pareto"

	"pgregory.net/rapid"
)

var ttftTPS = pareto.Goals{pareto.Minimise, pareto.Maximise}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestFrontProbability(t *testing.T) {
	se := [2]float64{0.1, 0}

	exact := []pareto.Measured{{Value: pareto.Point{1, 5}}, {Value: pareto.Point{2, 4}}, {Value: pareto.Point{nan, 9}}}
	if got := ttftTPS.FrontProbability(exact, 10, seeded()); !slices.Equal(got, []float64{1, 0, 0}) {
		t.Errorf("exact points: got %v, want [1 0 0]", got)
	}

	unknown := []pareto.Measured{{pareto.Point{1, 5}, [2]float64{nan, -1}}, {pareto.Point{2, 4}, [2]float64{-1, nan}}}
	if got := ttftTPS.FrontProbability(unknown, 10, seeded()); !slices.Equal(got, []float64{1, 0}) {
		t.Errorf("points without standard errors: got %v, want [1 0]", got)
	}

	// Equal in TPS, so that only the faster one is on the front: TTFT 1 beats 1.2
	// with probability Phi(ln 1.2 / (0.1 sqrt 2)) = 0.90133. The third is far behind.
	close := []pareto.Measured{{pareto.Point{1, 5}, se}, {pareto.Point{1.2, 5}, se}, {pareto.Point{9, 1}, se}}
	want := 0.5 * math.Erfc(-math.Log(1.2)/(0.1*math.Sqrt2)/math.Sqrt2)
	got := ttftTPS.FrontProbability(close, 40_000, seeded())
	if math.Abs(got[0]-want) > 0.006 { // 4 standard errors
		t.Errorf("close points: got %v, want %v", got[0], want)
	}
	if math.Abs(got[0]+got[1]-1) > 1e-9 || got[2] != 0 {
		t.Errorf("one of the two is on the front in each draw: got %v", got)
	}
	if again := ttftTPS.FrontProbability(close, 40_000, seeded()); !slices.Equal(got, again) {
		t.Errorf("the same seed gave %v, then %v", got, again)
	}
	if got := ttftTPS.FrontProbability(close[:2], 1, seeded()); math.Abs(got[0]-want) > 1e-15 || math.Abs(got[1]-(1-want)) > 1e-15 {
		t.Errorf("of two points it is exact: got %v, want %v", got, want)
	}
}

func TestDominanceProbability(t *testing.T) {
	at := func(x, y, sx, sy float64) pareto.Measured {
		return pareto.Measured{Value: pareto.Point{x, y}, LogSE: [2]float64{sx, sy}}
	}
	for _, tt := range []struct {
		name string
		a, b pareto.Measured
		want float64
	}{
		{"better in both, exact", at(1, 5, 0, 0), at(2, 4, 0, 0), 1},
		{"better and equal, exact", at(1, 5, 0, 0), at(2, 5, 0, 0), 1},
		{"equal, exact", at(1, 5, 0, 0), at(1, 5, 0, 0), 0},
		{"worse in one, exact", at(1, 4, 0, 0), at(2, 5, 0, 0), 0},
		{"equal in both, with errors", at(1, 5, 0.1, 0.2), at(1, 5, 0.3, 0.1), 0.25},
		{"equal, one objective exact", at(1, 5, 0.1, 0), at(1, 5, 0, 0), 0.5},
		{"worse in an exact objective", at(1, 4, 0.1, 0), at(2, 5, 0.1, 0), 0},
		{"no value", at(nan, 5, 0, 0), at(1, 5, 0, 0), nan},
		{"not above 0", at(0, 5, 0.1, 0), at(1, 5, 0, 0), nan},
		{"infinite", at(1, inf, 0.1, 0), at(1, 5, 0, 0), nan},
	} {
		if got := ttftTPS.DominanceProbability(tt.a, tt.b); !(math.Abs(got-tt.want) < 1e-15 || math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// byQuadrature integrates over the point itself, on a grid of equally probable cells,
// the probability that each of the others fails to dominate it. All have errors.
func byQuadrature(g pareto.Goals, ms []pareto.Measured, i, cells int) float64 {
	sum := 0.0
	for u := range cells {
		for v := range cells {
			var own pareto.Measured
			for k, c := range []int{u, v} {
				z := math.Sqrt2 * math.Erfinv(2*(float64(c)+0.5)/float64(cells)-1)
				own.Value[k] = ms[i].Value[k] * math.Exp(ms[i].LogSE[k]*z)
			}
			p := 1.0
			for j, m := range ms {
				if j != i {
					p *= 1 - g.DominanceProbability(m, own)
				}
			}
			sum += p
		}
	}
	return sum / float64(cells*cells)
}

func TestFrontProbabilityAgreesWithQuadrature(t *testing.T) {
	const draws, cells = 6_000, 40
	rapid.Check(t, func(rt *rapid.T) {
		g := anyGoals(rt)
		one := rapid.Custom(func(rt *rapid.T) pareto.Measured {
			value, se := rapid.Float64Range(0.7, 1.4), rapid.Float64Range(0.05, 0.3)
			return pareto.Measured{Value: pareto.Point{value.Draw(rt, "x"), value.Draw(rt, "y")}, LogSE: [2]float64{se.Draw(rt, "sx"), se.Draw(rt, "sy")}}
		})
		ms := rapid.SliceOfN(one, 2, 4).Draw(rt, "points")
		got := g.FrontProbability(ms, draws, seeded())
		for i := range ms {
			want := byQuadrature(g, ms, i, cells)
			if math.Abs(got[i]-want) > 5*0.5/math.Sqrt(draws)+2./cells/cells {
				rt.Fatalf("point %d: got %v, by quadrature %v", i, got[i], want)
			}
		}
	})
}

func BenchmarkFrontProbability(b *testing.B) {
	rng := seeded()
	ms := make([]pareto.Measured, 200)
	for i := range ms {
		ms[i] = pareto.Measured{Value: pareto.Point{rng.Float64() + 1, rng.Float64() + 1}, LogSE: [2]float64{0.1, 0.05}}
	}
	for b.Loop() {
		ttftTPS.FrontProbability(ms, 2000, seeded())
	}
}
