package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
	"harness/space"
)

// Executor runs one plan and returns its row, which it has stored. An error is the
// harness's own trouble, and ends the study's run.
type Executor interface {
	Run(ctx, abort context.Context, p bench.Plan) (results.Trial, error)
}

// Purposes of trials.
const (
	Seed    = "seed"    // sweep
	Ask     = "ask"     // refine
	Control = "control" // refine's uniform draws, to hold the others against
)

// Goal is what one command wants of a study.
type Goal struct {
	Mode    search.Mode
	Purpose string        // Seed or Ask: what its trials are counted as
	Trials  int           // configs; for Seed in all, for Ask beyond those that there are
	Budget  time.Duration // no trial begins later than this after the start; 0: no bound
	Control float64       // share of the asks that are uniform draws, 0 to less than 1
}

// Progress is told to a watcher before and after each trial.
type Progress struct {
	Done, Total int // configs of this purpose
	Elapsed     time.Duration
	Left        time.Duration // estimate; 0 before the first trial
}

// Watcher follows a run. Its functions may be nil.
type Watcher struct {
	Warn  func(text string)
	Begin func(p bench.Plan, at Progress)
	End   func(t results.Trial, runs []results.Run, at Progress)
}

// Reasons why a run of the loop ended; the search gives others of its own.
const (
	Complete    = "complete"
	Exhausted   = "every config of the lattice was measured"
	OutOfBudget = "the time budget is used up"
	Interrupted = "interrupted"
)

// loop is one run of a study.
type loop struct {
	*Study
	goal    Goal
	watch   Watcher
	exec    Executor
	state   State
	search  *search.Searcher
	redo    []*config // interrupted ones, to be measured first
	done    int       // configs of the goal's purpose
	total   int
	next    int // number of the next trial
	began   time.Time
	spent   time.Duration // in trials of this run
	trials  int
	why     string // why the search thinks that asking on is of no use
	planned []bench.RunPlan
}

// Run asks for configs and measures them until the goal is reached, the lattice is
// exhausted, the budget is used up, or ctx ends. It says why it ended.
func (s *Study) Run(ctx, abort context.Context, exec Executor, goal Goal, watch Watcher) (reason string, err error) {
	unlock, err := s.Store.Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if watch.Warn == nil {
		watch.Warn = func(string) {}
	}
	source, err := s.Lock.Workload.Open()
	if err != nil {
		return "", err
	}
	l := &loop{Study: s, goal: goal, watch: watch, exec: exec, began: time.Now(), planned: bench.Ladder(s.Lock.LoadPoints, source, s.Lock.Repeats)}
	if err := l.resume(); err != nil {
		return "", err
	}
	for ctx.Err() == nil {
		if goal.Budget > 0 && time.Since(l.began) >= goal.Budget {
			return OutOfBudget, nil
		}
		plan, more, err := l.plan()
		if err != nil {
			return "", err
		}
		if !more {
			return l.ended(), nil
		}
		if err := l.execute(ctx, abort, plan); err != nil {
			return "", err
		}
	}
	return Interrupted, nil
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

// counts reports whether a trial of a purpose is one of the goal's: a sweep makes
// seeds, and all else is a refinement's.
func (g Goal) counts(purpose string) bool { return (purpose == Seed) == (g.Purpose == Seed) }

// resume brings the search to where the study is.
func (l *loop) resume() error {
	state, plans, err := l.recover(l.watch.Warn)
	if err != nil {
		return err
	}
	l.state = state
	known, err := configs(state.Trials)
	if err != nil {
		return err
	}
	for _, c := range known {
		if c.outcome == results.OK && !l.whole(c.id) {
			c.outcome = results.Cancelled // a part of it was lost
		}
		if c.outcome != results.Cancelled && l.goal.counts(c.purpose) {
			l.done++
		}
	}
	l.next = lastNumber(plans) + 1
	l.total = l.goalTotal(plans)
	l.search, err = search.New(l.Lattice, search.Options{Mode: l.goal.Mode, Seed: l.Lock.Seed, Budget: l.budget(known), Control: l.goal.Control})
	if err != nil {
		return err
	}
	for _, c := range known {
		if c.outcome == results.Cancelled {
			l.redo = append(l.redo, c)
			err = l.search.Hold(c.rank)
		} else {
			err = l.search.Tell(c.rank, outcomeOf(c, l.state.Runs))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// goalTotal is how many configs of the goal's purpose there will be. The same refine
// command after an interruption goes on to the goal that it had.
func (l *loop) goalTotal(plans []bench.Plan) int {
	if l.goal.Purpose == Seed {
		return l.goal.Trials
	}
	for _, p := range slices.Backward(plans) {
		if l.goal.counts(p.Purpose) {
			if p.Goal.Total > l.done && p.Goal.Trials == l.goal.Trials {
				return p.Goal.Total
			}
			break
		}
	}
	return l.done + l.goal.Trials
}

// budget is how many configs there will be in all.
func (l *loop) budget(known []*config) int {
	others := 0
	for _, c := range known {
		if !l.goal.counts(c.purpose) {
			others++
		}
	}
	return l.total + others
}

// plan makes the next trial's plan and stores it; more is false when there is
// nothing left to ask.
func (l *loop) plan() (p bench.Plan, more bool, err error) {
	var c *config
	switch {
	case len(l.redo) > 0:
		c, l.redo = l.redo[0], l.redo[1:]
	case l.done >= l.total:
		return p, false, nil
	default:
		if reason, done := l.search.Done(); done && l.goal.Mode == search.Hybrid {
			l.why = reason
			return p, false, nil
		}
		asks := l.search.Ask(1)
		if len(asks) == 0 {
			return p, false, nil
		}
		a := asks[0]
		c = &config{rank: a.Rank, purpose: a.Purpose, reason: a.Reason, source: a.Source, gain: a.Gain, success: a.Success}
		if l.goal.Purpose == Ask && c.purpose == Seed {
			c.purpose = Ask // the design of a refinement that has too little to go by
		}
	}
	p = l.planFor(c)
	data, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = l.Store.WritePlan(p.TrialID, data)
	}
	if err != nil {
		return p, false, fmt.Errorf("plan of trial %s: %w", p.TrialID, err)
	}
	l.next++
	return p, true, nil
}

func (l *loop) planFor(c *config) bench.Plan {
	point := l.Lattice.Unrank(c.rank, nil)
	cfg := l.Lattice.Config(point)
	p := bench.Plan{
		StudyID: l.Lock.ID, TrialID: trialID(l.next), ConfigID: cfg.ID(l.Lock.Engine), Rank: c.rank.String(),
		Purpose: c.purpose, Reason: c.reason, Source: c.source, Gain: c.gain, Success: c.success, Attempt: c.attempts + 1,
		Simulated: l.Lock.Simulated, EngineVersion: l.Lock.EngineVersion, Launch: l.Lock.Launch,
		Flags: l.Lattice.Args(point), Params: columns(l.Spec, cfg), Expected: l.Spec.Expectations(l.Lattice.Check(cfg).Canonical),
		Workload: l.Lock.Workload, OpenLoop: l.Lock.OpenLoop,
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

func (l *loop) execute(ctx, abort context.Context, p bench.Plan) error {
	if l.watch.Begin != nil {
		l.watch.Begin(p, l.progress())
	}
	row, err := l.measure(ctx, abort, p)
	if err != nil {
		return err
	}
	runs, bad, err := l.Store.RunsOf(p.TrialID)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("trial %s: a part that was just written cannot be read: %w", p.TrialID, bad[0])
	}
	l.state.Trials = append(l.state.Trials, row)
	l.state.Runs = append(l.state.Runs, runs...)
	l.spent += time.Duration(row.TotalSeconds * float64(time.Second))
	l.trials++
	if row.Outcome != results.Cancelled {
		if l.goal.counts(p.Purpose) {
			l.done++
		}
		if err := l.tell(p); err != nil {
			return err
		}
	}
	if l.watch.End != nil {
		l.watch.End(row, runs, l.progress())
	}
	return nil
}

// measure hands a plan to the executor, unless there is nothing left to measure.
func (l *loop) measure(ctx, abort context.Context, p bench.Plan) (results.Trial, error) {
	if len(p.Runs) > 0 {
		return l.exec.Run(ctx, abort, p)
	}
	row := bench.Complete(p)
	return row, l.Store.WriteTrial(row)
}

func (l *loop) tell(p bench.Plan) error {
	rank, err := space.ParseRank(p.Rank)
	if err != nil {
		return err
	}
	c := &config{id: p.ConfigID, rank: rank}
	for _, t := range l.state.Trials {
		if t.ConfigID == p.ConfigID {
			c.trials = append(c.trials, t)
		}
	}
	return l.search.Tell(rank, outcomeOf(c, l.state.Runs))
}

func (l *loop) progress() Progress {
	at := Progress{Done: l.done, Total: l.total, Elapsed: time.Since(l.began)}
	if l.trials > 0 {
		at.Left = l.spent / time.Duration(l.trials) * time.Duration(max(0, l.total-l.done))
	}
	return at
}

// ErrNoHistory is returned where there is nothing that a refinement could build on.
var ErrNoHistory = errors.New("the study has no trial that ended well yet: run `harness sweep` first")
