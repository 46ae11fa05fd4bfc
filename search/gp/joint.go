package gp

import "gonum.org/v1/gonum/floats"

// Joint returns the mean and the covariance of the latent function at inputs, given the
// data with their noise: what Predict tells of each alone.
func (m *Model) Joint(x [][]float64) (mean []float64, cov [][]float64) {
	n := len(m.data.X)
	explained := make([]float64, 0, len(x)*n)
	for _, row := range m.Kernel.cross(x, m.data.X) {
		mean = append(mean, floats.Dot(row, m.alpha))
		explained = append(explained, row...)
	}
	m.chol.solveRows(explained, len(x))
	cov = m.Kernel.cross(x, x)
	for i, row := range cov {
		for j := range row {
			row[j] -= floats.Dot(explained[i*n:i*n+n], explained[j*n:j*n+n])
			if i == j {
				row[j] = max(row[j], 0) + jitter
			}
			row[j] *= m.scale * m.scale
		}
	}
	return m.real(mean), cov
}
