package study

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"harness/harness/bench"
	"harness/harness/executor"
	"harness/results"
)

// Executor is where trials run: it owns the devices.
type Executor interface {
	// Free is the number of devices that a trial could have now; of a machine without
	// any, 1 where no trial runs.
	Free() int
	// Claim takes what a plan needs; nil where that is in use.
	Claim(p bench.Plan) (executor.Slot, error)
}

// finished is a trial that has ended. Err is the harness's own trouble.
type finished struct {
	plan bench.Plan
	slot executor.Slot
	row  results.Trial
	err  error
}

// retryEvery is how often a config that waits is tried again: other processes give
// devices back without a word.
const retryEvery = 250 * time.Millisecond

// dispatch keeps the devices busy until there is nothing left to do, and says why
// that is. The first trouble ends the trials that run.
func (l *loop) dispatch(ctx, abort context.Context) (reason string, err error) {
	trials, cancel := context.WithCancel(ctx)
	defer cancel()
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for {
		if err == nil && !l.closed(ctx) {
			err = l.fill(trials, abort)
		}
		if err != nil {
			cancel()
		}
		if len(l.running) == 0 && (err != nil || l.closed(ctx) || len(l.waiting) == 0) {
			break
		}
		if e := l.await(ctx, retry.C); err == nil {
			err = e
		}
	}
	switch {
	case err != nil:
		return "", err
	case ctx.Err() != nil:
		return Interrupted, nil
	case l.outOfTime():
		return OutOfBudget, nil
	}
	return l.ended(), nil
}

// closed reports whether no further trial may begin.
func (l *loop) closed(ctx context.Context) bool { return ctx.Err() != nil || l.outOfTime() }

func (l *loop) outOfTime() bool {
	return l.goal.Budget > 0 && time.Since(l.began) >= l.goal.Budget
}

// await waits for what may change what can be done next, and records a trial that
// has ended.
func (l *loop) await(ctx context.Context, retry <-chan time.Time) error {
	over := ctx.Done()
	if len(l.running) > 0 {
		over = nil // they end with ctx, and are waited for
	}
	select {
	case f := <-l.finished:
		delete(l.running, f.plan.TrialID)
		if f.slot != nil {
			f.slot.Release()
		}
		if f.err != nil {
			return f.err
		}
		return l.record(f.plan, f.row)
	case <-retry:
	case <-over:
	}
	return nil
}

// fill starts trials until no config that waits fits, or as many run as may.
func (l *loop) fill(ctx, abort context.Context) error {
	for !l.closed(ctx) && len(l.running) < l.parallel {
		blocked := false
		if len(l.waiting) > 0 {
			started, err := l.startOne(ctx, abort)
			if err != nil {
				return err
			}
			if started {
				continue
			}
			blocked = true
		}
		if !l.asks(blocked) {
			return nil
		}
		c := l.nextConfig()
		if c == nil {
			return nil
		}
		l.waiting = append(l.waiting, c)
	}
	return nil
}

// asks reports whether a further config is to be asked for.
func (l *loop) asks(blocked bool) bool { return !blocked }

// startOne starts the oldest config that waits, if its devices are free.
func (l *loop) startOne(ctx, abort context.Context) (bool, error) {
	c := l.waiting[0]
	p := l.planFor(c)
	var slot executor.Slot
	if !complete(p) {
		var err error
		if slot, err = l.exec.Claim(p); slot == nil || err != nil {
			return false, err
		}
	}
	l.waiting = l.waiting[1:]
	return true, l.start(ctx, abort, p, slot)
}

// start stores a plan and starts its trial; without a slot there is nothing left to
// measure.
func (l *loop) start(ctx, abort context.Context, p bench.Plan, slot executor.Slot) error {
	if err := l.writePlan(p); err != nil {
		if slot != nil {
			slot.Release()
		}
		return err
	}
	l.number++
	if l.watch.Begin != nil {
		l.watch.Begin(p, l.progress())
	}
	if slot == nil {
		row := bench.Complete(p)
		if err := l.Store.WriteTrial(row); err != nil {
			return err
		}
		return l.record(p, row)
	}
	l.running[p.TrialID] = p
	go func() {
		row, err := slot.Run(ctx, abort, p)
		l.finished <- finished{plan: p, slot: slot, row: row, err: err}
	}()
	return nil
}

func (l *loop) writePlan(p bench.Plan) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = l.Store.WritePlan(p.TrialID, data)
	}
	if err != nil {
		return fmt.Errorf("plan of trial %s: %w", p.TrialID, err)
	}
	return nil
}
