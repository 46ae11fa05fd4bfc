package gp

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// golden are values that scikit-learn computed: testdata/golden.py.
type golden struct {
	X, At         [][]float64
	Y, Known      []float64
	Lengths       []float64
	Variance      float64
	Noise         float64
	Mean, Var     []float64
	LogLikelihood float64 `json:"log_likelihood"`
}

func readGolden(t *testing.T) (golden, Data) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g, Data{X: g.X, Y: g.Y, Noise: g.Known, Categorical: []bool{false, false, true}}
}

func (g golden) kernel(d Data) Kernel {
	return Kernel{Categorical: d.Categorical, Lengths: g.Lengths, Variance: g.Variance, Mean: meanVariance}
}

func TestPredictEqualsScikitLearn(t *testing.T) {
	g, d := readGolden(t)
	m, err := condition(d, g.kernel(d), g.Noise)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := m.Predict(g.At)
	for i := range g.At {
		if math.Abs(mean[i]-g.Mean[i]) > 1e-9 || math.Abs(variance[i]-g.Var[i]) > 1e-9 {
			t.Errorf("at %v: mean %v, variance %v; want %v, %v", g.At[i], mean[i], variance[i], g.Mean[i], g.Var[i])
		}
	}
}

func TestLikelihoodEqualsScikitLearn(t *testing.T) {
	g, d := readGolden(t)
	o := newObjective(d)
	theta := logs(append(slices.Clone(g.Lengths), g.Variance, g.Noise))
	prior := 0.0 // up to a constant
	for i, v := range theta {
		mean, sd := priorOf(i, len(g.Lengths))
		prior += 0.5 * (v - mean) * (v - mean) / (sd * sd)
	}
	if got := -(o.value(theta) - prior); math.Abs(got-g.LogLikelihood) > 1e-8 {
		t.Errorf("log likelihood %v, want %v", got, g.LogLikelihood)
	}
}

func logs(x []float64) []float64 {
	for i, v := range x {
		x[i] = math.Log(v)
	}
	return x
}

// wave is a function of two ordered coordinates and a category, with known noise.
func wave(n int, seed uint64) Data {
	rng := rand.New(rand.NewPCG(seed, 0))
	d := Data{Categorical: []bool{false, false, true}}
	for range n {
		x := []float64{rng.Float64(), rng.Float64(), float64(rng.IntN(3))}
		d.X = append(d.X, x)
		d.Y = append(d.Y, 40+10*truth(x))
		d.Noise = append(d.Noise, 0.01*rng.Float64())
	}
	return d
}

func truth(x []float64) float64 { return math.Sin(5*x[0]) + 0.3*x[2] }

func TestGradientEqualsDifferences(t *testing.T) {
	o := newObjective(wave(15, 3))
	rapid.Check(t, func(rt *rapid.T) {
		theta := make([]float64, 5)
		for i := range theta {
			theta[i] = rapid.Float64Range(-3, 3).Draw(rt, "theta")
		}
		grad := make([]float64, len(theta))
		o.gradient(grad, theta)
		for i := range theta {
			const h = 1e-5
			up, down := slices.Clone(theta), slices.Clone(theta)
			up[i] += h
			down[i] -= h
			want := (o.value(up) - o.value(down)) / (2 * h)
			if math.Abs(grad[i]-want) > 1e-4*(1+math.Abs(want)) {
				rt.Fatalf("slope %d at %v: %v, want %v", i, theta, grad[i], want)
			}
		}
	})
}

func TestFitLearnsTheFunction(t *testing.T) {
	d := wave(40, 1)
	m, err := Fit(d)
	if err != nil {
		t.Fatal(err)
	}
	test := wave(200, 2)
	mean, variance := m.Predict(test.X)
	worst, inside := 0.0, 0
	for i, x := range test.X {
		e := math.Abs(mean[i] - (40 + 10*truth(x)))
		worst = max(worst, e)
		if e < 2*math.Sqrt(variance[i]) {
			inside++
		}
	}
	if worst > 2 || inside < 180 {
		t.Errorf("of a function with values from 30 to 56 the worst error is %v, and %d of 200 are within two standard deviations", worst, inside)
	}
	if l := m.Kernel.Lengths; l[1] < 5*l[0] {
		t.Errorf("lengths %v: the second coordinate does not matter, and should have a long one", l)
	}
}

// The same observations in another order are the same model, but for rounding; in
// the same order they are the same to the bit.
func TestFitIsDeterministic(t *testing.T) {
	d := wave(25, 4)
	at := wave(10, 5).X
	predict := func(d Data) []float64 {
		m, err := Fit(d)
		if err != nil {
			t.Fatal(err)
		}
		mean, variance := m.Predict(at)
		return append(mean, variance...)
	}
	first := predict(d)
	if again := predict(d); !slices.Equal(first, again) {
		t.Errorf("first %v, then %v", first, again)
	}
}

// Where draws are many, their mean and variance are those of the model.
func TestDrawsHaveTheModelsMoments(t *testing.T) {
	m, err := Fit(wave(12, 6))
	if err != nil {
		t.Fatal(err)
	}
	extra := wave(3, 7).X
	const draws = 20_000
	p := m.Draw(extra, draws, rand.New(rand.NewPCG(1, 1)))
	x := append(slices.Clone(m.data.X), extra...)
	mean, variance := m.Predict(x)
	for i := range x {
		sum, squares := 0.0, 0.0
		for s := range draws {
			sum += p.Values[s][i]
			squares += (p.Values[s][i] - mean[i]) * (p.Values[s][i] - mean[i])
		}
		sd := math.Sqrt(variance[i])
		if e := math.Abs(sum/draws - mean[i]); e > 5*sd/math.Sqrt(draws) {
			t.Errorf("input %d: mean %v of draws, want %v", i, sum/draws, mean[i])
		}
		if r := squares / draws / variance[i]; r < 0.95 || r > 1.05 {
			t.Errorf("input %d: variance of draws is %v of the model's", i, r)
		}
	}
}

// The law of total variance: over draws, the means and what is left make up what
// the model knows of an input.
func TestPosteriorSplitsTheVariance(t *testing.T) {
	m, err := Fit(wave(12, 8))
	if err != nil {
		t.Fatal(err)
	}
	at := wave(6, 9).X
	const draws = 5000
	p := m.Draw(nil, draws, rand.New(rand.NewPCG(2, 2)))
	means, rest := p.Predict(at)
	mean, variance := m.Predict(at)
	for i := range at {
		spread := 0.0
		for s := range draws {
			spread += (means[s][i] - mean[i]) * (means[s][i] - mean[i]) / draws
		}
		if r := (spread + rest[i]) / variance[i]; r < 0.9 || r > 1.1 {
			t.Errorf("input %d: %v of the means plus %v that is left, want %v", i, spread, rest[i], variance[i])
		}
		if c := p.Covariance(at); math.Abs(c[i][i]-rest[i]) > 1e-9*rest[i] || math.Abs(c[i][0]-c[0][i]) > 1e-12 {
			t.Errorf("input %d: covariance %v, variance %v", i, c[i], rest[i])
		}
	}
}

// A posterior passes through its values.
func TestMeanPassesThroughItsValues(t *testing.T) {
	m, err := Fit(wave(10, 10))
	if err != nil {
		t.Fatal(err)
	}
	p := m.Mean(nil)
	means, variance := p.Predict(m.data.X)
	for i, want := range p.Values[0] {
		if math.Abs(means[0][i]-want) > 1e-3 || variance[i] > 1e-4*m.scale*m.scale {
			t.Errorf("observation %d: mean %v with variance %v, want %v", i, means[0][i], variance[i], want)
		}
	}
}

// Inputs given twice, as when two studies measured the same, are no trouble.
func TestEqualInputs(t *testing.T) {
	d := wave(10, 11)
	d.X, d.Y, d.Noise = append(d.X, d.X...), append(d.Y, d.Y...), append(d.Noise, d.Noise...)
	m, err := Fit(d)
	if err != nil {
		t.Fatal(err)
	}
	p := m.Draw(d.X[:3], 4, rand.New(rand.NewPCG(1, 1)))
	means, variance := p.Predict(wave(5, 12).X)
	for i, v := range variance {
		if !(v > 0) || !finite(means[3][i]) {
			t.Errorf("mean %v, variance %v", means[3][i], v)
		}
	}
}

func TestOddData(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one := [][]float64{{0, 1}}
	two := [][]float64{{0, 1}, {1, 0}}
	for _, tt := range []struct {
		name string
		data Data
		ok   bool
	}{
		{"nothing", Data{}, false},
		{"one observation", Data{one, []float64{3}, []float64{0}, []bool{false, true}}, true},
		{"constant values", Data{two, []float64{3, 3}, []float64{0, 0}, []bool{false, true}}, true},
		{"equal inputs, different values", Data{append(two, two...), []float64{1, 2, 3, 4}, make([]float64, 4), []bool{false, true}}, true},
		{"a NaN value", Data{one, []float64{nan}, []float64{0}, []bool{false, true}}, false},
		{"an infinite value", Data{one, []float64{inf}, []float64{0}, []bool{false, true}}, false},
		{"a negative variance", Data{one, []float64{1}, []float64{-1}, []bool{false, true}}, false},
		{"an infinite variance", Data{one, []float64{1}, []float64{inf}, []bool{false, true}}, false},
		{"a NaN input", Data{[][]float64{{nan, 1}}, []float64{1}, []float64{0}, []bool{false, true}}, false},
		{"fewer values than inputs", Data{two, []float64{1}, []float64{0}, []bool{false, true}}, false},
		{"fewer coordinates", Data{one, []float64{1}, []float64{0}, []bool{false}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Fit(tt.data)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if !tt.ok {
				return
			}
			mean, variance := m.Predict(two)
			for i := range two {
				if !finite(mean[i]) || !(variance[i] > 0) {
					t.Errorf("mean %v, variance %v", mean[i], variance[i])
				}
			}
		})
	}
}

func TestRoot(t *testing.T) {
	got := Root([][]float64{{4, 2}, {2, 5}})
	if want := [][]float64{{2, 0}, {1, 2}}; !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
		t.Errorf("root %v, want %v", got, want)
	}
	got = Root([][]float64{{4, 9}, {9, 4}}) // no covariance
	if want := [][]float64{{2, 0}, {0, 2}}; !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
		t.Errorf("root %v, want %v", got, want)
	}
}
