package gp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// labelled draws inputs and says which have a property.
func labelled(n int, seed uint64, has func([]float64) bool) (x [][]float64, labels []bool) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for range n {
		a := []float64{rng.Float64(), rng.Float64(), rng.Float64(), float64(rng.IntN(3))}
		x, labels = append(x, a), append(labels, has(a))
	}
	return x, labels
}

var fourth = []bool{false, false, false, true}

func TestClassifierLearns(t *testing.T) {
	for _, tt := range []struct {
		name  string
		has   func([]float64) bool
		right int // of 200, at least
	}{
		{"a half-space", func(x []float64) bool { return x[0]+x[1] < 1.2 }, 180},
		{"a category", func(x []float64) bool { return x[3] != 1 }, 190},
		{"an interval", func(x []float64) bool { return math.Abs(x[0]-0.5) < 0.3 }, 130},
		{"always", func([]float64) bool { return true }, 200},
		{"never", func([]float64) bool { return false }, 200},
	} {
		x, labels := labelled(60, 1, tt.has)
		c, err := Classify(x, labels, fourth)
		if err != nil {
			t.Fatal(err)
		}
		at, want := labelled(200, 2, tt.has)
		right := 0
		for i, p := range c.Probability(at) {
			if !(p >= 0 && p <= 1) {
				t.Fatalf("%s: probability %v", tt.name, p)
			}
			if (p > 0.5) == want[i] {
				right++
			}
		}
		if right < tt.right {
			t.Errorf("%s: %d of 200 right, want %d", tt.name, right, tt.right)
		}
	}
}

// Of inputs with a probability, such a share has the property.
func TestClassifierIsCalibrated(t *testing.T) {
	var expected, seen, n [4]float64
	for seed := range uint64(20) {
		has := func(x []float64) bool { return x[0]+0.7*x[1] < 1 }
		x, labels := labelled(20, 100+seed, has)
		c, err := Classify(x, labels, fourth)
		if err != nil {
			t.Fatal(err)
		}
		at, want := labelled(200, 200+seed, has)
		for i, p := range c.Probability(at) {
			b := min(3, int(4*p))
			expected[b] += p
			n[b]++
			if want[i] {
				seen[b]++
			}
		}
	}
	for b := range n {
		if d := math.Abs(expected[b]-seen[b]) / n[b]; d > 0.2 {
			t.Errorf("probabilities from %d/4: expected %.2f, seen %.2f of %.0f", b, expected[b]/n[b], seen[b]/n[b], n[b])
		}
	}
}

// The evidence of a single label is the probability that the prior gives it.
func TestEvidenceOfOneLabel(t *testing.T) {
	k := mixed{linear: 0.5, matern: 0.25, length: 1, categorical: []bool{false}}
	d := Data{X: [][]float64{{0.5}}, Y: []float64{1}, Noise: []float64{0}, Categorical: k.categorical}
	c := laplace(k, d)
	want := cdf(labelMean / math.Sqrt(1+k.covariance(d.X[0], d.X[0])))
	if got := math.Exp(c.evidence); math.Abs(got-want) > 0.02 { // Laplace's approximation is not exact
		t.Errorf("evidence %v, want %v", got, want)
	}
}

func cdf(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

func TestProbit(t *testing.T) {
	// norm.logcdf(z) and exp(norm.logpdf(z) - norm.logcdf(z)) of scipy 1.17.1
	for _, tt := range []struct{ z, logp, ratio float64 }{
		{0, -0.6931471805599453, 0.7978845608028654},
		{-3, -6.60772622151035, 3.28309865493044},
		{-25, -316.63940800802027, 25.0398730120583},
		{5, -2.8665161296376294e-07, 1.486719940904906e-06},
	} {
		logp, ratio := probit(tt.z)
		if math.Abs(logp-tt.logp) > 1e-6*math.Abs(tt.logp) || math.Abs(ratio-tt.ratio) > 1e-6*tt.ratio {
			t.Errorf("at %v: %v, %v; want %v, %v", tt.z, logp, ratio, tt.logp, tt.ratio)
		}
	}
}

func TestClassifyRefuses(t *testing.T) {
	if _, err := Classify(nil, nil, fourth); err == nil {
		t.Error("no labels: no error")
	}
	if _, err := Classify([][]float64{{0, 0, 0, math.NaN()}}, []bool{true}, fourth); err == nil {
		t.Error("a NaN: no error")
	}
}

// A value that is known well stays; one that is not moves towards its neighbours.
func TestTruthShrinks(t *testing.T) {
	d := Data{Categorical: []bool{false}}
	for i := range 11 {
		x := float64(i) / 10
		d.X, d.Y, d.Noise = append(d.X, []float64{x}), append(d.Y, math.Sin(2*x)), append(d.Noise, 0.01)
	}
	d.Y[5]++ // lucky, and known badly
	d.Noise[5] = 0.25
	lucky := moments(t, d, 5)
	d.Noise[5] = 1e-8 // truly so
	true5 := moments(t, d, 5)
	if lucky > math.Sin(1)+0.6 {
		t.Errorf("a lucky value of %v is expected at %v, want it near %v", d.Y[5], lucky, math.Sin(1))
	}
	if math.Abs(true5-d.Y[5]) > 0.01 {
		t.Errorf("an exact value of %v is expected at %v", d.Y[5], true5)
	}
}

// What is known to be exact stays, however unlike its neighbours it is.
func TestTruthKeepsWhatIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	d := Data{Categorical: []bool{false}}
	for i := range 30 {
		x := float64(i/2) / 15 // two of each
		d.X, d.Y, d.Noise = append(d.X, []float64{x}), append(d.Y, math.Sin(2*x)+0.3*rng.NormFloat64()), append(d.Noise, 1e-9)
	}
	for _, i := range []int{0, 7, 20} {
		if got := moments(t, d, i); math.Abs(got-d.Y[i]) > 0.01 {
			t.Errorf("observation %d, an exact %v, is expected at %v", i, d.Y[i], got)
		}
	}
}

// moments is the mean of an observation's own value.
func moments(t *testing.T, d Data, i int) (mean float64) {
	m, err := Fit(d)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 4000
	rng := rand.New(rand.NewPCG(1, 1))
	normal := make([][]float64, draws)
	for s := range normal {
		normal[s] = normals(len(d.Y), rng)
	}
	for _, v := range m.Truth(normal, rng) {
		mean += v[i] / draws
	}
	return mean
}
