package gp

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// A Kernel is a Matérn 5/2 covariance with a length scale for each coordinate,
// and a constant part that stands for the unknown mean.
type Kernel struct {
	Categorical []bool    // by coordinate: values are equal or not; else their distance counts
	Lengths     []float64 // length scale of each coordinate, above 0
	Variance    float64   // of the function around its mean
	Mean        float64   // variance of the mean
}

// self is the covariance of the function with itself at one input.
func (k Kernel) self() float64 { return k.Mean + k.Variance }

// matrix is the covariance of the function at inputs, with jitter.
func (k Kernel) matrix(x [][]float64) blas64.Symmetric {
	s := k.scale()
	rows := s.rows(x)
	cov := symmetric(len(x))
	for i, a := range rows {
		for j, b := range rows[:i] {
			cov.Data[i*cov.Stride+j] = s.covariance(a, b)
		}
		cov.Data[i*cov.Stride+i] = k.self() + jitter
	}
	return cov
}

// factor is that of the function's covariance at inputs. Where rounding has left
// it not positive definite, as with inputs that are nearly equal, jitter grows
// until it is.
func (k Kernel) factor(x [][]float64) cholesky {
	for extra := 0.0; ; extra = max(10*extra, jitter*k.self()) {
		cov := k.matrix(x)
		for i := range x {
			cov.Data[i*cov.Stride+i] += extra
		}
		if chol, ok := factorise(cov); ok || extra > 1e6*k.self() {
			return chol
		}
	}
}

// scaled is a kernel that works on rows made for it: ordered coordinates in
// units of their lengths, then categories. It is where the time goes.
type scaled struct {
	kernel              Kernel
	ordered, categories []int
	weight              []float64 // squared distance of two different values, by position in categories
}

func (k Kernel) scale() scaled {
	s := scaled{kernel: k}
	for i, category := range k.Categorical {
		if category {
			s.categories = append(s.categories, i)
			s.weight = append(s.weight, 1/(k.Lengths[i]*k.Lengths[i]))
		} else {
			s.ordered = append(s.ordered, i)
		}
	}
	return s
}

func (s scaled) rows(x [][]float64) [][]float64 {
	all := make([]float64, 0, len(x)*len(s.kernel.Lengths))
	rows := make([][]float64, len(x))
	for k, a := range x {
		from := len(all)
		for _, i := range s.ordered {
			all = append(all, a[i]/s.kernel.Lengths[i])
		}
		for _, i := range s.categories {
			all = append(all, a[i])
		}
		rows[k] = all[from:]
	}
	return rows
}

// covariance of the function at two inputs, by their rows.
func (s scaled) covariance(a, b []float64) float64 {
	r2 := 0.0
	n := len(s.ordered)
	for i, v := range a[:n] {
		d := v - b[i]
		r2 += d * d
	}
	b = b[n:len(a)]
	for i, v := range a[n:] {
		if v != b[i] {
			r2 += s.weight[i]
		}
	}
	return s.kernel.Mean + s.kernel.Variance*matern(r2)
}

// matern is the Matérn 5/2 correlation at a squared scaled distance: Rasmussen
// and Williams, Gaussian Processes for Machine Learning (2006), equation 4.17.
func matern(r2 float64) float64 {
	s := math.Sqrt(5 * r2)
	return (1 + s + s*s/3) * math.Exp(-s)
}

// maternAndSlope is matern and minus twice its derivative by r2.
func maternAndSlope(r2 float64) (k, slope float64) {
	s := math.Sqrt(5 * r2)
	e := math.Exp(-s)
	return (1 + s + s*s/3) * e, 5. / 3 * (1 + s) * e
}

// distances are the squared ones of all pairs of inputs along each coordinate:
// by coordinate, then by pair (1,0), (2,0), (2,1), (3,0), ...
func distances(x [][]float64, categorical []bool) [][]float64 {
	d2 := make([][]float64, len(categorical))
	for c, category := range categorical {
		of := make([]float64, 0, len(x)*(len(x)-1)/2)
		for i := range x {
			for j := range i {
				d := x[i][c] - x[j][c]
				if category && d != 0 {
					d = 1
				}
				of = append(of, d*d)
			}
		}
		d2[c] = of
	}
	return d2
}
