package gp

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
)

// Posterior is the function given its values at the data's inputs and at some
// extra ones: those of its mean there, or of draws from their joint distribution.
// Unlike the Model it has no noise: it passes through them.
type Posterior struct {
	Values [][]float64 // by draw: at the data's inputs, then at the extra ones

	model   *Model
	x       [][]float64
	chol    cholesky    // of the covariance at x, without noise
	weights [][]float64 // by draw: that covariance's inverse times its values
}

// Mean is the posterior in which the function has its mean at the data and at
// extra inputs: one draw.
func (m *Model) Mean(extra [][]float64) *Posterior {
	p := m.newPosterior(extra)
	means, _ := predict(m.Kernel, m.data.X, m.chol, [][]float64{m.alpha}, p.x)
	p.add(means[0])
	return p
}

// Draw returns the posterior in which the function has values at the data and
// at extra inputs that are drawn jointly from its distribution, draws times.
//
// The draws are made by Matheron's rule (Wilson et al., "Efficiently sampling
// functions from Gaussian process posteriors", ICML 2020, equation 9).
func (m *Model) Draw(extra [][]float64, draws int, rng *rand.Rand) *Posterior {
	p := m.newPosterior(extra)
	cross := m.Kernel.cross(p.x, m.data.X)
	residual := make([]float64, len(m.y))
	for range draws {
		value := p.chol.times(normals(len(p.x), rng)) // of the prior
		for i, y := range m.y {
			residual[i] = y - value[i] - math.Sqrt(m.noise[i]+m.Noise)*rng.NormFloat64()
		}
		weight := m.chol.solve(residual)
		for i, row := range cross {
			value[i] += floats.Dot(row, weight)
		}
		p.add(value)
	}
	return p
}

// cross are the covariances of some inputs, a row each, with others.
func (k Kernel) cross(x, others [][]float64) [][]float64 {
	s := k.scale()
	columns := s.rows(others)
	cov := make([][]float64, len(x))
	for i, a := range s.rows(x) {
		cov[i] = make([]float64, len(others))
		for j, b := range columns {
			cov[i][j] = s.covariance(a, b)
		}
	}
	return cov
}

func (m *Model) newPosterior(extra [][]float64) *Posterior {
	p := &Posterior{model: m}
	p.x = append(append(p.x, m.data.X...), extra...)
	p.chol = m.Kernel.factor(p.x)
	return p
}

// add adds a draw of standardised values, which become real ones.
func (p *Posterior) add(value []float64) {
	p.weights = append(p.weights, p.chol.solve(value))
	p.Values = append(p.Values, p.model.real(value))
}

// Predict returns the function's mean in each draw, by draw and input, and its
// variance, which is the same in all, at inputs.
func (p *Posterior) Predict(x [][]float64) (means [][]float64, variance []float64) {
	means, variance = predict(p.model.Kernel, p.x, p.chol, p.weights, x)
	for _, mean := range means {
		p.model.real(mean)
	}
	return means, p.model.realVariance(variance)
}

func normals(n int, rng *rand.Rand) []float64 {
	z := make([]float64, n)
	for i := range z {
		z[i] = rng.NormFloat64()
	}
	return z
}

// Covariance of the function's values at inputs. It is the same in each draw.
func (p *Posterior) Covariance(x [][]float64) [][]float64 {
	cov := p.model.Kernel.cross(x, x)
	explained := p.model.Kernel.cross(x, p.x)
	for _, row := range explained {
		p.chol.solveRows(row, 1)
	}
	for i, row := range cov {
		for j := range row {
			row[j] -= floats.Dot(explained[i], explained[j])
			if i == j {
				row[j] = max(row[j], jitter)
			}
			row[j] *= p.model.scale * p.model.scale
		}
	}
	return cov
}
