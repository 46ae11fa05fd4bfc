package bench

import (
	"context"
	"fmt"
	"time"

	"harness/harness/bench/stop"
	"harness/harness/engine"
)

// climb measures the planned runs, round by round of the ladder, but those of load
// points that are decided.
func (t *trial) climb(ctx context.Context) (*engine.Failure, error) {
	made := 0
	for i, r := range t.plan.Runs {
		if t.verdict(r.LoadPoint()).Decision != stop.Continue {
			continue
		}
		if made++; made > 1 && !t.coolDown(ctx) {
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

// coolDown leaves the machine alone for as long as the plan has it; false: ctx ended.
func (t *trial) coolDown(ctx context.Context) bool {
	if t.plan.CoolDownSeconds <= 0 {
		return true
	}
	began := time.Now()
	defer func() { t.spent += time.Since(began) }()
	t.say("cool-down", "")
	timer := time.NewTimer(time.Duration(t.plan.CoolDownSeconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
