package bench

import (
	"context"
	"errors"
	"fmt"
	"math"

	"harness/harness/engine"
	"harness/harness/load"
)

// Warm-up goes in rounds at the highest concurrency until two rounds agree.
const (
	minWarmupRounds = 2
	maxWarmupRounds = 5
	steadyChange    = 0.10 // of output tokens/s, from one round to the next
)

// warmUp offers prompts that no run uses until the server is steady: graphs, caches
// and allocators of a fresh server make its first requests 2 to 3 times slower. A
// server that never gets steady within the bound is measured all the same; the row
// says so.
func (t *trial) warmUp(ctx context.Context) *engine.Failure {
	if len(t.plan.Runs) == 0 {
		return nil
	}
	top := 0
	for _, r := range t.plan.Runs {
		top = max(top, r.ConcurrencyGuess())
	}
	last := math.NaN()
	for round := 1; round <= maxWarmupRounds; round++ {
		t.say("warmup", fmt.Sprintf("round %d", round))
		o, f := t.offer(ctx, engine.PhaseWarmup, warmupBlock+uint64(round), Point{Concurrency: top}, max(4, top), nil)
		if f != nil || ctx.Err() != nil {
			return f
		}
		if o.late != "" {
			return t.diagnose(ctx, engine.PhaseWarmup, lateClass(o.late), o.late)
		}
		s := load.Summarize(o.result)
		if s.Failed == len(o.result.Records) {
			class, text := failureOf(t.requestRows("", o.result.Records))
			return t.diagnose(ctx, engine.PhaseWarmup, class, text)
		}
		if s.Failed == 0 {
			t.pace.warmed(top, s.OutputTPS)
		}
		if math.Abs(s.OutputTPS-last) <= steadyChange*last && round >= minWarmupRounds {
			t.row.WarmupSteady = true
			return nil
		}
		last = s.OutputTPS
	}
	return nil
}

// offered is a load that was offered.
type offered struct {
	prompts []load.Prompt
	result  *load.Result // nil: it could not be
	hope    *hope        // of a run that could have been cut short
	late    string       // why it was ended as one that takes too long; "" where it was not
}

// offer offers one load. It returns a failure when the server ended meanwhile. follow
// makes what may cut it short; nil: nothing does.
func (t *trial) offer(ctx context.Context, phase string, block uint64, point Point, requests int, follow func(string, []load.Prompt) *hope) (offered, *engine.Failure) {
	alive, cancel := t.alive(ctx)
	defer cancel()
	if most := t.source.Len(); most > 0 {
		requests = min(requests, most)
	}
	prompts := t.source.Prompts(block, requests)
	options := point.Options(t.plan.OpenLoop, prompts, t.plan.Workload.Seed+block)
	options.MaxFailures = max(4, requests/4)
	t.boundStalls(&options)
	o := offered{prompts: prompts}
	if follow != nil {
		o.hope = follow(point.LoadPoint(), prompts)
	}
	if o.hope != nil {
		options.Enough = o.hope.enough
	}
	if limit := t.pace.bound(point, prompts); limit != nil {
		bounded, end := context.WithTimeoutCause(alive, limit.limit, limit)
		defer end()
		alive = bounded
	}
	result, err := load.Run(alive, t.target, options)
	o.result = result
	if late := (*lateError)(nil); result != nil && errors.As(context.Cause(alive), &late) {
		o.late = late.reason(result.Records)
	}
	if ctx.Err() != nil {
		return o, nil
	}
	if err == nil && connectionsLost(result) {
		t.settle(ctx)
	}
	select {
	case <-t.server.Done():
		return o, t.diagnose(ctx, phase, engine.Crash, "the server ended")
	default:
	}
	if err != nil {
		return o, t.diagnose(ctx, phase, classOfError(err), err.Error())
	}
	return o, nil
}
