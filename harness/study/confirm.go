package study

import (
	"harness/results"
)

// A confirmation is another launch of a config that the front depends on. It comes
// after the asks, where who is on the front is most in doubt.

// confirmation is the next one; nil where none is wanted, the front is not known yet
// since asks are under way, or nobody's place on it is in doubt.
func (l *loop) confirmation() *config {
	confirming := l.countPurpose(Confirm)
	if l.confirmed+confirming >= l.confirmTotal || l.underWay() > 0 {
		return nil
	}
	asks := l.search.Confirm(1)
	if len(asks) == 0 {
		return nil
	}
	a := asks[0]
	id := l.Lattice.Config(l.Lattice.Unrank(a.Rank, nil)).ID(l.Lock.Engine)
	return &config{launch: launch{id, l.nextReplicate(id)}, rank: a.Rank, purpose: Confirm, reason: a.Reason, source: a.Source}
}

// countPurpose counts the launches of a purpose that wait or run.
func (l *loop) countPurpose(purpose string) int {
	n := 0
	for _, c := range l.waiting {
		if c.purpose == purpose {
			n++
		}
	}
	for _, p := range l.running {
		if p.Purpose == purpose {
			n++
		}
	}
	return n
}

// Confirmed counts the launches that confirm, as far as they ended.
func Confirmed(trials []results.Trial) int {
	known, err := configs(trials)
	if err != nil {
		return 0
	}
	n := 0
	for _, c := range known {
		if c.purpose == Confirm && c.outcome != results.Cancelled {
			n++
		}
	}
	return n
}
