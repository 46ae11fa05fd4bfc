package search

import (
	"math"

	"harness/search/pareto"
)

// belief is what a model expects of the two objectives of a configuration, both
// to be minimised: independent normal distributions.
type belief struct {
	mean, sd [2]float64 // sd above 0
}

// ehvi is the expected hypervolume improvement: by how much the area that a
// front dominates, up to ref, is expected to grow by a point of this belief.
// Both objectives are minimised; the front is in order of the first objective,
// strictly better than ref and without dominated points.
//
// It is exact. The area to gain falls into vertical strips between the points of
// the front, and in each strip the two objectives factor:
//
//	sum over strips of (psi1(right) - psi1(left)) psi2(height), psi(t) = E[max(t - Z, 0)]
//
// (Emmerich, Yang, Deutz, Wang and Fonseca, "A multicriteria generalization of
// Bayesian global optimization", 2016, in this form.) All terms are at least 0,
// and a difference of psi that cancels belongs to a strip whose left neighbours
// contribute at least as much, so the relative error stays near that of psi.
func ehvi(front []pareto.Point, ref pareto.Point, b belief) float64 {
	sum, left, height := 0.0, 0.0, ref[1]
	for _, p := range front {
		right := psi(p[0], b.mean[0], b.sd[0])
		sum += (right - left) * psi(height, b.mean[1], b.sd[1])
		left, height = right, p[1]
	}
	return sum + (psi(ref[0], b.mean[0], b.sd[0])-left)*psi(height, b.mean[1], b.sd[1])
}

// psi is the expected shortfall E[max(t - Z, 0)] of a normal Z below t.
func psi(t, mean, sd float64) float64 {
	u := (t - mean) / sd
	return sd * (density(u) + u*cumulative(u))
}

// density of the standard normal distribution.
func density(u float64) float64 {
	return math.Exp(-0.5*u*u) / math.Sqrt(2*math.Pi)
}

// cumulative distribution of the standard normal.
func cumulative(u float64) float64 { return 0.5 * math.Erfc(-u/math.Sqrt2) }
