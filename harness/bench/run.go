package bench

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"harness/harness/bench/stop"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

// run measures one planned run, again where it comes out invalid; tries before an
// interruption count. Every try is kept on disk; only a valid one counts. A run that stays invalid because its requests
// fail ends the trial. One that was cut short is no worse for it: it decides.
func (t *trial) run(ctx context.Context, r RunPlan) (*engine.Failure, error) {
	for try := 1 + invalidTries(t.tries, r.LoadPoint(), r.Repeat); ; try++ {
		row, requests, f, err := t.try(ctx, r, try)
		if f != nil || err != nil || requests == nil || row.Valid || len(row.Bounds) > 0 {
			return f, err
		}
		t.say("run", fmt.Sprintf("%s, repeat %d, is invalid: %s", r.LoadPoint(), r.Repeat, row.InvalidReason))
		if try >= MaxTries {
			if class, text := failureOfRun(row, requests); class != "" {
				return t.diagnose(ctx, engine.PhaseRun, class, text), nil
			}
			return nil, nil
		}
		if !t.rest(ctx, restAfter(row, t.plan.coolDown())) {
			return nil, nil
		}
	}
}

// try measures a run once, and stores it. There are no requests where ctx ended it or
// nothing could be offered: then nothing was stored.
func (t *trial) try(ctx context.Context, r RunPlan, try int) (row results.Run, requests []results.Request, f *engine.Failure, err error) {
	began := time.Now()
	flushed, err := t.server.Flush(ctx)
	if err != nil && ctx.Err() == nil {
		class, text := classOfFlush(err), "flush of the prefix cache: "+err.Error()
		if t.late != "" { // it is at work on the requests of that run still
			class, text = lateClass(t.late), t.late+"; then "+text
		}
		return row, nil, t.diagnose(ctx, engine.PhaseRun, class, text), nil
	}
	t.readGPUs()
	started := time.Now().UTC()
	block := r.Block + uint64(try-1)*retryBlocks // a new try has new prompts
	o, f := t.offer(ctx, engine.PhaseRun, block, r.Point, r.Requests, t.plan.Stopping.newHope)
	t.spent += time.Since(began)
	t.late = o.late
	if o.result == nil || ctx.Err() != nil {
		return row, nil, f, nil // a run that was interrupted is no run
	}
	id := fmt.Sprintf("%s-%s", t.plan.TrialID, r.Key())
	if try > 1 {
		id = fmt.Sprintf("%s.%d", id, try)
	}
	requests = t.requestRows(id, o.result.Records)
	row = t.runRow(id, r, o)
	row.StartedAt, row.Flushed, row.Block = started, flushed, int64(block)
	if f != nil {
		row.Valid, row.InvalidReason = false, f.Class+": "+f.Line
	}
	t.decide(&row, o.hope)
	if err := t.Store.WriteRun(t.kept(row), requests); err != nil {
		return row, nil, nil, err
	}
	if f == nil {
		began = time.Now()
		t.sample(ctx, id)
		t.spent += time.Since(began)
	}
	if row.Valid {
		t.pace.ran(r.Point, row.OutputTPS)
	}
	return row, requests, f, nil
}

// kept is a run as it is stored: of a trial that is apart, none is valid, so that every
// query for results leaves it out.
func (t *trial) kept(row results.Run) results.Run {
	if t.plan.Apart != "" && row.Valid {
		row.Valid, row.InvalidReason = false, t.plan.Apart
	}
	return row
}

// decide fills in what follows from a run, and remembers it.
func (t *trial) decide(row *results.Run, h *hope) {
	if h.cut() {
		h.mark(row)
	}
	t.tries = append(t.tries, Tries(t.plan.Stopping.Rule, []results.Run{*row})...)
	if v := t.verdict(row.LoadPoint); !h.cut() {
		row.Decision, row.DecisionWhy = string(v.Decision), v.Why
	}
}

// verdict is what is decided of a load point by now.
func (t *trial) verdict(loadPoint string) stop.Verdict {
	return t.plan.Stopping.Verdict(loadPoint, t.tries)
}

// sample scrapes the server's metrics, between runs so that it disturbs none.
func (t *trial) sample(ctx context.Context, runID string) {
	metrics, err := t.server.Metrics(ctx)
	if err != nil {
		t.say("run", "metrics: "+err.Error())
	}
	now := time.Since(t.born).Nanoseconds()
	for _, m := range metrics {
		if strings.HasSuffix(m.Name, "_created") {
			continue // when a counter was made: a third of what vLLM exports
		}
		t.samples = append(t.samples, results.Sample{StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: runID,
			TimeNS: now, Source: "server", Device: m.Labels, Metric: m.Name, Value: m.Value, Simulated: t.plan.Simulated})
	}
}

// runRow is the row of a planned run.
func (t *trial) runRow(id string, r RunPlan, o offered) results.Run {
	s := load.Rules{SLO: t.plan.SLO}.Summarize(o.result.Records)
	row := runRow(r.Point, s, sharedTokens(o.prompts, o.result.Records), o.result)
	row.StudyID, row.TrialID, row.RunID, row.ConfigID = t.plan.StudyID, t.plan.TrialID, id, t.plan.ConfigID
	row.LaunchID = t.plan.launchID()
	row.Repeat, row.API, row.Simulated = int32(r.Repeat), string(t.target.API), t.plan.Simulated
	row.Seed, row.GPUCount = int64(t.plan.Workload.Seed), int32(len(t.row.GPUs))
	if t.plan.SLO.Limits() {
		row.GoodRPS = &s.GoodRPS
	}
	if row.InvalidReason = cmp.Or(o.late, invalidReason(row)); row.InvalidReason == "" {
		row.InvalidReason = t.pace.slow(r.Point, row.OutputTPS, row.DurationS)
	}
	if row.InvalidReason == "" && row.ClientFaults != "" && t.plan.StrictClient {
		row.InvalidReason = clientPrefix + row.ClientFaults
	}
	if slowed := t.meterRun(&row, o.result.Start); row.InvalidReason == "" {
		row.InvalidReason = slowed
	}
	row.Valid = row.InvalidReason == ""
	return row
}

func (t *trial) requestRows(runID string, records []load.Record) []results.Request {
	return RequestRows(results.Request{StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: runID,
		API: string(t.target.API), Simulated: t.plan.Simulated}, records)
}
