package study

import (
	"errors"
	"time"

	"harness/search"
)

// Purposes of trials.
const (
	Seed    = "seed"    // sweep
	Ask     = "ask"     // refine
	Control = "control" // refine's uniform draws, to hold the others against

	// Further launches of known configs, which count for no goal.
	Sentinel = "sentinel" // of the engine's default, against drift
	Confirm  = "confirm"  // of what the front depends on

	Test = "interference" // of whether trials may run beside each other; no result counts
)

// Auto is a Goal's Parallel that leaves it to the study.
const Auto = -1

// Goal is what one command wants of a study.
type Goal struct {
	Mode    search.Mode
	Purpose string        // Seed or Ask: what its trials are counted as
	Trials  int           // configs; for Seed in all, for Ask beyond those that there are
	Budget  time.Duration // no trial begins later than this after the start; 0: no bound
	Control float64       // share of the asks that are uniform draws, 0 to less than 1
	Confirm int           // launches at most, after the asks, that confirm the front; only with Ask

	// Parallel is the most trials at a time, where a test shows that they do not disturb
	// each other; 0 is 1, Auto as many as there are devices, where the study is long
	// enough for the test to pay. Trust does without the test.
	Parallel int
	Trust    bool
}

// counts reports whether a trial of a purpose is one of the goal's: a sweep makes
// seeds, and all else that is new is a refinement's.
func (g Goal) counts(purpose string) bool {
	if purpose == Sentinel || purpose == Confirm || purpose == Test {
		return false
	}
	return (purpose == Seed) == (g.Purpose == Seed)
}

// aimFor sets how far the goal goes, in configs of its purpose and confirming launches.
// The same refine command after an interruption goes on to the goal that it had.
func (l *loop) aimFor() error {
	if l.goal.Purpose == Seed {
		l.total = l.goal.Trials
		return nil
	}
	w, known, err := l.readWish()
	if err != nil {
		return err
	}
	if !known || !w.goesOn(l.goal) {
		w = wish{Trials: l.goal.Trials, Confirm: l.goal.Confirm, Total: l.done + l.goal.Trials, ConfirmTotal: l.confirmed + l.goal.Confirm}
	}
	w.Ended = ""
	l.total, l.confirmTotal = w.Total, w.ConfirmTotal
	return l.writeWish(w)
}

// close says in the study how the goal ended.
func (l *loop) close(reason string) error {
	if l.goal.Purpose == Seed {
		return nil
	}
	return l.writeWish(wish{Trials: l.goal.Trials, Confirm: l.goal.Confirm, Total: l.total, ConfirmTotal: l.confirmTotal, Ended: reason})
}

// budget is how many configs there will be in all.
func (l *loop) budget(known []*config) int {
	others := 0
	for _, c := range known {
		if c.replicate == 0 && !l.goal.counts(c.purpose) {
			others++
		}
	}
	return l.total + others
}

// ErrNoHistory is returned where there is nothing that a refinement could build on.
var ErrNoHistory = errors.New("the study has no trial that ended well yet: run `harness sweep` first")
