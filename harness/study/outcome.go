package study

import (
	"slices"

	"harness/results"
	"harness/search"
)

// outcomeOf is what the search is told of one launch of a config: a point for each load,
// or the class of the failure. Trials that were interrupted belong to the launch that
// went on with them.
func outcomeOf(c *config, all []results.Run, aim results.Aim) search.Outcome {
	var o search.Outcome
	own := map[string]bool{}
	for _, t := range c.trials {
		o.CostSeconds += t.TotalSeconds
		own[t.TrialID] = true
	}
	var runs []results.Run
	for i := range all { // no copy of them all: this is done for each config
		if own[all[i].TrialID] {
			runs = append(runs, all[i])
		}
	}
	for _, m := range results.Collect(c.trials, runs) {
		if p, ok := pointOf(m, aim); ok {
			o.Points = append(o.Points, p)
		}
	}
	if slices.ContainsFunc(c.trials, func(t results.Trial) bool { return t.Outcome == results.OK }) {
		o.Points = append(o.Points, bounded(runs, aim)...)
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

// Benefit holds what the search chose against the uniform draws (purpose control) and
// against the engine's default; Compared is 0 where there is nothing to compare.
func (s *Study) Benefit(state State) (search.Benefit, error) {
	known, err := configs(state.Trials)
	if err != nil {
		return search.Benefit{}, err
	}
	aim, err := s.Lock.Aim()
	if err != nil {
		return search.Benefit{}, err
	}
	var chosen, uniform []search.Outcome
	baseline := search.Outcome{Failure: results.Cancelled}
	standard := s.Lattice.Default()
	for _, c := range known {
		if c.outcome == results.Cancelled || c.replicate > 0 {
			continue
		}
		o := keptOf(outcomeOf(c, state.Runs, aim), aim)
		switch c.purpose {
		case Ask:
			chosen = append(chosen, o)
		case Control:
			uniform = append(uniform, o)
		}
		if c.replicate == 0 && slices.Equal(s.Lattice.Unrank(c.rank, nil), standard) {
			baseline = o
		}
	}
	return search.NewBenefit(chosen, uniform, baseline, s.Lock.Seed), nil
}

// keptOf leaves out the points that break a limit; with none left, the trial reached
// nothing.
func keptOf(o search.Outcome, aim results.Aim) search.Outcome {
	o.Points = slices.DeleteFunc(o.Points, func(p search.Point) bool {
		return slices.ContainsFunc(aim.Limits, func(l results.Limit) bool { return !l.Met(p.Metrics[l.Metric.Name]) })
	})
	if o.Failure == "" && len(o.Points) == 0 {
		o.Failure = "breaks a limit"
	}
	return o
}
