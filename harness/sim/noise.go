package sim

import (
	"math"
	"math/rand/v2"
)

// A noise is what makes two launches and two steps of one configuration differ.
type noise struct {
	rng    *rand.Rand // nil: none
	launch float64    // factor of every step of this launch
	scale  float64    // of all deviations; 1 = as documented
	slow   float64    // factor of every step, asked for by --sim-fail slow
}

// newNoise draws the launch's factor from the seed; all replicas of a launch share it.
func newNoise(s *setup, seed uint64, replica int) *noise {
	n := &noise{launch: 1, scale: s.flags.float("sim_noise", 1), slow: 1}
	if seed == noNoise || n.scale == 0 {
		return n
	}
	n.launch = math.Exp(0.01 * n.scale * rand.New(rand.NewPCG(s.hash(), seed)).NormFloat64())
	n.rng = rand.New(rand.NewPCG(s.hash()^seed, uint64(replica)))
	return n
}

// step draws the factor of one step: log-normal, and one step in 2000 is several
// times slower, as when the host or the memory clock hesitates.
func (n *noise) step() float64 {
	if n.rng == nil {
		return n.slow
	}
	f := math.Exp(0.02 * n.scale * n.rng.NormFloat64())
	if n.rng.IntN(2000) == 0 {
		f *= 1 + n.scale*(1+4*n.rng.Float64())
	}
	return f * n.launch * n.slow
}
