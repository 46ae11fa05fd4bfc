package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"harness/space"
)

const effectSpec = `
schema: 1
engine: fake
about: for effects
parameters:
  - {name: batch, flag: --batch, kind: ordinal, values: [1, 2, 4, 8], default: 2}
  - {name: policy, flag: --policy, kind: categorical, values: [fcfs, lpm, dfs], default: fcfs}
  - {name: graphs, flag: --graphs, kind: bool, values: [false, true], default: false}
  - {name: idle, flag: --idle, kind: ordinal, values: [1, 2, 3, 4, 5, 6], default: 3}
constraints:
  - {id: R1, class: hard, expr: "batch < 8 or policy != 'dfs'", evidence: "made up"}
`

// measuredEffects tells n configurations of a lattice in which TTFT grows with the batch,
// and with one policy by a half, TPS with graphs by 30 %, and nothing with idle; runs
// differ by 2 %.
func measuredEffects(t *testing.T, l *space.Lattice, n int) []Effect {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	noise := func() float64 { return math.Exp(0.02 * rng.NormFloat64()) }
	var told []Told
	for _, a := range newSearcher(t, l, Options{Mode: Random, Seed: 5}).Ask(n) {
		p := l.Unrank(a.Rank, nil)
		batch, lpm, graphs := value(l, p, "batch"), 0.0, float64(p[2])
		if p[1] == 1 {
			lpm = 1
		}
		o := Outcome{CostSeconds: 1}
		for _, c := range []int{1, 8} {
			o.Points = append(o.Points, Point{TTFT: 0.01 * batch * (1 + lpm/2) * float64(c) * noise(), TPS: 100 * (1 + 0.3*graphs) * noise() * float64(c), TTFTSE: 0.02, TPSSE: 0.02, Load: Load{Concurrency: c}})
		}
		told = append(told, Told{a.Rank, o})
	}
	effects, points, err := Effects(l, told, 1)
	if err != nil {
		t.Fatal(err)
	}
	if effects != nil && points != min(2*n, effectObservations) {
		t.Errorf("fitted to %d points of %d configurations", points, n)
	}
	return effects
}

func TestEffects(t *testing.T) {
	t.Parallel()
	l := newLattice(t, effectSpec)
	truth := map[string][2]map[string]float64{ // ratios to the default, by objective
		"batch":  {{"1": 0.5, "2": 1, "4": 2, "8": 4}, {"1": 1, "2": 1, "4": 1, "8": 1}},
		"policy": {{"fcfs": 1, "lpm": 1.5, "dfs": 1}, {"fcfs": 1, "lpm": 1, "dfs": 1}},
		"graphs": {{"false": 1, "true": 1}, {"false": 1, "true": 1.3}},
		"idle":   {{"1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}, {"1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}},
	}
	effects := measuredEffects(t, l, 60)
	if len(effects) != 4*2*2 {
		t.Fatalf("%d effects, want one for each parameter, load and objective: 16", len(effects))
	}
	held, all := 0, 0
	for _, e := range effects {
		want := truth[e.Param][e.Objective]
		if len(e.Values) != len(want) {
			t.Errorf("%s: %d values, want %d", e.Param, len(e.Values), len(want))
		}
		for _, v := range e.Values {
			ratio := want[v.Value.String()]
			if math.Abs(math.Log(v.Ratio.Value/ratio)) > 0.08 {
				t.Errorf("%s=%s at %v, objective %d: ratio %.3f, and it is %g", e.Param, v.Value, e.Load, e.Objective, v.Ratio.Value, ratio)
			}
			if v.Measured == 0 {
				t.Errorf("%s=%s: not measured", e.Param, v.Value)
			}
			if ratio != 1 || v.Ratio.Low != v.Ratio.High { // not the default itself
				all++
				if v.Ratio.Low <= ratio && ratio <= v.Ratio.High {
					held++
				}
			}
		}
		moves := e.Param == "batch" && e.Objective == 0 || e.Param == "policy" && e.Objective == 0 || e.Param == "graphs" && e.Objective == 1
		if got := e.Factor.Low > 1.05; got != moves || e.Factor.Low < 1 {
			t.Errorf("%s, objective %d: factor %.3f, which moves it: %v", e.Param, e.Objective, e.Factor, moves)
		}
	}
	if float64(held) < 0.8*float64(all) {
		t.Errorf("%d of %d intervals hold the truth", held, all)
	}
}

func TestEffectsNeedMeasurements(t *testing.T) {
	t.Parallel()
	l := newLattice(t, effectSpec)
	if effects := measuredEffects(t, l, SeedSize-1); effects != nil {
		t.Errorf("%d effects of %d configurations", len(effects), SeedSize-1)
	}
	if _, _, err := Effects(l, []Told{{Rank: l.Count()}}, 1); err == nil {
		t.Error("a rank outside the lattice is taken")
	}
	if a, b := measuredEffects(t, l, 20), measuredEffects(t, l, 20); a[0].Factor != b[0].Factor {
		t.Errorf("%v, and then %v", a[0].Factor, b[0].Factor)
	}
}

func BenchmarkEffects(b *testing.B) {
	l := sglang18(b, 8)
	var told []Told
	for _, a := range newSearcher(b, l, Options{Mode: Random, Seed: 5}).Ask(130) {
		o := Outcome{CostSeconds: 1}
		for _, c := range []int{1, 8, 32} {
			p := l.Unrank(a.Rank, nil)
			o.Points = append(o.Points, Point{TTFT: math.Exp(float64(p[0]) - float64(p[3])/2), TPS: 100 + float64(p[5]), Load: Load{Concurrency: c}})
		}
		told = append(told, Told{a.Rank, o})
	}
	for b.Loop() {
		if _, _, err := Effects(l, told, 1); err != nil {
			b.Fatal(err)
		}
	}
}
