package gp

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

const (
	// jitter is added to the diagonal of covariances, in units of the data's
	// variance: what rounding would else make singular.
	jitter = 1e-6

	// meanVariance is the prior variance of the mean, in units of the data's.
	meanVariance = 1

	// fitIterations bounds one descent. Most end before it.
	fitIterations = 60

	// fitLeast is the number of observations up to which all serve to choose among
	// starts.
	fitLeast = 80
)

// Data are observations of a function.
type Data struct {
	X           [][]float64 // inputs, each with a coordinate for each of Categorical
	Y           []float64   // values
	Noise       []float64   // variance of the known error of each value; 0 = none is known
	Categorical []bool      // by coordinate
}

// validate reports the first fault of the data.
func (d Data) validate() error {
	if len(d.X) == 0 {
		return errors.New("no observations")
	}
	if len(d.Y) != len(d.X) || len(d.Noise) != len(d.X) {
		return fmt.Errorf("%d inputs with %d values and %d noise variances", len(d.X), len(d.Y), len(d.Noise))
	}
	for i, x := range d.X {
		if len(x) != len(d.Categorical) {
			return fmt.Errorf("input %d has %d coordinates: want %d", i, len(x), len(d.Categorical))
		}
		if floats.HasNaN(x) || !finite(d.Y[i]) || !finite(d.Noise[i]) || d.Noise[i] < 0 {
			return fmt.Errorf("observation %d: input %v, value %v, noise variance %v: want finite numbers", i, x, d.Y[i], d.Noise[i])
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Model is a Gaussian process that was fitted to data.
type Model struct {
	Kernel Kernel
	Noise  float64 // variance of the errors that were not known, found by the fit

	data          Data
	center, scale float64   // of the data: the model is of (y - center) / scale
	y             []float64 // so standardised
	noise         []float64 // known variances, in these units
	chol          cholesky  // of the covariance of the data, noise included
	alpha         []float64 // that covariance's inverse times y
}

// Fit finds the kernel and the noise of the highest posterior density, and the
// function given the data. Variances of the Model are in units of the data's
// own variance. It fails on data that are not finite or of unequal lengths, and
// where the covariance is not positive definite to the precision of a float64.
func Fit(d Data) (*Model, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	best, ok := fitKernel(d)
	if !ok {
		return nil, errors.New("no kernel fits the data: their covariance is singular")
	}
	k, noise := unpack(best, d.Categorical)
	return condition(d, k, noise)
}

// fitKernel finds the parameters. Where the data are many it descends from each
// start with a part of them, and from the best place with all.
func fitKernel(d Data) (theta []float64, ok bool) {
	o := newObjective(d.part(fitLeast))
	least := math.Inf(1)
	for _, start := range starts(len(d.Categorical)) {
		if at, f := o.descend(start, fitIterations); f < least {
			theta, least = at, f
		}
	}
	if theta == nil || len(d.Y) <= fitLeast {
		return theta, theta != nil
	}
	if at, f := newObjective(d).descend(theta, fitIterations/4); finite(f) {
		theta = at
	}
	return theta, true
}

// part is n of the observations, evenly from first to last; all where they are
// no more.
func (d Data) part(n int) Data {
	if len(d.Y) <= n {
		return d
	}
	p := Data{Categorical: d.Categorical}
	for k := range n {
		i := k * len(d.Y) / n
		p.X, p.Y, p.Noise = append(p.X, d.X[i]), append(p.Y, d.Y[i]), append(p.Noise, d.Noise[i])
	}
	return p
}

// descend minimises the objective from a start, in so many iterations at most.
func (o *objective) descend(start []float64, iterations int) (at []float64, f float64) {
	problem := optimize.Problem{Func: o.value, Grad: o.gradient}
	settings := &optimize.Settings{
		MajorIterations:   iterations,
		GradientThreshold: 1e-3,
		Converger:         &optimize.FunctionConverge{Absolute: 1e-4, Iterations: 5},
	}
	// An error ends a descent early, as when a line search can gain no more; the
	// place that was reached is as good as others.
	result, _ := optimize.Minimize(problem, start, settings, &optimize.LBFGS{})
	if result == nil || !finite(result.F) {
		return nil, math.Inf(1)
	}
	return result.X, result.F
}

// condition is the Gaussian process of a known kernel given data.
func condition(d Data, k Kernel, noise float64) (*Model, error) {
	m := &Model{Kernel: k, Noise: noise, data: d}
	m.center, m.scale = standard(d.Y)
	m.y = standardise(d.Y, m.center, m.scale)
	m.noise = unitNoise(d.Noise, m.scale)
	cov := k.matrix(d.X)
	for i, v := range m.noise {
		cov.Data[i*cov.Stride+i] += noise + v
	}
	var ok bool
	if m.chol, ok = factorise(cov); !ok {
		return nil, errors.New("the covariance of the data is not positive definite")
	}
	m.alpha = m.chol.solve(m.y)
	return m, nil
}

// standard returns the mean and the standard deviation of y; 1 for one that has none.
func standard(y []float64) (center, scale float64) {
	center, scale = stat.MeanStdDev(y, nil)
	if !(scale > 1e-12*math.Abs(center)) || scale == 0 {
		scale = 1
	}
	return center, scale
}

func standardise(y []float64, center, scale float64) []float64 {
	z := make([]float64, len(y))
	for i, v := range y {
		z[i] = (v - center) / scale
	}
	return z
}

// unitNoise is the variances for standardised data.
func unitNoise(noise []float64, scale float64) []float64 {
	z := make([]float64, len(noise))
	for i, v := range noise {
		z[i] = v / (scale * scale)
	}
	return z
}
