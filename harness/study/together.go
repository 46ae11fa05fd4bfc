package study

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"harness/harness/bench"
	"harness/harness/executor"
	"harness/results"
)

// What the test may cost.
const (
	mostAlone  = 3 // launches alone
	mostBeside = 2 // batches beside each other
	testRuns   = 3 // at each load point of a launch of the test
)

// Apart is the reason for which runs of the test, though good, are stored as invalid.
const Apart = "interference test"

// A trial is the test's own by its purpose.
func isTest(t results.Trial) bool { return t.Purpose == Test }

// testing goes on with the test of interference while one is due: it starts the test's
// next launches, or comes to a verdict. Until there is a config that the test can be
// made with, trials run one at a time.
func (l *loop) testing(ctx, abort context.Context) (busy bool, err error) {
	if !l.testDue() {
		return false, nil
	}
	if len(l.running) > 0 {
		return true, nil
	}
	base := l.testBase()
	together := min(l.wanted, l.devices/base.devices)
	alone, beside := l.testRows(base)
	launches, v := l.judge(base, alone, beside, together)
	if v != nil {
		return false, l.allow(*v)
	}
	return true, l.startTest(ctx, abort, base, launches)
}

// testDue reports whether there is something to gain by a test, and a config to make it
// with.
func (l *loop) testDue() bool {
	return l.wanted > 1 && l.Lock.Interference == nil && !l.trusted() && l.done < l.total && l.why == "" && l.testBase() != nil
}

// testBase is the config that the test is made with: the first that went well alone,
// and of which two fit beside each other.
func (l *loop) testBase() *config {
	known, err := configs(l.state.Trials)
	if err != nil {
		return nil // resume has read the same
	}
	for _, c := range known {
		c.devices = l.Lattice.Devices(l.Lattice.Unrank(c.rank, nil))
		if c.outcome == results.OK && c.devices > 0 && 2*c.devices <= l.devices && c.trials[0].Parallel <= 1 {
			return c
		}
	}
	return nil
}

// testRows are the good runs of the test's config, alone and beside others.
func (l *loop) testRows(base *config) (alone, beside []results.Run) {
	parallel := map[string]bool{}
	for _, t := range slices.Concat(base.trials, l.tests.Trials) {
		if t.ConfigID == base.config && t.Outcome == results.OK {
			parallel[t.TrialID] = t.Parallel > 1
		}
	}
	for _, r := range slices.Concat(l.state.Runs, l.tests.Runs) {
		p, known := parallel[r.TrialID]
		switch {
		case !known || !r.Valid && r.InvalidReason != Apart:
		case p:
			beside = append(beside, r)
		default:
			alone = append(alone, r)
		}
	}
	return alone, beside
}

// judge comes to a verdict, or says how many launches are to be made next: one alone,
// or several at a time.
func (l *loop) judge(base *config, alone, beside []results.Run, together int) (launches int, v *Interference) {
	v = &Interference{ConfigID: base.config, Together: together, Alone: launchesOf(alone), Beside: launchesOf(beside), At: time.Now().UTC().Truncate(time.Second)}
	batches, singles, failed := l.tried(base)
	if failed >= 2 {
		v.Why = fmt.Sprintf("%d launches of the test failed", failed)
		return 0, v
	}
	if v.Beside == 0 && batches == 0 {
		return together, nil
	}
	all := ratios(alone, beside, l.aim.Objectives[:])
	decided, allowed, why := verdict(all)
	if !decided && 1+singles < mostAlone {
		return 1, nil
	}
	if !decided && batches < mostBeside {
		return together, nil
	}
	v.Allowed, v.Why = allowed, why
	v.Ratios = slices.DeleteFunc(all, func(r results.Ratio) bool { return math.IsNaN(r.Low) || math.IsNaN(r.High) })
	return 0, v
}

// tried counts the launches of the test: batches of several, single ones, and failures.
func (l *loop) tried(base *config) (batches, singles, failed int) {
	at := map[string]bool{}
	for _, t := range l.tests.Trials {
		switch {
		case t.ConfigID != base.config || t.Outcome == results.Cancelled:
		case t.Outcome == results.Failed:
			failed++
		case t.Parallel > 1:
			at[t.Reason] = true
		default:
			singles++
		}
	}
	return len(at), singles, failed
}

// startTest starts launches of the test's config at the same time, once the devices for
// all of them are free.
func (l *loop) startTest(ctx, abort context.Context, base *config, launches int) error {
	var slots []executor.Slot
	for range launches {
		slot, err := l.exec.Claim(base.devices, false)
		if err != nil || slot == nil {
			for _, s := range slots {
				s.Release()
			}
			return err
		}
		slots = append(slots, slot)
	}
	reason := fmt.Sprintf("interference: alone (%s)", trialID(l.number))
	if launches > 1 {
		reason = fmt.Sprintf("interference: %d at a time (from %s)", launches, trialID(l.number))
	}
	for i, slot := range slots {
		c := &config{launch: launch{base.config, l.nextReplicate(base.config)}, rank: base.rank, purpose: Test, reason: reason,
			devices: base.devices, alone: launches == 1, together: launches}
		if err := l.start(ctx, abort, c, slot); err != nil {
			for _, s := range slots[i+1:] {
				s.Release()
			}
			return err
		}
	}
	return nil
}

// allow takes a verdict into the lockfile, and acts on it.
func (l *loop) allow(v Interference) error {
	l.Lock.Interference = &v
	if err := updateLock(l.Store.Dir, l.Lock); err != nil {
		return fmt.Errorf("record whether trials may run beside each other: %w", err)
	}
	l.setParallel()
	if l.watch.Note != nil {
		l.watch.Note(v.Text(l.wanted))
	}
	return nil
}

// setParallel is as many trials at a time as are wanted, if that is allowed.
func (l *loop) setParallel() {
	l.parallel = 1
	if l.trusted() || l.Lock.Interference != nil && l.Lock.Interference.Allowed {
		l.parallel = max(1, l.wanted)
	}
}

func (l *loop) trusted() bool { return l.goal.Trust }

// markInterference tells a plan what is known of neighbours when it begins.
func (l *loop) markInterference(p *bench.Plan) {
	v := l.Lock.Interference
	if v != nil {
		p.Interference, p.InterferenceWhy, p.InterferenceRatios = results.NeighboursRefused, v.Why, v.Ratios
	}
	switch {
	case v != nil && v.Allowed:
		p.Interference = results.NeighboursAllowed
	case l.trusted() && l.parallel > 1:
		p.Interference = results.NeighboursTrusted
	}
}

// split takes the test's own rows out of a state: they count for nothing else.
func (s State) split() (state, tests State) {
	if !slices.ContainsFunc(s.Trials, isTest) {
		return s, State{}
	}
	own := map[string]bool{}
	for _, t := range s.Trials {
		own[t.TrialID] = isTest(t)
	}
	state.Bad = s.Bad
	for _, t := range s.Trials {
		if own[t.TrialID] {
			tests.Trials = append(tests.Trials, t)
		} else {
			state.Trials = append(state.Trials, t)
		}
	}
	for _, r := range s.Runs {
		if own[r.TrialID] {
			tests.Runs = append(tests.Runs, r)
		} else {
			state.Runs = append(state.Runs, r)
		}
	}
	return state, tests
}

// want decides how many trials at a time there may be.
func (l *loop) want() {
	l.devices = l.exec.Free()
	switch {
	case l.Lattice.Devices(l.Lattice.Default()) == 0: // a server takes all that there is
		l.wanted = 1
	case l.goal.Parallel != Auto:
		l.wanted = min(l.goal.Parallel, l.devices)
	case l.trusted() || l.Lock.Interference != nil || l.worthTest():
		l.wanted = l.devices
	}
	l.setParallel()
}

// worthTest reports whether a study has so much left to do that the test, of about two
// rounds of launches, pays.
func (l *loop) worthTest() bool {
	total := uint64(l.total)
	if n, fits := l.Lattice.Count().Uint64(); fits {
		total = min(total, n)
	}
	return int(total)-l.done >= 2*l.devices
}
