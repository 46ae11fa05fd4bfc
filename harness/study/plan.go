package study

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"harness/harness/bench"
	"harness/results"
)

func (l *loop) planFor(c *config) bench.Plan {
	point := l.Lattice.Unrank(c.rank, nil)
	cfg := l.Lattice.Config(point)
	p := bench.Plan{
		StudyID: l.Lock.ID, TrialID: trialID(l.number), ConfigID: cfg.ID(l.Lock.Engine), Rank: c.rank.String(),
		Purpose: c.purpose, Reason: c.reason, Source: c.source, Gain: c.gain, Success: c.success, Attempt: c.attempts + 1,
		Simulated: l.Lock.Simulated, EngineVersion: l.Lock.EngineVersion, Launch: l.Lock.Launch,
		Flags: l.Lattice.Args(point), Params: columns(l.Spec, cfg), Expected: l.Spec.Expectations(l.Lattice.Check(cfg).Canonical),
		Workload: l.Lock.Workload, OpenLoop: l.Lock.OpenLoop, SLO: l.Lock.SLO,
		Stopping: bench.Stopping{Repeats: l.Lock.Repeats}, StrictClient: l.Lock.Launch.Server.NeedsGPU,
		Goal: bench.Goal{Trials: l.goal.Trials, Total: l.total},
	}
	if flag := l.Lock.Launch.SeedFlag; flag != "" {
		p.Flags = append(p.Flags, flag, strconv.FormatUint(launchSeed(l.Lock.Seed, p.ConfigID, p.Attempt), 10))
	}
	for _, r := range l.planned {
		if !l.hasValid(p.ConfigID, r) {
			p.Runs = append(p.Runs, r)
		}
	}
	return p
}

// launchSeed is the same for the same launch of a config, whatever was launched
// before it.
func launchSeed(seed uint64, configID string, attempt int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", seed, configID, attempt)
	return h.Sum64() >> 32
}

// hasValid reports whether there is a valid row of a config's run, from whichever of its
// trials.
func (l *loop) hasValid(configID string, r bench.RunPlan) bool {
	return slices.ContainsFunc(l.state.Runs, func(run results.Run) bool { return run.Valid && isRun(run, configID, r) })
}

func isRun(run results.Run, configID string, r bench.RunPlan) bool {
	return run.ConfigID == configID && run.LoadPoint == r.LoadPoint() && int(run.Repeat) == r.Repeat
}

// settled reports whether a config's run needs no further try: there is a valid row, or
// a trial has as many invalid ones as there are tries. Fewer mean that a row was lost,
// and it may have been the valid one.
func (l *loop) settled(configID string, r bench.RunPlan) bool {
	tries := map[string]int{}
	for _, run := range l.state.Runs {
		if !isRun(run, configID, r) {
			continue
		}
		if tries[run.TrialID]++; run.Valid || tries[run.TrialID] == bench.MaxTries {
			return true
		}
	}
	return false
}

// whole reports whether each planned run of a config is settled, as it is after a trial
// that ended well.
func (l *loop) whole(configID string) bool {
	return !slices.ContainsFunc(l.planned, func(r bench.RunPlan) bool { return !l.settled(configID, r) })
}

// trialID names the n-th trial of a study, from 1.
func trialID(n int) string { return fmt.Sprintf("t%04d", n) }

// lastNumber is the highest number of a trial that has a plan.
func lastNumber(plans []bench.Plan) int {
	last := 0
	for _, p := range plans {
		n := 0
		if _, err := fmt.Sscanf(p.TrialID, "t%d", &n); err == nil {
			last = max(last, n)
		}
	}
	return last
}
