package study

import (
	"math"
	"slices"

	"harness/results"
	"harness/search"
)

// outcomeOf is what the search is told of a config: the points that a report would
// show, or the class of the failure.
func outcomeOf(c *config, all []results.Run) search.Outcome {
	var o search.Outcome
	for _, t := range c.trials {
		o.CostSeconds += t.TotalSeconds
	}
	runs := slices.DeleteFunc(slices.Clone(all), func(r results.Run) bool { return r.ConfigID != c.id })
	for _, m := range results.Collect(c.trials, runs) {
		o.Points = append(o.Points, search.Point{TTFT: m.TTFT.Value, TPS: m.TPS.Value,
			TTFTSE: orZero(m.TTFT.LogSE), TPSSE: orZero(m.TPS.LogSE), Load: search.Load{Concurrency: m.Concurrency, RatePerSec: m.Rate}})
	}
	if len(o.Points) > 0 {
		return o
	}
	o.Failure = "no valid run"
	for _, t := range c.trials {
		if t.FailureClass != "" {
			o.Failure = t.FailureClass
		}
	}
	return o
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// Benefit holds what the search chose against the uniform draws (purpose control) and
// against the engine's default; Compared is 0 where there is nothing to compare.
func (s *Study) Benefit(state State) (search.Benefit, error) {
	known, err := configs(state.Trials)
	if err != nil {
		return search.Benefit{}, err
	}
	var chosen, uniform []search.Outcome
	baseline := search.Outcome{Failure: results.Cancelled}
	standard := s.Lattice.Default()
	for _, c := range known {
		if c.outcome == results.Cancelled {
			continue
		}
		o := outcomeOf(c, state.Runs)
		switch c.purpose {
		case Ask:
			chosen = append(chosen, o)
		case Control:
			uniform = append(uniform, o)
		}
		if slices.Equal(s.Lattice.Unrank(c.rank, nil), standard) {
			baseline = o
		}
	}
	return search.NewBenefit(chosen, uniform, baseline, s.Lock.Seed), nil
}
