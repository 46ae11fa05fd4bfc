package study

import (
	"errors"
	"io/fs"
	"slices"

	"harness/harness/bench"
	"harness/harness/bench/stop"
	"harness/results"
	"harness/results/stat"
)

// sentinelRuns are made at each load point of a sentinel: launches differ more than
// runs do, and two tell them apart.
const sentinelRuns = 2

// stoppingOf is what decides when a launch has been measured enough, and what of it was
// measured by now. Another attempt at it decides by what the first one did, so that an
// interruption changes no decision.
func (l *loop) stoppingOf(c *config) (bench.Stopping, []bench.Tried, error) {
	var s bench.Stopping
	if len(c.trials) > 0 {
		first, err := l.planOf(c.trials[0].TrialID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s, nil, err
		}
		s = first.Stopping
	}
	if s.Repeats == 0 { // there is no plan of it, or one of an older harness
		s = l.stoppingNow(c)
	}
	return s, bench.Counting(bench.Tries(s.Rule, l.runsOf(c.trials)), c.began), nil
}

// stoppingNow is that of a launch which is planned now. Only a config's own measurement
// is held against the front and the limits: sentinels are all alike, further launches are
// to be precise, and so is the default, which all others are shown beside.
func (l *loop) stoppingNow(c *config) bench.Stopping {
	s := bench.Stopping{Repeats: l.Lock.Repeats}
	if c.purpose == Sentinel {
		s.Repeats = sentinelRuns
		return s
	}
	if c.purpose == Test {
		s.Repeats = min(testRuns, s.Repeats)
		return s
	}
	if l.Lock.Precision == 0 {
		return s
	}
	s.Rule = l.Lock.rule(l.aim)
	s.Noise = l.noise(s.Rule)
	if l.isDefault(c) {
		for i := range s.Rule.Metrics {
			s.Rule.Metrics[i].Limit = 0
		}
		return s
	}
	if c.replicate == 0 {
		s.Rivals, s.ChosenFrom = l.rivals(s.Rule, c.config)
	}
	return s
}

// rule is the study's rule for when to stop, without noise.
func (l Lock) rule(aim results.Aim) *stop.Rule {
	rule := &stop.Rule{Max: l.Repeats}
	for _, o := range aim.Objectives {
		rule.Metrics = append(rule.Metrics, stop.Metric{Name: o.Name, Lower: !o.Higher, Objective: true, Precision: l.Precision})
	}
	for _, limit := range aim.Limits {
		i := slices.IndexFunc(rule.Metrics, func(m stop.Metric) bool { return m.Name == limit.Metric.Name })
		if i < 0 {
			i = len(rule.Metrics)
			rule.Metrics = append(rule.Metrics, stop.Metric{Name: limit.Metric.Name, Lower: !limit.Metric.Higher})
		}
		rule.Metrics[i].Limit = limit.Value
	}
	return rule
}

// noise is what all that was measured says of the spread, by load point, of each metric
// of a rule.
func (l *loop) noise(rule *stop.Rule) map[string][]stat.Noise {
	by := map[string][]stat.Noise{}
	for _, p := range l.Lock.LoadPoints {
		at := make([]stat.Noise, len(rule.Metrics))
		for i, m := range rule.Metrics {
			metric, _ := results.MetricOf(m.Name)
			at[i] = results.SpreadOf(l.state.Runs, p.LoadPoint(), metric).Noise()
		}
		by[p.LoadPoint()] = at
	}
	return by
}

// left are the planned runs that are still to be made: of load points that are not
// decided, those that are due.
func (l *loop) left(s bench.Stopping, before []bench.Tried) []bench.RunPlan {
	var runs []bench.RunPlan
	for _, r := range l.planned {
		if r.Repeat <= s.Repeats && bench.Settled(before, r.LoadPoint(), r.Repeat) == bench.Due &&
			s.Verdict(r.LoadPoint(), before).Decision == stop.Continue {
			runs = append(runs, r)
		}
	}
	return runs
}

// whole reports whether a launch has been measured enough, as it has after a trial that
// ended well.
func (l *loop) whole(c *config) (bool, error) {
	s, before, err := l.stoppingOf(c)
	return !slices.ContainsFunc(l.Lock.LoadPoints, func(p bench.Point) bool {
		return s.Verdict(p.LoadPoint(), before).Decision == stop.Continue
	}), err
}

// runsOf are the rows of some trials' runs.
func (l *loop) runsOf(trials []results.Trial) []results.Run {
	var runs []results.Run
	for _, r := range l.state.Runs {
		if slices.ContainsFunc(trials, func(t results.Trial) bool { return t.TrialID == r.TrialID }) {
			runs = append(runs, r)
		}
	}
	return runs
}
