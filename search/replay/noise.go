package replay

import (
	"math"
	"math/rand/v2"

	"harness/search"
	"harness/space"
)

// meter answers the asks of one run. Where noise is asked for, each measurement is
// the true value times exp(sigma z), z standard normal: log-normal with the wanted
// coefficient of variation and the true value as median. The k-th measurement of a
// configuration depends on it, k and the seed alone, so that methods with the same
// seed meet the same noise.
type meter struct {
	problem *Problem
	noisy   bool
	sigma   [2]float64 // standard deviations of the logarithms
	seed    uint64
	times   map[uint64]uint64 // how often each rank was measured
}

// newMeter takes the coefficient of variation of each objective, nil for exact ones.
func (p *Problem) newMeter(cv []float64, seed uint64) *meter {
	m := &meter{problem: p, noisy: cv != nil, seed: seed, times: map[uint64]uint64{}}
	for k, v := range cv {
		m.sigma[k] = math.Sqrt(math.Log1p(v * v))
	}
	return m
}

func (m *meter) measure(r space.Rank) search.Outcome {
	c := m.problem.configs[r.Lo]
	if c.failure != "" {
		return search.Outcome{Failure: c.failure}
	}
	if !m.noisy {
		return search.Outcome{Points: []search.Point{outcome(m.problem.both(), c.values)}}
	}
	// The streams of a rank are a million apart, and those of two ranks never meet.
	rng := rand.New(rand.NewPCG(m.seed, r.Lo<<20|m.times[r.Lo]))
	m.times[r.Lo]++
	values := c.values
	for k := range m.problem.Objectives {
		values[k] *= math.Exp(m.sigma[k] * rng.NormFloat64())
	}
	point := outcome(m.problem.both(), values)
	point.TTFTSE, point.TPSSE = m.sigma[0], m.sigma[1]
	return search.Outcome{Points: []search.Point{point}}
}
