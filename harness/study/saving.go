package study

import (
	"cmp"
	"slices"
	"time"

	"harness/harness/bench/stop"
	"harness/results"
	"harness/results/stat"
)

// Spread says how one objective varies at one load point, between runs of a launch and
// between launches of a config.
type Spread struct {
	LoadPoint string
	Metric    string
	stat.Spread
}

// Spreads are those of all objectives at all load points, from all that was measured.
func (s *Study) Spreads(state State) ([]Spread, error) {
	aim, err := s.Lock.Aim()
	if err != nil {
		return nil, err
	}
	var list []Spread
	for _, p := range s.Lock.LoadPoints {
		for _, m := range aim.Objectives {
			list = append(list, Spread{p.LoadPoint(), m.Name, results.SpreadOf(state.Runs, p.LoadPoint(), m)})
		}
	}
	return list, nil
}

// Saved is what stopping by a rule saved beside as many runs as it may make, each; the
// zero value where the study has no rule. Only the configs' own measurements that went
// well count: what failed would have failed as well.
func (s *Study) Saved(state State) stop.Saving {
	if s.Lock.Precision == 0 {
		return stop.Saving{}
	}
	type point struct {
		launch
		load string
	}
	of := map[string]launch{}
	well := map[launch]bool{}
	for _, t := range state.Trials {
		of[t.TrialID] = launchOf(t)
		if t.Replicate == 0 && t.Outcome == results.OK {
			well[launchOf(t)] = true
		}
	}
	taken := map[point]*stop.Taken{}
	for _, r := range state.Runs {
		at := point{of[r.TrialID], r.LoadPoint}
		if !well[at.launch] || !r.Valid && len(r.Bounds) == 0 {
			continue // a run that is made again would be so in either case
		}
		if taken[at] == nil {
			taken[at] = &stop.Taken{}
		}
		taken[at].Runs++
		taken[at].Seconds += r.DurationS
	}
	var all []stop.Taken
	for _, t := range taken {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b stop.Taken) int { // sums in one order
		return cmp.Or(cmp.Compare(a.Runs, b.Runs), cmp.Compare(a.Seconds, b.Seconds))
	})
	return stop.Saved(all, s.Lock.Repeats)
}

// OwnShare is the share of harness itself in a command's time, tests of interference
// included.
func (s *Study) OwnShare(began time.Time, took time.Duration) (float64, error) {
	trials, _, err := s.Store.Trials()
	return ownShare(trials, began, took), err
}

// ownShare is the part of a command's time in which no trial ran, or a trial did harness's
// own work: all but launch, warm-up, load, cool-down and stop. Of trials that ran side
// by side each counts for its share.
func ownShare(trials []results.Trial, began time.Time, took time.Duration) float64 {
	mine := slices.DeleteFunc(slices.Clone(trials), func(t results.Trial) bool { return t.StartedAt.Before(began) || len(t.Argv) == 0 })
	slices.SortFunc(mine, func(a, b results.Trial) int { return a.StartedAt.Compare(b.StartedAt) })
	busy, end, total, own := 0.0, 0.0, 0.0, 0.0
	for _, t := range mine {
		from := t.StartedAt.Sub(began).Seconds()
		to := from + t.TotalSeconds
		busy += max(0, to-max(from, end))
		end = max(end, to)
		total, own = total+t.TotalSeconds, own+t.HarnessSeconds
	}
	if total == 0 || took <= 0 {
		return 0
	}
	return max(0, took.Seconds()-busy+own*busy/total) / took.Seconds()
}

// FailedLaunches counts those that did not go well in the end: a passing fault that went
// well when it was tried again is none.
func FailedLaunches(trials []results.Trial) int {
	known, err := configs(trials)
	if err != nil {
		return 0
	}
	n := 0
	for _, c := range known {
		if c.outcome == results.Failed {
			n++
		}
	}
	return n
}
