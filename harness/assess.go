package main

import (
	"harness/harness/study"
	"harness/results/report"
)

// assessedFront is a study's front with what the search's model says of it. Sweep,
// refine, front and report all show this one.
func assessedFront(s *study.Study, state study.State) (report.Front, error) {
	aim, err := s.Lock.Aim()
	if err != nil {
		return report.Front{}, err
	}
	f := report.NewFront(state.Trials, state.Runs, aim)
	a, err := s.Assess(state, f.Reference)
	if err != nil {
		return f, err
	}
	return f.Assessed(a), nil
}
