package study

import (
	"context"
	"fmt"
	"slices"
	"time"

	"harness/harness/bench"
	"harness/results"
	"harness/search"
)

// Progress is told to a watcher before and after each trial.
type Progress struct {
	Done, Total          int // configs of this purpose
	Running              int // trials
	Confirmed, ToConfirm int // launches that confirm, in the study
	Elapsed              time.Duration
	Left                 time.Duration // estimate; 0 before the first trial
}

// Watcher follows a run. Its functions may be nil; they are called one at a time.
type Watcher struct {
	Warn  func(text string)
	Note  func(text string) // what was found out on the way
	Begin func(p bench.Plan, at Progress)
	End   func(t results.Trial, runs []results.Run, at Progress)

	idle func() // all that can run runs, and the loop waits: tests drive their clock by it
}

// Reasons why a run of the loop ended; the search gives others of its own.
const (
	Complete    = "complete"
	Exhausted   = "every config of the lattice was measured"
	OutOfBudget = "the time budget is used up"
	Interrupted = "interrupted"
)

// loop is one run of a study. One goroutine owns all of it; the trials that it starts
// hand their rows back through one channel.
type loop struct {
	*Study
	goal         Goal
	aim          results.Aim
	watch        Watcher
	exec         Executor
	devices      int // of the executor, when the run began
	wanted       int // most trials at a time, if they may
	parallel     int // most trials at a time, now
	state        State
	tests        State // rows of the test of interference
	search       *search.Searcher
	redo         []*config // interrupted ones, to be measured first
	waiting      queue
	running      map[string]bench.Plan
	finished     chan finished
	done         int // configs of the goal's purpose
	total        int
	confirmed    int // launches
	confirmTotal int
	number       int // of the next trial
	began        time.Time
	spent        time.Duration // in trials of this run that have ended
	trials       int
	why          string // why the search thinks that asking on is of no use
	planned      []bench.RunPlan
	since        int // configs launched from the last launch of the default on
}

// Run asks for configs and measures them until the goal is reached, the lattice is
// exhausted, the budget is used up, or ctx ends. It says why it ended. No trial
// outlives it.
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
	aim, err := s.Lock.Aim()
	if err != nil {
		return "", fmt.Errorf("study %s: %w", s.Store.Dir, err)
	}
	l := &loop{Study: s, aim: aim, goal: goal, watch: watch, exec: exec, began: time.Now(),
		planned: bench.Ladder(s.Lock.LoadPoints, source, max(sentinelRuns, s.Lock.Repeats)),
		running: map[string]bench.Plan{}, finished: make(chan finished)}
	if err := l.resume(); err != nil {
		return "", err
	}
	l.want()
	if reason, err = l.dispatch(ctx, abort); err != nil {
		return "", err
	}
	return reason, l.close(reason)
}

// record takes a trial that has ended into the study's state, and tells the search.
func (l *loop) record(p bench.Plan, row results.Trial) error {
	runs, bad, err := l.Store.RunsOf(p.TrialID)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("trial %s: a part that was just written cannot be read: %w", p.TrialID, bad[0])
	}
	l.spent += time.Duration(row.TotalSeconds * float64(time.Second))
	l.trials++
	to := &l.state
	if isTest(row) {
		to = &l.tests
	}
	to.Trials, to.Runs = append(to.Trials, light(row)), append(to.Runs, runs...)
	if row.Outcome != results.Cancelled && !isTest(row) {
		if err := l.settle(p); err != nil {
			return err
		}
	}
	if l.watch.End != nil {
		l.watch.End(row, runs, l.progress())
	}
	if p.Purpose == Sentinel {
		if text := l.driftNow(); text != "" {
			l.watch.Warn("the machine drifted: the default is off what it was at first: " + text)
		}
	}
	return nil
}

// settle tells the search what came of a launch, or has it tried again.
func (l *loop) settle(p bench.Plan) error {
	known, err := configs(slices.DeleteFunc(slices.Clone(l.state.Trials), func(t results.Trial) bool {
		return launchOf(t) != launch{p.ConfigID, p.Replicate}
	}))
	if err != nil {
		return err
	}
	c := known[0]
	if c.outcome == results.Cancelled {
		l.redo = append(l.redo, c)
		return nil
	}
	switch {
	case l.goal.counts(p.Purpose):
		l.done++
	case p.Purpose == Confirm:
		l.confirmed++
	}
	return l.search.Tell(c.rank, outcomeOf(c, l.state.Runs, l.aim))
}

// progress estimates what is left by the mean trial and by how many ran at a time.
func (l *loop) progress() Progress {
	at := Progress{Done: l.done, Total: l.total, Running: len(l.running), Confirmed: l.confirmed, ToConfirm: l.confirmTotal, Elapsed: time.Since(l.began)}
	if l.trials > 0 {
		mean := l.spent / time.Duration(l.trials)
		atATime := min(float64(l.parallel), max(1, l.spent.Seconds()/max(at.Elapsed.Seconds(), 1e-9)))
		at.Left = time.Duration(float64(mean) * float64(max(0, l.total-l.done)+max(0, l.confirmTotal-l.confirmed)) / atATime)
	}
	return at
}
