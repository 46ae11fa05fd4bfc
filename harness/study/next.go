package study

import "harness/search"

// nextConfig is what to measure next: first what an interruption or a passing fault left,
// then a sentinel where one is due, then what the search asks for, at last what confirms
// the front. nil where there is nothing to ask now: the goal is reached once the trials
// under way have ended, or the search has no more to offer.
func (l *loop) nextConfig() *config {
	if len(l.redo) > 0 {
		c := l.redo[0]
		l.redo = l.redo[1:]
		return c
	}
	if l.sentinelDue() {
		return l.sentinel()
	}
	if c := l.newConfig(); c != nil {
		return c
	}
	return l.confirmation()
}

// newConfig is the next config that was not launched before; nil where there is none.
func (l *loop) newConfig() *config {
	if l.done+l.underWay() >= l.total || l.why != "" {
		return nil
	}
	if reason, done := l.search.Done(); done && l.goal.Mode == search.Hybrid {
		l.why = reason
		return nil
	}
	asks := l.search.Ask(1)
	if len(asks) == 0 {
		return nil
	}
	a := asks[0]
	c := &config{rank: a.Rank, purpose: a.Purpose, reason: a.Reason, source: a.Source, gain: a.Gain, success: a.Success}
	if l.goal.Purpose == Ask && c.purpose == Seed {
		c.purpose = Ask // the design of a refinement that has too little to go by
	}
	return c
}

// underWay counts the configs that wait or run and will count for the goal.
func (l *loop) underWay() int {
	n := 0
	for _, c := range l.waiting {
		if l.goal.counts(c.purpose) {
			n++
		}
	}
	for _, p := range l.running {
		if l.goal.counts(p.Purpose) {
			n++
		}
	}
	return n
}

// ended says why there is nothing more to ask.
func (l *loop) ended() string {
	switch {
	case l.done >= l.total:
		return Complete
	case l.why != "":
		return l.why
	}
	return Exhausted
}
