package gp

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

// Truth draws what the function's own values at the data's inputs may be, given
// the observations: by draw and input.
//
// Where the error of an observation is known, what the fit found beyond it is
// taken as the function's: a deviation of that input from the smooth rest. Where
// it is not known, it is taken as the observation's error. So a value that is known
// well stays where it was observed, and others shrink towards what their
// neighbours say: the more, the less is known of them.
//
// A draw takes a row of standard normals, of which each input has one: two functions
// whose rows are correlated deviate together. The errors' come from rng.
func (m *Model) Truth(normal [][]float64, rng *rand.Rand) [][]float64 {
	n := len(m.y)
	cov := m.Kernel.cross(m.data.X, m.data.X)
	lower := symmetric(n)
	sd := make([]float64, n) // of errors
	for i, known := range m.noise {
		if known > 0 {
			cov[i][i] += m.Noise
			sd[i] = math.Sqrt(known)
		} else {
			sd[i] = math.Sqrt(m.Noise)
		}
		cov[i][i] += jitter
		copy(lower.Data[i*n:i*n+i+1], cov[i])
	}
	root, ok := factorise(lower)
	values := make([][]float64, len(normal))
	for s := range values {
		if !ok { // rounding: the observations are all that there is
			values[s] = m.real(append([]float64(nil), m.y...))
			continue
		}
		value := root.times(normal[s])
		residual := make([]float64, n)
		for i, y := range m.y {
			residual[i] = y - value[i] - sd[i]*rng.NormFloat64()
		}
		weight := m.chol.solve(residual)
		for i, row := range cov {
			value[i] += floats.Dot(row, weight)
		}
		values[s] = m.real(value)
	}
	return values
}

// Surprises are the distance of each observation from what all others let expect, in
// standard deviations, and the share of the variance of that which is the function's,
// not the known error's: leave-one-out in closed form (Rasmussen and Williams 2006,
// equations 5.10 to 5.12).
func (m *Model) Surprises() (z, share []float64) {
	n := len(m.y)
	z, share = make([]float64, n), make([]float64, n)
	unit := make([]float64, n)
	for i, v := range m.noise {
		clear(unit)
		unit[i] = 1
		precision := m.chol.solve(unit)[i]
		if v == 0 {
			v = m.Noise
		}
		z[i] = m.alpha[i] / math.Sqrt(precision)
		share[i] = max(0, 1-v*precision)
	}
	return z, share
}
