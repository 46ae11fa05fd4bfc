package search

import (
	"math/rand/v2"
	"slices"
)

// constant is the surrogate of a cost that was the same wherever it was observed,
// as that of a search with one objective is. It is expected to stay so: a model that
// took it as not known would see all that is to be gained there. The expected gain
// is then that of the other cost alone (Mockus's expected improvement), times a
// width.
type constant struct {
	value    float64
	observed int // inputs
}

// isConstant reports whether observations are the same, and enough to tell.
func isConstant(y []float64) bool {
	if len(y) < leastWorking {
		return false
	}
	return slices.Min(y) == slices.Max(y)
}

func (c constant) mean(extra [][]float64) posterior { return c.known(extra, 1) }

func (c constant) draw(extra [][]float64, draws int, _ *rand.Rand) posterior {
	return c.known(extra, draws)
}

func (c constant) predict(x [][]float64) (mean, variance []float64) {
	return slices.Repeat([]float64{c.value}, len(x)), slices.Repeat([]float64{leastVariance}, len(x))
}

func (c constant) truth(normal [][]float64, _ *rand.Rand) [][]float64 {
	return c.known(nil, len(normal))
}

func (c constant) surprises() (z, share []float64) { return nil, nil }

// known is the value, by draw and at each input: the observed ones, then extra ones.
func (c constant) known(extra [][]float64, draws int) level {
	l := make(level, draws)
	for s := range l {
		l[s] = slices.Repeat([]float64{c.value}, c.observed+len(extra))
	}
	return l
}

// level is the posterior of a constant: its values, of which there is at least one.
type level [][]float64

func (l level) values() [][]float64 { return l }

func (l level) predict(x [][]float64) (means [][]float64, variance []float64) {
	mean := slices.Repeat([]float64{l[0][0]}, len(x))
	return slices.Repeat([][]float64{mean}, len(l)), slices.Repeat([]float64{leastVariance}, len(x))
}

func (l level) covariance(x [][]float64) [][]float64 {
	cov := make([][]float64, len(x))
	for i := range cov {
		cov[i] = make([]float64, len(x))
		cov[i][i] = leastVariance
	}
	return cov
}
