package gp

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// Classifier says how probable it is that an input has a property which some
// inputs were seen to have and others not. It is a Gaussian process behind a
// probit, by Laplace's approximation (Rasmussen and Williams 2006, algorithms 3.1
// and 3.2). Its kernel adds a linear part, which learns half-spaces from few
// labels, and a Matérn 5/2, which learns what is not linear.
type Classifier struct {
	kernel      mixed
	x           [][]float64
	evidence    float64   // logarithm of the approximate marginal likelihood
	slope       []float64 // of the log likelihood at the mode
	root        []float64 // square roots of its negative curvature there
	chol        cholesky  // of I + root K root
	categorical []bool
}

// labelMean is the prior mean of the latent function: before anything is known,
// an input has the property with a probability of about 0.75.
const labelMean = 1

// mixed is a covariance of labels.
type mixed struct {
	linear, matern, length float64 // variance of each slope and of the rest, and the length scale of that
	categorical            []bool
}

// covariance at two inputs. The linear part takes a category as a pair of
// opposites: alike or not.
func (k mixed) covariance(a, b []float64) float64 {
	dot, r2 := 0.0, 0.0
	for i, category := range k.categorical {
		switch d := a[i] - b[i]; {
		case !category:
			r2 += d * d
			dot += (a[i] - 0.5) * (b[i] - 0.5)
		case d == 0:
			dot += 0.25
		default:
			r2++
		}
	}
	return 1 + k.linear*dot + k.matern*matern(r2/(k.length*k.length))
}

// Classify learns from inputs that have the property (true) and inputs that do
// not. The kernel is the one of some that explains the labels best. It fails on no
// inputs, and on inputs that are not finite or not of the length of categorical.
func Classify(x [][]float64, has []bool, categorical []bool) (*Classifier, error) {
	d := Data{X: x, Y: make([]float64, len(has)), Noise: make([]float64, len(has)), Categorical: categorical}
	for i, h := range has {
		d.Y[i] = -1
		if h {
			d.Y[i] = 1
		}
	}
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	var best *Classifier
	for _, linear := range []float64{0.5, 4, 32} {
		for _, matern := range []float64{0.25, 4} {
			k := mixed{linear, matern, 0.5 * math.Sqrt(float64(len(categorical))), categorical}
			if c := laplace(k, d); c != nil && (best == nil || c.evidence > best.evidence) {
				best = c
			}
		}
	}
	if best == nil {
		return nil, errors.New("no kernel explains the labels")
	}
	return best, nil
}

// laplace finds the mode of the latent function, and the curvature there. It is
// nil where numbers fail.
func laplace(k mixed, d Data) *Classifier {
	n := len(d.Y)
	c := &Classifier{kernel: k, x: d.X, categorical: d.Categorical, slope: make([]float64, n), root: make([]float64, n)}
	cov := make([][]float64, n)
	for i, a := range d.X {
		cov[i] = make([]float64, n)
		for j, b := range d.X {
			cov[i][j] = k.covariance(a, b)
		}
	}
	f, a := make([]float64, n), make([]float64, n) // the latent function less its mean, and cov's inverse times it
	last := math.Inf(-1)
	for range 30 {
		likelihood := c.linearise(f, d.Y)
		c.evidence = likelihood - 0.5*floats.Dot(a, f)
		if !c.factor(cov) || !finite(c.evidence) {
			return nil
		}
		if c.evidence-last < 1e-6 {
			break
		}
		last = c.evidence
		b := make([]float64, n)
		for i := range b {
			b[i] = c.root[i]*c.root[i]*f[i] + c.slope[i]
		}
		t := make([]float64, n)
		for i := range t {
			t[i] = c.root[i] * floats.Dot(cov[i], b)
		}
		t = c.chol.solve(t)
		for i := range a {
			a[i] = b[i] - c.root[i]*t[i]
		}
		for i := range f {
			f[i] = floats.Dot(cov[i], a)
		}
	}
	c.evidence -= 0.5 * c.chol.logDet()
	return c
}

// linearise fills in slope and root at a latent function, and returns the log
// likelihood.
func (c *Classifier) linearise(f, y []float64) float64 {
	sum := 0.0
	for i := range y {
		z := y[i] * (labelMean + f[i])
		logp, ratio := probit(z)
		sum += logp
		c.slope[i] = y[i] * ratio
		c.root[i] = math.Sqrt(max(ratio*(ratio+z), 1e-12))
	}
	return sum
}

// factor computes that of I + root K root.
func (c *Classifier) factor(cov [][]float64) bool {
	b := symmetric(len(cov))
	for i := range cov {
		for j := range i + 1 {
			b.Data[i*b.Stride+j] = c.root[i] * cov[i][j] * c.root[j]
		}
		b.Data[i*b.Stride+i]++
	}
	var ok bool
	c.chol, ok = factorise(b)
	return ok
}

// probit returns the logarithm of the normal distribution function at z, and the
// ratio of its density to it.
func probit(z float64) (logp, ratio float64) {
	if z < -20 { // by the asymptotic expansion of Mills' ratio
		q := 1 / (z * z)
		ratio = -z / (1 - q + 3*q*q)
		return -0.5*z*z - 0.5*math.Log(2*math.Pi) - math.Log(ratio), ratio
	}
	p := 0.5 * math.Erfc(-z/math.Sqrt2)
	return math.Log(p), math.Exp(-0.5*z*z) / math.Sqrt(2*math.Pi) / p
}

// Probability of the property at inputs.
func (c *Classifier) Probability(x [][]float64) []float64 {
	n := len(c.x)
	p := make([]float64, len(x))
	row := make([]float64, n)
	for i, a := range x {
		mean := float64(labelMean)
		for j, b := range c.x {
			k := c.kernel.covariance(a, b)
			mean += k * c.slope[j]
			row[j] = k * c.root[j]
		}
		c.chol.solveRows(row, 1)
		variance := max(c.kernel.covariance(a, a)-floats.Dot(row, row), 0)
		p[i] = 0.5 * math.Erfc(-mean/math.Sqrt(1+variance)/math.Sqrt2)
	}
	return p
}
