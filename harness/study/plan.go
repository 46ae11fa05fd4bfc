package study

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"harness/harness/bench"
)

func (l *loop) planFor(c *config) (p bench.Plan, err error) {
	point := l.Lattice.Unrank(c.rank, nil)
	cfg := l.Lattice.Config(point)
	c.config = cfg.ID(l.Lock.Engine)
	p = bench.Plan{
		StudyID: l.Lock.ID, TrialID: trialID(l.number), ConfigID: c.config, Rank: c.rank.String(),
		Purpose: c.purpose, Reason: c.reason, Source: c.source, Gain: c.gain, Success: c.success,
		Replicate: c.replicate, Attempt: c.attempts + 1, LaunchID: c.began, Devices: c.devices, Parallel: l.parallel,
		Simulated: l.Lock.Simulated, EngineVersion: l.Lock.EngineVersion, Launch: l.Lock.Launch,
		Flags: l.Lattice.Args(point), Params: columns(l.Spec, cfg), Expected: l.Spec.Expectations(l.Lattice.Check(cfg).Canonical),
		Workload: l.Lock.Workload, OpenLoop: l.Lock.OpenLoop, SLO: l.Lock.SLO,
		StrictClient: l.Lock.StrictClient, CoolDownSeconds: l.Lock.CoolDownSeconds, GPUPrice: l.Lock.GPUPrice, Drift: l.driftNow(),
	}
	switch {
	case c.alone:
		p.Parallel = 1
	case c.together > 0:
		p.Parallel = c.together
	}
	if c.purpose == Test {
		p.Apart = Apart
	} else {
		l.markInterference(&p)
	}
	if flag := l.Lock.Launch.SeedFlag; flag != "" {
		p.Flags = append(p.Flags, flag, strconv.FormatUint(launchSeed(l.Lock.Seed, c.launch, c.faults), 10))
	}
	if p.Stopping, p.Before, err = l.stoppingOf(c); err == nil {
		p.Runs = l.left(p.Stopping, p.Before)
	}
	return p, err
}

// launchSeed is the same for the same launch after as many passing faults, whatever was
// launched before it and however often it was interrupted.
func launchSeed(seed uint64, of launch, faults int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", seed, of.config, 1+faults)
	if of.replicate > 0 {
		fmt.Fprintf(h, "/%d", of.replicate)
	}
	return h.Sum64() >> 32
}

// trialID names the n-th trial of a study, from 1.
func trialID(n int) string { return fmt.Sprintf("t%04d", n) }

// numberOf is the number of a trial; 0: it is not one of ours.
func numberOf(trialID string) (n int) {
	if _, err := fmt.Sscanf(trialID, "t%d", &n); err != nil {
		return 0
	}
	return n
}
