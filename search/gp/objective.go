package gp

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// The priors, on logarithms: each a normal distribution. Lengths grow with the
// square root of the number of coordinates, as Hvarfner et al. (2024) have it, but
// are much shorter than theirs (mean sqrt(2), standard deviation sqrt(3)) and more
// alike, and the variance is larger. From few observations the mode under a wide prior
// is far too sure: of what a search had not yet measured near the front it was off by
// 2.4 to 5.5 times the standard deviation that it gave after 12 trials (root mean
// square, on 12 tables: recorded ones, and simulated ones of served models); under this
// prior by 1.1 to 2.8 times, with means as good. A search of a table of served models
// (gpt-oss) took 20 trials instead of 22. Noise: a standard deviation of 5 % of the
// data's, within a factor of e, since repeats of a served load differ by 1 to 10 %
// where configurations differ by factors. BoTorch's prior, of 14 %, took 25 trials
// on a recorded table of served models where this one takes 22.
const (
	lengthMean   = 0 // plus half the logarithm of the number of coordinates
	lengthSD     = 0.6
	varianceMean = 1
	varianceSD   = 1
	noiseMean    = -6
	noiseSD      = 2
)

// objective is the negative log posterior density of the parameters, as a
// function of their logarithms: the lengths, the variance, the noise.
type objective struct {
	data  Data
	y     []float64   // standardised
	noise []float64   // known, standardised
	d2    [][]float64 // squared distances, by coordinate and pair

	at    []float64 // where what follows was computed
	f     float64
	grad  []float64
	cov   blas64.Symmetric
	r2    []float64 // by pair: squared scaled distance
	corr  []float64 // by pair: Matérn correlation
	slope []float64 // by pair: of the correlation
}

func newObjective(d Data) *objective {
	center, scale := standard(d.Y)
	n := len(d.X)
	pairs := n * (n - 1) / 2
	return &objective{
		data: d, y: standardise(d.Y, center, scale), noise: unitNoise(d.Noise, scale), d2: distances(d.X, d.Categorical),
		grad: make([]float64, len(d.Categorical)+2), cov: symmetric(n),
		r2: make([]float64, pairs), corr: make([]float64, pairs), slope: make([]float64, pairs),
	}
}

// starts are where descents begin: at short and long lengths, with little noise.
func starts(d int) [][]float64 {
	var all [][]float64
	for _, length := range []float64{-0.5, 1} {
		start := make([]float64, d+2)
		for i := range d {
			start[i] = length + 0.5*math.Log(float64(d))
		}
		start[d+1] = noiseMean
		all = append(all, start)
	}
	return all
}

func unpack(theta []float64, categorical []bool) (k Kernel, noise float64) {
	d := len(categorical)
	k = Kernel{Categorical: categorical, Lengths: make([]float64, d), Variance: math.Exp(theta[d]), Mean: meanVariance}
	for i := range d {
		k.Lengths[i] = math.Exp(theta[i])
	}
	return k, math.Exp(theta[d+1])
}

func (o *objective) value(theta []float64) float64 {
	o.update(theta)
	return o.f
}

func (o *objective) gradient(grad, theta []float64) {
	o.update(theta)
	copy(grad, o.grad)
}

// update computes f and grad at theta, unless it has.
func (o *objective) update(theta []float64) {
	if slices.Equal(o.at, theta) {
		return
	}
	o.at = append(o.at[:0], theta...)
	o.f = math.Inf(1)
	clear(o.grad)
	if floats.HasNaN(theta) || floats.Max(theta) > 30 || floats.Min(theta) < -30 {
		return
	}
	k, noise := unpack(theta, o.data.Categorical)
	o.covariance(k, noise)
	chol, ok := factorise(o.cov)
	if !ok {
		return
	}
	alpha := chol.solve(o.y)
	o.f = 0.5*floats.Dot(o.y, alpha) + 0.5*chol.logDet() + 0.5*float64(len(o.y))*math.Log(2*math.Pi)
	o.slopes(k, noise, alpha, chol.inverse())
	o.addPriors(theta)
	if !finite(o.f) {
		o.f = math.Inf(1)
	}
}

// covariance fills in cov, corr and slope.
func (o *objective) covariance(k Kernel, noise float64) {
	clear(o.r2)
	for c, l := range k.Lengths {
		floats.AddScaled(o.r2, 1/(l*l), o.d2[c])
	}
	n, p := len(o.y), 0
	for i := range n {
		row := o.cov.Data[i*n : i*n+n]
		for j := range i {
			o.corr[p], o.slope[p] = maternAndSlope(o.r2[p])
			row[j] = k.Mean + k.Variance*o.corr[p]
			p++
		}
		row[i] = k.self() + noise + jitter + o.noise[i]
	}
}

// slopes fills in the gradient of the log likelihood: for a parameter t it is
// half the trace of (inverse - alpha alpha') dK/dt (Rasmussen and Williams 2006,
// equation 5.9), negated. A pair counts twice, for its two places in K.
func (o *objective) slopes(k Kernel, noise float64, alpha []float64, inverse blas64.Symmetric) {
	d, n, p := len(k.Lengths), len(o.y), 0
	byVariance, byNoise := 0.0, 0.0
	weight := o.r2 // of each pair; the distances have served
	for i := range n {
		row := inverse.Data[i*n : i*n+n]
		for j := range i {
			w := k.Variance * (row[j] - alpha[i]*alpha[j])
			byVariance += w * o.corr[p]
			weight[p] = w * o.slope[p]
			p++
		}
		w := 0.5 * (row[i] - alpha[i]*alpha[i])
		byVariance += w * k.Variance
		byNoise += w * noise
	}
	for c, l := range k.Lengths {
		o.grad[c] = floats.Dot(weight, o.d2[c]) / (l * l)
	}
	o.grad[d], o.grad[d+1] = byVariance, byNoise
}

// addPriors adds the priors' part to f and grad, up to a constant.
func (o *objective) addPriors(theta []float64) {
	for i, t := range theta {
		mean, sd := priorOf(i, len(o.data.Categorical))
		z := (t - mean) / sd
		o.f += 0.5 * z * z
		o.grad[i] += z / sd
	}
}

// priorOf is the prior of the i-th parameter of a model of d coordinates.
func priorOf(i, d int) (mean, sd float64) {
	switch i {
	case d:
		return varianceMean, varianceSD
	case d + 1:
		return noiseMean, noiseSD
	}
	return lengthMean + 0.5*math.Log(float64(d)), lengthSD
}
