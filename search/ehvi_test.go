package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"harness/search/pareto"

	"pgregory.net/rapid"
)

// improvement is by how much one more point makes the dominated area grow.
func improvement(front []pareto.Point, ref, p pareto.Point) float64 {
	with := append(append([]pareto.Point{}, front...), p)
	return costGoals.Hypervolume(with, ref) - costGoals.Hypervolume(front, ref)
}

// integral is the expected improvement by the midpoint rule over eight standard
// deviations to each side.
func integral(front []pareto.Point, ref pareto.Point, b belief) float64 {
	const steps = 400
	sum := 0.0
	weight := func(k int) (z, w float64) {
		z = -8 + 16*(float64(k)+0.5)/steps
		return z, density(z) * 16 / steps
	}
	for i := range steps {
		x, wx := weight(i)
		for j := range steps {
			y, wy := weight(j)
			sum += wx * wy * improvement(front, ref, pareto.Point{b.mean[0] + b.sd[0]*x, b.mean[1] + b.sd[1]*y})
		}
	}
	return sum
}

var (
	someFront = []pareto.Point{{-2, 1}, {-1, 0.2}, {0.5, -0.4}, {0.6, -2}}
	someRef   = pareto.Point{2, 3}
)

func TestEHVIEqualsIntegral(t *testing.T) {
	quality(t)
	for _, tt := range []struct {
		name  string
		front []pareto.Point
		b     belief
	}{
		{"no front", nil, belief{[2]float64{0, 0}, [2]float64{1, 1}}},
		{"one point", someFront[:1], belief{[2]float64{0, 0}, [2]float64{1, 0.5}}},
		{"amid a front", someFront, belief{[2]float64{-0.5, 0}, [2]float64{0.7, 0.4}}},
		{"behind it", someFront, belief{[2]float64{1, 2}, [2]float64{0.5, 0.9}}},
		{"before it", someFront, belief{[2]float64{-3, -3}, [2]float64{0.2, 0.3}}},
		{"beyond the reference", someFront, belief{[2]float64{3, -3}, [2]float64{0.8, 0.3}}},
	} {
		got, want := ehvi(tt.front, someRef, tt.b), integral(tt.front, someRef, tt.b)
		if math.Abs(got-want) > 1e-3*(want+0.01) {
			t.Errorf("%s: %v, want %v", tt.name, got, want)
		}
	}
}

func TestEHVIEqualsMonteCarlo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := belief{[2]float64{-0.2, 0.1}, [2]float64{0.9, 0.6}}
	const draws = 200_000
	sum, squares := 0.0, 0.0
	for range draws {
		d := improvement(someFront, someRef, pareto.Point{b.mean[0] + b.sd[0]*rng.NormFloat64(), b.mean[1] + b.sd[1]*rng.NormFloat64()})
		sum += d
		squares += d * d
	}
	mean := sum / draws
	se := math.Sqrt((squares/draws - mean*mean) / draws)
	if got := ehvi(someFront, someRef, b); math.Abs(got-mean) > 4*se {
		t.Errorf("%v, want %v +- %v", got, mean, se)
	}
}

// A sure point gains what it gains, one that is hopeless nothing, and it is never
// below 0 however far off.
func TestEHVIAtTheLimits(t *testing.T) {
	sure := func(x, y float64) belief { return belief{[2]float64{x, y}, [2]float64{1e-9, 1e-9}} }
	for _, p := range []pareto.Point{{-3, -3}, {0, 0}, {-1.5, 0.5}, {1, -3}, {0.55, -1}} {
		if got, want := ehvi(someFront, someRef, sure(p[0], p[1])), improvement(someFront, someRef, p); math.Abs(got-want) > 1e-7 {
			t.Errorf("at %v: %v, want %v", p, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		at := func(name string) float64 { return rapid.Float64Range(-40, 40).Draw(rt, name) }
		b := belief{[2]float64{at("x"), at("y")}, [2]float64{math.Exp(at("sx") / 8), math.Exp(at("sy") / 8)}}
		got := ehvi(someFront, someRef, b)
		if math.IsNaN(got) || got < -1e-12 {
			rt.Fatalf("%+v: %v", b, got)
		}
		without := ehvi(someFront[:2], someRef, b)
		if got > without*(1+1e-9)+1e-12 {
			rt.Fatalf("%+v: a longer front leaves %v to gain, a shorter one %v", b, got, without)
		}
	})
}

// Many standard deviations from any gain there is still an order to go by.
func TestEHVIFarOff(t *testing.T) {
	last := math.Inf(1)
	for x := 0.0; x < 26; x++ {
		got := ehvi(nil, pareto.Point{0, 0}, belief{[2]float64{x, x}, [2]float64{1, 1}})
		if !(got > 0) || got >= last {
			t.Fatalf("%v standard deviations off: %v, before %v", x, got, last)
		}
		last = got
	}
}

func BenchmarkEHVI(b *testing.B) {
	var front []pareto.Point
	for i := range 30 {
		front = append(front, pareto.Point{float64(i), -float64(i)})
	}
	for b.Loop() {
		ehvi(front, pareto.Point{40, 10}, belief{[2]float64{12.5, -12.5}, [2]float64{2, 3}})
	}
}
