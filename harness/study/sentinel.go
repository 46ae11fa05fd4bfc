package study

import (
	"slices"

	"harness/results"
)

// A sentinel is another launch of the engine's default config. What it measures tells
// whether the machine is still what it was, and how much launches differ.

// isDefault reports whether a config is the engine's default.
func (s *Study) isDefault(c *config) bool {
	return slices.Equal(s.Lattice.Unrank(c.rank, nil), s.Lattice.Default())
}

// count follows how many configs were launched since the default last was, that one
// included where it was asked for like the others.
func (l *loop) count(c *config) {
	switch {
	case c.purpose == Sentinel:
		l.since = 0
	case c.replicate > 0:
	case l.isDefault(c):
		l.since = 1
	default:
		l.since++
	}
}

// sentinelDue reports whether the default is to be launched again now: after so many
// configs, and where it works.
func (l *loop) sentinelDue() bool {
	return l.Lock.SentinelEvery > 0 && l.since >= l.Lock.SentinelEvery && !l.sentinelUnderWay() && l.baseline() != nil
}

func (l *loop) sentinelUnderWay() bool {
	for _, p := range l.running {
		if p.Purpose == Sentinel {
			return true
		}
	}
	return slices.ContainsFunc(l.waiting, func(c *config) bool { return c.purpose == Sentinel })
}

// baseline is the default's own measurement; nil where it has none that went well.
func (l *loop) baseline() *config {
	known, err := configs(l.state.Trials)
	if err != nil {
		return nil // resume has read the same
	}
	i := slices.IndexFunc(known, func(c *config) bool { return c.replicate == 0 && c.outcome == results.OK && l.isDefault(c) })
	if i < 0 {
		return nil
	}
	return known[i]
}

func (l *loop) sentinel() *config {
	base := l.baseline()
	return &config{launch: launch{base.config, l.nextReplicate(base.config)}, rank: base.rank, purpose: Sentinel,
		reason: "the default again, against drift"}
}

// nextReplicate is the number of the next further launch of a config.
func (l *loop) nextReplicate(config string) int {
	last := 0
	for _, t := range slices.Concat(l.state.Trials, l.tests.Trials) {
		if t.ConfigID == config {
			last = max(last, int(t.Replicate))
		}
	}
	for _, p := range l.running {
		if p.ConfigID == config {
			last = max(last, p.Replicate)
		}
	}
	for _, c := range l.waiting {
		if c.config == config {
			last = max(last, c.replicate)
		}
	}
	return last + 1
}
