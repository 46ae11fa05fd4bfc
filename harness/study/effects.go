package study

import (
	"harness/results"
	"harness/search"
)

// Effects says what a model like the search's makes of each parameter: see
// search.Effects. Ratios are of the study's objectives. points counts the measured
// points that the model was fitted to.
func (s *Study) Effects(state State) (effects []search.Effect, points int, err error) {
	aim, err := s.Lock.Aim()
	if err != nil {
		return nil, 0, err
	}
	known, err := configs(state.Trials)
	if err != nil {
		return nil, 0, err
	}
	var launches []search.Told
	for _, c := range known {
		if c.outcome == results.OK {
			launches = append(launches, search.Told{Rank: c.rank, Outcome: outcomeOf(c, state.Runs, aim)})
		}
	}
	effects, points, err = search.Effects(s.Lattice, launches, s.Lock.Seed)
	for i := range effects {
		e := &effects[i]
		slot := e.Objective
		if scale(aim.Objectives[slot], slot, 2) == 2 {
			continue
		}
		for k, v := range e.Values { // the search was told of the inverse
			e.Values[k].Ratio = search.Likely{Value: 1 / v.Ratio.Value, Low: 1 / v.Ratio.High, High: 1 / v.Ratio.Low}
		}
	}
	return effects, points, err
}
