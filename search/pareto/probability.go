package pareto

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Measured is a point known with error. Each objective is taken as log-normal
// around its value, independently.
type Measured struct {
	Value Point
	LogSE [2]float64 // standard error of the logarithm of each objective; 0, negative or NaN: taken as exact
}

// FrontProbability returns for each point the share of draws in which no other
// point dominates it. Each draw moves every point at once by its own error. The
// standard error of a share p is sqrt(p(1-p)/draws): 0.011 at most for 2,000.
// A point with a NaN has 0.
//
// It panics unless draws > 0. The same rng state gives the same result.
func (g Goals) FrontProbability(ms []Measured, draws int, rng *rand.Rand) []float64 {
	if draws <= 0 {
		panic(fmt.Sprintf("pareto: %d draws: want at least 1", draws))
	}
	count := make([]int, len(ms))
	sample := make([]Point, len(ms))
	for range draws {
		for i, m := range ms {
			sample[i] = m.draw(rng)
		}
		for _, i := range g.Front(sample) {
			count[i]++
		}
	}
	p := make([]float64, len(ms))
	for i, c := range count {
		p[i] = float64(c) / float64(draws)
	}
	return p
}

// draw takes two normal deviates whatever the errors are, so that a point's
// draws do not depend on what is known of the others.
func (m Measured) draw(rng *rand.Rand) Point {
	p := m.Value
	for i, se := range m.LogSE {
		if z := rng.NormFloat64(); se > 0 {
			p[i] *= math.Exp(se * z)
		}
	}
	return p
}
