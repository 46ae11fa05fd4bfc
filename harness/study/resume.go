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
	state, plans, err := l.recover(l.watch.Warn)
	if err != nil {
		return err
	}
	l.state, l.tests = state.split()
	known, err := configs(l.state.Trials)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if of := (launch{p.ConfigID, p.Replicate}); p.Stopping.Repeats > 0 { // else it is of an older harness
			l.stopping[of] = p.Stopping
		}
	}
	for _, c := range known {
		l.count(c)
		if c.outcome == results.OK && !l.whole(c) {
			c.outcome = results.Cancelled // a part of it was lost
		}
		if c.outcome != results.Cancelled && c.replicate == 0 && l.goal.counts(c.purpose) {
			l.done++
		}
	}
	l.number = lastNumber(plans) + 1
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
// plan and none, and returns the study's rows.
func (s *Study) recover(warn func(string)) (State, []bench.Plan, error) {
	state, err := s.setAside(warn)
	if err != nil {
		return State{}, nil, err
	}
	plans, err := s.plans()
	if err != nil {
		return State{}, nil, err
	}
	for _, p := range plans {
		if slices.ContainsFunc(state.Trials, func(t results.Trial) bool { return t.TrialID == p.TrialID }) {
			continue
		}
		row := bench.Interrupted(p)
		if err := s.Store.WriteTrial(row); err != nil {
			return State{}, nil, err
		}
		state.Trials = append(state.Trials, row)
	}
	slices.SortFunc(state.Trials, func(a, b results.Trial) int { return cmp.Compare(a.TrialID, b.TrialID) })
	return state, plans, nil
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

func (s *Study) plans() ([]bench.Plan, error) {
	ids, err := s.Store.Plans()
	if err != nil {
		return nil, err
	}
	plans := make([]bench.Plan, len(ids))
	for i, id := range ids {
		data, err := os.ReadFile(s.Store.PlanPath(id))
		if err == nil {
			err = json.Unmarshal(data, &plans[i])
		}
		if err != nil {
			return nil, fmt.Errorf("plan of trial %s: %w", id, err)
		}
	}
	return plans, nil
}
