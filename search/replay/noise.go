package replay

import (
	"math"
	"math/rand/v2"
	"slices"

	"harness/search"
	"harness/search/pareto"
	"harness/space"
)

// frontDraws is the number of draws behind each probability of being on the front:
// a standard error of 0.011 at most.
const frontDraws = 2000

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
	logs    map[uint64][][2]float64 // logarithms of the measured values, by rank
}

// newMeter takes the coefficient of variation of each objective, nil for exact ones.
func (p *Problem) newMeter(cv []float64, seed uint64) *meter {
	m := &meter{problem: p, noisy: cv != nil, seed: seed, logs: map[uint64][][2]float64{}}
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
	rng := rand.New(rand.NewPCG(m.seed, r.Lo<<20|uint64(len(m.logs[r.Lo]))))
	values, logs := c.values, [2]float64{}
	for k := range m.problem.Objectives {
		values[k] *= math.Exp(m.sigma[k] * rng.NormFloat64())
		logs[k] = math.Log(values[k])
	}
	m.logs[r.Lo] = append(m.logs[r.Lo], logs)
	point := outcome(m.problem.both(), values)
	point.TTFTSE, point.TPSSE = m.sigma[0], m.sigma[1]
	return search.Outcome{Points: []search.Point{point}}
}

// FrontPoint is one configuration that a run has measured, as the run knows it at
// its end and as it is.
type FrontPoint struct {
	Rank         uint64
	Measurements int
	Probability  float64 // of being on the front of what was measured
	Reported     bool    // it is on the front of the measured values
	OnFront      bool    // it is on the front of the true values of what was measured
}

// front judges the configurations that were measured, in order of their ranks.
func (m *meter) front(seed uint64) []FrontPoint {
	var points []FrontPoint
	var measured []pareto.Measured
	var seen, truth []pareto.Point
	for rank, logs := range m.logs {
		points = append(points, FrontPoint{Rank: rank, Measurements: len(logs)})
	}
	slices.SortFunc(points, func(a, b FrontPoint) int { return int(int64(a.Rank) - int64(b.Rank)) })
	for _, p := range points {
		logs := m.logs[p.Rank]
		var known pareto.Measured
		for k := range known.Value {
			sum := 0.0
			for _, l := range logs {
				sum += l[k]
			}
			known.Value[k] = math.Exp(sum / float64(len(logs)))
			known.LogSE[k] = m.sigma[k] / math.Sqrt(float64(len(logs)))
		}
		measured = append(measured, known)
		seen = append(seen, known.Value)
		truth = append(truth, m.problem.score.costs[p.Rank])
	}
	directions := m.problem.directions()
	for i, p := range directions.FrontProbability(measured, frontDraws, rand.New(rand.NewPCG(seed, 1<<63))) {
		points[i].Probability = p
	}
	for _, i := range directions.Front(seen) {
		points[i].Reported = true
	}
	for _, i := range goals.Front(truth) {
		points[i].OnFront = true
	}
	return points
}

// directions are those of the objectives' own values.
func (p *Problem) directions() pareto.Goals {
	var g pareto.Goals
	for k, o := range p.Objectives {
		if o.Goal == Max {
			g[k] = pareto.Maximise
		}
	}
	return g
}
