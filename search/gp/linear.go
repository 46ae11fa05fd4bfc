package gp

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"math"
)

// cholesky is the lower triangular L of a symmetric positive definite matrix L L'.
// gonum's mat.Cholesky estimates a condition number at each use, at a third of
// the cost of a fit; the jitter of a covariance bounds ours.
type cholesky struct{ lower blas64.Triangular }

// symmetric is a new n by n matrix of which the lower triangle counts.
func symmetric(n int) blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Lower, N: n, Stride: n, Data: make([]float64, n*n)}
}

// factorise turns a into its factor, in its place, and returns false where a is
// not positive definite.
func factorise(a blas64.Symmetric) (cholesky, bool) {
	lower, ok := lapack64.Potrf(a)
	return cholesky{lower}, ok
}

// solve returns the inverse of the matrix times b.
func (c cholesky) solve(b []float64) []float64 {
	x := append([]float64(nil), b...)
	v := blas64.Vector{N: len(x), Inc: 1, Data: x}
	blas64.Trsv(blas.NoTrans, c.lower, v)
	blas64.Trsv(blas.Trans, c.lower, v)
	return x
}

// times returns L z.
func (c cholesky) times(z []float64) []float64 {
	x := append([]float64(nil), z...)
	blas64.Trmv(blas.NoTrans, c.lower, blas64.Vector{N: len(x), Inc: 1, Data: x})
	return x
}

// solveRows replaces each row r of count rows by the row (L^-1 r')'.
func (c cholesky) solveRows(rows []float64, count int) {
	n := c.lower.N
	blas64.Trsm(blas.Right, blas.Trans, 1, c.lower, blas64.General{Rows: count, Cols: n, Stride: n, Data: rows})
}

// logDet is the logarithm of the matrix's determinant.
func (c cholesky) logDet() float64 {
	sum := 0.0
	for i := range c.lower.N {
		sum += math.Log(c.lower.Data[i*c.lower.Stride+i])
	}
	return 2 * sum
}

// inverse is that of the matrix, its lower triangle. It uses up the factor.
func (c cholesky) inverse() blas64.Symmetric {
	lapack64.Potri(c.lower)
	return blas64.Symmetric{Uplo: blas.Lower, N: c.lower.N, Stride: c.lower.Stride, Data: c.lower.Data}
}

// Root is the lower triangular root L of a covariance L L'. Where rounding has
// left the covariance not positive definite, it is that of its diagonal.
func Root(cov [][]float64) [][]float64 {
	n := len(cov)
	a := symmetric(n)
	for i := range n {
		copy(a.Data[i*n:i*n+i+1], cov[i])
	}
	chol, ok := factorise(a)
	root := make([][]float64, n)
	for i := range root {
		root[i] = make([]float64, n)
		if ok {
			copy(root[i], chol.lower.Data[i*n:i*n+i+1])
		} else {
			root[i][i] = math.Sqrt(cov[i][i])
		}
	}
	return root
}
