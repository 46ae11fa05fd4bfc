package search

import (
	"math/rand/v2"

	"harness/search/gp"
)

// surrogate is a model of a function of configurations.
type surrogate interface {
	// mean is the function given that it has its expected values where it was
	// observed, and at extra inputs.
	mean(extra [][]float64) posterior
	// draw is the function given values there that are drawn from their distribution.
	draw(extra [][]float64, draws int, rng *rand.Rand) posterior
	// predict returns the mean and the variance at inputs.
	predict(x [][]float64) (mean, variance []float64)
	// truth draws what the function's own values may be where it was observed, by
	// draw: from a row of standard normals for each, one for each observation.
	truth(normal [][]float64, rng *rand.Rand) [][]float64
	// surprises are what each observation says that the others do not (see
	// gp.Model.Surprises); nil of a model that has none.
	surprises() (z, share []float64)
}

// posterior is a function given its values at some inputs.
type posterior interface {
	values() [][]float64 // by draw: where it was observed, then at the extra inputs
	// predict returns the mean in each draw, and the variance, which is that of all.
	predict(x [][]float64) (means [][]float64, variance []float64)
	// covariance of the function's values at inputs, the same in each draw.
	covariance(x [][]float64) [][]float64
}

// maxObservations is how many a Gaussian process takes. Its fit takes time that
// grows with their cube; with more of them trees do.
const maxObservations = 400

// fitSurrogate fits a Gaussian process, or trees where that does not do.
func fitSurrogate(d gp.Data, seed uint64) surrogate {
	if len(d.Y) <= maxObservations {
		if m, err := gp.Fit(d); err == nil {
			return process{m}
		}
	}
	return growForest(d, seed)
}

// process makes a surrogate of a Gaussian process.
type process struct{ model *gp.Model }

func (p process) mean(extra [][]float64) posterior { return given{p.model.Mean(extra)} }

func (p process) draw(extra [][]float64, draws int, rng *rand.Rand) posterior {
	return given{p.model.Draw(extra, draws, rng)}
}

func (p process) predict(x [][]float64) (mean, variance []float64) { return p.model.Predict(x) }

type given struct{ *gp.Posterior }

func (g given) values() [][]float64 { return g.Values }

func (g given) predict(x [][]float64) (means [][]float64, variance []float64) { return g.Predict(x) }

func (g given) covariance(x [][]float64) [][]float64 { return g.Covariance(x) }

func (p process) truth(normal [][]float64, rng *rand.Rand) [][]float64 {
	return p.model.Truth(normal, rng)
}

func (p process) surprises() (z, share []float64) { return p.model.Surprises() }
