package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
)

// resume brings the search to where the study is.
func (l *loop) resume() error {
	state, last, err := l.recover(l.watch.Warn)
	if err != nil {
		return err
	}
	l.state, l.tests = state.split()
	l.state.lighten()
	l.number = last + 1
	known, err := configs(l.state.Trials)
	if err != nil {
		return err
	}
	for _, c := range known {
		l.count(c)
		if c.outcome == results.OK {
			whole, err := l.whole(c)
			if err != nil {
				return err
			}
			if !whole {
				c.outcome = results.Cancelled // a part of it was lost
			}
		}
		if c.outcome != results.Cancelled && c.replicate == 0 && l.goal.counts(c.purpose) {
			l.done++
		}
	}
	l.confirmed = Confirmed(state.Trials)
	if err := l.aimFor(); err != nil {
		return err
	}
	priors, err := l.priors(l.aim)
	if err != nil {
		return err
	}
	l.search, err = search.New(l.Lattice, search.Options{Mode: l.goal.Mode, Seed: l.Lock.Seed, Budget: l.budget(known), Control: l.goal.Control,
		Limits: searchLimits(l.aim), Memory: l.Lattice.MemoryShortfall(), Prior: priors})
	if err != nil {
		return err
	}
	for _, c := range known {
		if c.outcome == results.Cancelled {
			l.redo = append(l.redo, c)
			err = l.search.Hold(c.rank)
		} else {
			err = l.search.Tell(c.rank, outcomeOf(c, l.state.Runs, l.aim))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recover moves what is damaged out of the way, writes a row for each trial that has a
// plan and none, and returns the study's rows and the highest number of a trial.
func (s *Study) recover(warn func(string)) (state State, last int, err error) {
	if state, err = s.setAside(warn); err != nil {
		return State{}, 0, err
	}
	ids, err := s.Store.Plans()
	if err != nil {
		return State{}, 0, err
	}
	have := map[string]bool{}
	for _, t := range state.Trials {
		have[t.TrialID] = true
	}
	for _, id := range ids {
		last = max(last, numberOf(id))
		if have[id] {
			continue
		}
		p, err := s.planOf(id)
		if err != nil {
			return State{}, 0, err
		}
		row := bench.Interrupted(p)
		if err := s.Store.WriteTrial(row); err != nil {
			return State{}, 0, err
		}
		state.Trials = append(state.Trials, row)
	}
	slices.SortFunc(state.Trials, func(a, b results.Trial) int { return cmp.Compare(a.TrialID, b.TrialID) })
	return state, last, nil
}

// setAside returns the study's rows after what cannot be used was set aside.
func (s *Study) setAside(warn func(string)) (State, error) {
	for {
		state, err := s.load()
		if err != nil {
			return State{}, err
		}
		bad, err := s.Store.Audit(state.Runs)
		if err != nil {
			return State{}, err
		}
		bad = append(state.Bad, bad...)
		for _, b := range bad {
			path, err := s.Store.SetAside(b)
			if err != nil {
				return State{}, err
			}
			warn(fmt.Sprintf("%v; moved to %s, and measured again where it counts", b, path))
		}
		if len(bad) == 0 {
			return state, nil
		}
	}
}

// planOf reads the plan of a trial.
func (s *Study) planOf(trialID string) (p bench.Plan, err error) {
	data, err := os.ReadFile(s.Store.PlanPath(trialID))
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		err = fmt.Errorf("plan of trial %s: %w", trialID, err)
	}
	return p, err
}
