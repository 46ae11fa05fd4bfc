package bench

import (
	"context"
	"fmt"
	"time"

	"harness/harness/bench/stop"
	"harness/harness/engine"
	"harness/results"
)

// climb measures the planned runs, round by round of the ladder, but those of load
// points that are decided.
func (t *trial) climb(ctx context.Context) (*engine.Failure, error) {
	made := 0
	for i, r := range t.plan.Runs {
		if t.verdict(r.LoadPoint()).Decision != stop.Continue {
			continue
		}
		if made++; made > 1 && !t.rest(ctx, t.plan.coolDown()) {
			return nil, nil
		}
		of := fmt.Sprintf("%d of %d", i+1, len(t.plan.Runs))
		if t.plan.Stopping.Rule != nil {
			of = fmt.Sprintf("of at most %d", t.plan.Stopping.Repeats)
		}
		t.say("run", fmt.Sprintf("%s, repeat %d (%s)", r.LoadPoint(), r.Repeat, of))
		if f, err := t.run(ctx, r); f != nil || err != nil || ctx.Err() != nil {
			return f, err
		}
	}
	return nil, nil
}

// heatRest is how long GPUs that heat or their supply has slowed are left alone, at
// least, before the run is tried again: as long as a card takes to lose most of what it
// gained.
const heatRest = 30 * time.Second

// restAfter is how long the machine is left alone after an invalid run.
func restAfter(row results.Run, planned time.Duration) time.Duration {
	if row.ThrottledShare != nil && *row.ThrottledShare > maxThrottledShare {
		return max(heatRest, planned)
	}
	return planned
}

func (p Plan) coolDown() time.Duration {
	return time.Duration(p.CoolDownSeconds * float64(time.Second))
}

// rest leaves the machine alone for so long; false: ctx ended.
func (t *trial) rest(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return true
	}
	began := time.Now()
	defer func() { t.spent += time.Since(began) }()
	t.say("cool-down", pause.String())
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
