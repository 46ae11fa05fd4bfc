package pareto

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Measured is a point known with error. Each objective is taken as log-normal
// around its value, independently.
type Measured struct {
	Value Point
	LogSE [2]float64 // standard error of the logarithm of each objective; 0, negative or NaN: taken as exact
}

// DominanceProbability is how probable it is that a dominates b, two points measured
// independently of each other. It is exact: in each objective the difference of the
// logarithms is normal, and the two objectives are independent. It is NaN unless all
// values are finite and above 0.
func (g Goals) DominanceProbability(a, b Measured) float64 {
	p, exact := 1.0, true
	for k, direction := range g {
		x, y := a.Value[k], b.Value[k]
		if !(x > 0 && y > 0) || math.IsInf(x, 1) || math.IsInf(y, 1) {
			return math.NaN()
		}
		gain := math.Log(y / x)
		if direction == Maximise {
			gain = -gain
		}
		sd := math.Hypot(a.logSE(k), b.logSE(k))
		switch {
		case sd > 0:
			exact = false
			p *= 0.5 * math.Erfc(-gain/sd/math.Sqrt2)
		case gain < 0:
			return 0
		}
	}
	if exact && !g.Dominates(a.Value, b.Value) { // equal points
		return 0
	}
	return p
}

func (m Measured) logSE(axis int) float64 {
	if se := m.LogSE[axis]; se > 0 {
		return se
	}
	return 0
}

// FrontProbability returns for each point the probability that no other point
// dominates it. A point with a NaN has 0.
//
// Of two points it is exact (see DominanceProbability). Of more it is the share of
// draws in which it is so; each draw moves every point at once by its own error, so
// that what two points have in common with a third counts. The standard error of a
// share p is sqrt(p(1-p)/draws): 0.011 at most for 2,000, less than what is known of
// standard errors themselves.
//
// It panics unless draws > 0. The same rng state gives the same result.
func (g Goals) FrontProbability(ms []Measured, draws int, rng *rand.Rand) []float64 {
	if draws <= 0 {
		panic(fmt.Sprintf("pareto: %d draws: want at least 1", draws))
	}
	if len(ms) == 2 {
		first, second := 1-g.DominanceProbability(ms[1], ms[0]), 1-g.DominanceProbability(ms[0], ms[1])
		if !math.IsNaN(first) {
			return []float64{first, second}
		}
	}
	var contenders []int // a NaN is no point
	for i, m := range ms {
		if !hasNaN(m.Value) {
			contenders = append(contenders, i)
		}
	}
	on := make([]float64, len(ms)) // draws in which the point is on the front
	sample := make([]drawn, len(contenders))
	for range draws {
		for k, i := range contenders {
			sample[k] = drawn{g.orient(ms[i].draw(rng)), i}
		}
		countFront(sample, on)
	}
	for i := range on {
		on[i] /= float64(draws)
	}
	return on
}

// A drawn point is one of a sample, oriented.
type drawn struct {
	Point
	index int
}

// countFront adds 1 to each point on the front of a sample, which it sorts. It is the
// sweep of staircase, several times as fast on plain values.
func countFront(sample []drawn, on []float64) {
	slices.SortFunc(sample, func(a, b drawn) int {
		switch {
		case a.Point[0] < b.Point[0]:
			return -1
		case a.Point[0] > b.Point[0]:
			return 1
		case a.Point[1] < b.Point[1]:
			return -1
		case a.Point[1] > b.Point[1]:
			return 1
		}
		return 0
	})
	for k, last := 0, 0; k < len(sample); k++ {
		if k == 0 || sample[k].Point[1] < sample[last].Point[1] || sample[k].Point == sample[last].Point {
			on[sample[k].index]++
			last = k
		}
	}
}

// draw takes two normal deviates whatever the errors are, so that a point's
// draws do not depend on what is known of the others.
func (m Measured) draw(rng *rand.Rand) Point {
	p := m.Value
	for i := range p {
		if z := rng.NormFloat64(); m.logSE(i) > 0 {
			p[i] *= math.Exp(m.logSE(i) * z)
		}
	}
	return p
}
