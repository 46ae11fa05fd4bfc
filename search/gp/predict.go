package gp

import "gonum.org/v1/gonum/floats"

// Predict returns the mean and the variance of the latent function at inputs:
// without the noise that an observation there would have.
func (m *Model) Predict(x [][]float64) (mean, variance []float64) {
	means, variance := predict(m.Kernel, m.data.X, m.chol, [][]float64{m.alpha}, x)
	return m.real(means[0]), m.realVariance(variance)
}

// real turns standardised values into those of the data, in place.
func (m *Model) real(z []float64) []float64 {
	for i := range z {
		z[i] = m.center + m.scale*z[i]
	}
	return z
}

func (m *Model) realVariance(v []float64) []float64 {
	floats.Scale(m.scale*m.scale, v)
	return v
}

// predictBlock is the number of inputs that are predicted at once: few enough
// that their covariances with the data stay in a cache.
const predictBlock = 64

// predict returns, at inputs x, the mean for each vector of weights of the data,
// and the variance that the factor of the data's covariance leaves.
func predict(k Kernel, data [][]float64, chol cholesky, weights [][]float64, x [][]float64) (means [][]float64, variance []float64) {
	n := len(data)
	for range weights {
		means = append(means, make([]float64, len(x)))
	}
	variance = make([]float64, len(x))
	s := k.scale()
	known := s.rows(data)
	rows := make([]float64, predictBlock*n)
	for at := 0; at < len(x); at += predictBlock {
		block := s.rows(x[at:min(at+predictBlock, len(x))])
		for j, a := range block {
			row := rows[j*n : j*n+n]
			for i, b := range known {
				row[i] = s.covariance(a, b)
			}
			for draw, w := range weights {
				means[draw][at+j] = floats.Dot(row, w)
			}
		}
		// A row c becomes (L^-1 c')', whose squared length the data explain.
		chol.solveRows(rows, len(block))
		for j := range block {
			row := rows[j*n : j*n+n]
			variance[at+j] = max(k.self()-floats.Dot(row, row), jitter)
		}
	}
	return means, variance
}
