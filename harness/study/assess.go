package study

import (
	"math"
	"slices"

	"harness/results"
	"harness/search"
)

// Assess says what the search makes of a study: how sure each measured point's place on
// the front is, and what is expected of it. reference is in units of the objectives.
func (s *Study) Assess(state State, reference [2]float64) (results.Assessment, error) {
	var a results.Assessment
	aim, err := s.Lock.Aim()
	if err != nil {
		return a, err
	}
	priors, err := s.priors(aim)
	if err != nil {
		return a, err
	}
	o := search.Options{Mode: search.Random, Seed: s.Lock.Seed, Limits: searchLimits(aim), Prior: priors}
	if r := reference; !math.IsNaN(r[0]) && !math.IsNaN(r[1]) {
		o.Reference = search.Reference{TTFT: scale(aim.Objectives[0], 0, r[0]), TPS: scale(aim.Objectives[1], 1, r[1])}
	}
	model, err := search.New(s.Lattice, o)
	if err != nil {
		return a, err
	}
	known, err := configs(state.Trials)
	if err != nil {
		return a, err
	}
	for _, c := range known {
		if c.outcome == results.Cancelled {
			continue
		}
		if err := model.Tell(c.rank, outcomeOf(c, state.Runs, aim)); err != nil {
			return a, err
		}
	}
	a = s.assessment(model.Front(), aim)
	a.From = usesOf(s.Lock.From, model.Priors())
	return a, nil
}

// assessment is a front of the search by configs and objectives.
func (s *Study) assessment(f search.Front, aim results.Aim) results.Assessment {
	a := results.Assessment{HV: f.HV, HVLow: f.HVLow, HVHigh: f.HVHigh}
	for _, p := range slices.Concat(f.Points, f.Rest) {
		cfg := s.Lattice.Config(s.Lattice.Unrank(p.Rank, nil))
		a.Points = append(a.Points, results.AssessedPoint{
			ConfigID: cfg.ID(s.Lock.Engine), Concurrency: p.Load.Concurrency, Rate: p.Load.RatePerSec, P: p.P, Launches: p.Launches,
			Expected: [2]float64{scale(aim.Objectives[0], 0, p.TTFT), scale(aim.Objectives[1], 1, p.TPS)},
			LogSE:    [2]float64{p.TTFTSE, p.TPSSE},
		})
	}
	return a
}
