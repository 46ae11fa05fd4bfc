package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"harness/gpu"
	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/executor"
	"harness/results"
	"harness/search"
)

// Executor is where trials run: it owns the devices.
type Executor interface {
	// Free is the number of devices that a trial could have now; of a machine without
	// any, 1 where no trial runs.
	Free() int
	// Claim takes devices for a trial, all that there are where their number is 0; nil
	// where they are in use. first says that nothing else is to begin before it: then it
	// is in turn with other processes that share the devices. An *executor.UnfitError
	// says that they can never be had; another error ends the study's run.
	Claim(devices int, first bool) (executor.Slot, error)
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
		if len(l.running) == 0 && (err != nil || l.closed(ctx) || len(l.waiting) == 0 && !l.testDue()) {
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
	if l.watch.idle != nil {
		l.watch.idle()
	}
	over := ctx.Done()
	if len(l.running) > 0 {
		over = nil // they end with ctx, and are waited for
	}
	select {
	case f := <-l.finished:
		delete(l.running, f.plan.TrialID)
		f.slot.Release()
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
	if busy, err := l.testing(ctx, abort); busy || err != nil {
		return err
	}
	for !l.closed(ctx) && len(l.running) < l.parallel && !l.exclusive() {
		for (len(l.waiting) < l.ahead() || l.sentinelDue()) && l.ask() {
		}
		started, err := l.startOne(ctx, abort)
		if err != nil {
			return err
		}
		if !started && !l.askOn() {
			return nil
		}
	}
	return nil
}

// Configs that are asked for before there are devices for them. A design is known
// beforehand, and is packed the better the more of it is seen; what a search asks for
// early, it asks for knowing less.
const (
	designAhead = 256
	searchAhead = 4
)

// ahead is how many configs should wait where the oldest can begin.
func (l *loop) ahead() int {
	if l.parallel > 1 && (l.goal.Mode == search.SeedDesign || l.goal.Mode == search.Exhaustive) {
		return designAhead
	}
	return 1
}

// askOn asks for one more config where devices are free and no config that waits fits.
func (l *loop) askOn() bool {
	return l.parallel > 1 && len(l.waiting) < searchAhead && !l.waiting.held() && l.exec.Free() > 0 && l.ask()
}

func (l *loop) ask() bool {
	c := l.nextConfig()
	if c == nil {
		return false
	}
	if c.purpose == Sentinel {
		c.passed = maxPassed // what it watches goes on meanwhile: it is next
	}
	c.devices = l.Lattice.Devices(l.Lattice.Unrank(c.rank, nil))
	l.waiting = append(l.waiting, c)
	return true
}

// exclusive reports whether the trial that runs is to have no neighbours.
func (l *loop) exclusive() bool {
	for _, p := range l.running {
		if p.Parallel == 1 {
			return true
		}
	}
	return false
}

// startOne starts one of the configs that wait, if there is one whose devices are free.
func (l *loop) startOne(ctx, abort context.Context) (bool, error) {
	candidates := l.waiting.candidates()
	if l.parallel == 1 {
		candidates = l.waiting[:min(1, len(l.waiting))] // in the order of asks
	}
	for _, c := range candidates {
		if c.alone && len(l.running) > 0 {
			continue
		}
		slot, err := l.exec.Claim(c.devices, l.parallel == 1 || l.waiting.held())
		var unfit *executor.UnfitError
		if errors.As(err, &unfit) {
			l.waiting = l.waiting.take(c)
			return true, l.refuse(c, unfit)
		}
		if err != nil {
			return false, err
		}
		if slot != nil {
			l.waiting = l.waiting.take(c)
			return true, l.start(ctx, abort, c, slot)
		}
	}
	return false, nil
}

// start stores the plan of a config and starts its trial, unless there is nothing left
// to measure.
func (l *loop) start(ctx, abort context.Context, c *config, slot executor.Slot) error {
	p, err := l.planFor(c)
	if err == nil {
		err = l.writePlan(p)
	}
	if err != nil {
		slot.Release()
		return err
	}
	l.number++
	if c.attempts == 0 {
		l.count(c)
	}
	if l.watch.Begin != nil {
		l.watch.Begin(p, l.progress())
	}
	if len(p.Runs) == 0 {
		slot.Release()
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

// refuse records a config that needs more devices than are left: as a fault of the
// devices, which says nothing of the config.
func (l *loop) refuse(c *config, why error) error {
	p, err := l.planFor(c)
	if err == nil {
		err = l.writePlan(p)
	}
	if err != nil {
		return err
	}
	l.number++
	row := bench.Refused(p, nil, engine.GPUFault, why.Error(), gpu.Evidence{})
	if err := l.Store.WriteTrial(row); err != nil {
		return err
	}
	return l.record(p, row)
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
