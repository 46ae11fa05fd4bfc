// Package bench is the measurement protocol of one trial: what is done to one
// server, in which order, and when a number may be used.
//
// The stages, in order: launch on free GPUs; readiness, noticing an early end; one
// real generation; the effective configuration; warm-up with other prompts until
// steady; then run after run flush, load, validity gate, one Parquet part, until each
// load point is measured enough (Stopping); then the server's end. Whatever goes wrong
// becomes a classified row, never an abort of the study. Plan goes in, parts on disk
// come out, and nothing else.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"harness/gpu"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

// Event tells a watcher where a trial is. Events are for people; nothing depends on
// them.
type Event struct {
	TrialID string
	Phase   string // launch | warmup | run | cool-down | stop
	Detail  string
	GPUs    []string // UUIDs that it has; none: no lease
}

// Runner runs trials. Watch may be nil.
type Runner struct {
	Store     results.Store
	Watch     func(Event)
	Telemetry Telemetry
	Gate      gpu.Evidence // what was found of the GPUs before; zero: nobody looked
	CPUs      []int        // that the server may run on; nil: all that this process may
}

// trial is the state of one running trial.
type trial struct {
	Runner
	plan    Plan
	source  *load.Source
	server  *engine.Server
	target  load.Target
	row     results.Trial
	tries   []Tried // of this config and replicate, those of earlier launches first
	born    time.Time
	spent   time.Duration // in what a trial is for: all but harness's own work
	samples []results.Sample
	pace    pace
	late    string // why the last run was ended as one that takes too long; "" where it was not

	meter     *gpu.Meter     // nil: the GPUs are not read
	simulated *simulatedGPUs // nil: they are real
	windows   []window       // of the runs, in their order
}

// Run measures a plan on the given GPUs (as CUDA_VISIBLE_DEVICES takes them; none: the
// child sees what the caller sees) and returns the trial's row, which it has stored.
// When ctx ends, the trial is ended and recorded as cancelled; when abort ends, the
// server is killed without grace. err is for the harness's own trouble (a disk that
// is full): then no row was stored, and the trial counts as interrupted.
func (r Runner) Run(ctx, abort context.Context, p Plan, gpus []string) (results.Trial, error) {
	source, err := p.Workload.Open()
	if err != nil {
		return results.Trial{}, fmt.Errorf("trial %s: %w", p.TrialID, err)
	}
	t := &trial{Runner: r, plan: p, source: source, born: time.Now(), row: newRow(p, gpus), tries: slices.Clone(p.Before)}
	t.row.StartedAt = t.born.UTC() // of one reading: the row's end is its start and TotalSeconds
	for _, i := range r.CPUs {
		t.row.CPUs = append(t.row.CPUs, int32(i))
	}
	gate(&t.row, r.Gate)
	t.startMeter(ctx, gpus)
	failure, err := t.measure(ctx, gpus)
	t.blameGPU(failure)
	t.stop(abort)
	t.stopMeter()
	if err != nil {
		return results.Trial{}, fmt.Errorf("trial %s: %w", p.TrialID, err)
	}
	t.finish(ctx, failure)
	if len(t.samples) > 0 {
		if err := r.Store.WriteSamples(p.TrialID, t.samples); err != nil {
			return results.Trial{}, err
		}
	}
	return t.row, r.Store.WriteTrial(t.row)
}

func newRow(p Plan, gpus []string) results.Trial {
	host, _ := os.Hostname()
	return results.Trial{
		StudyID: p.StudyID, TrialID: p.TrialID, ConfigID: p.ConfigID, Rank: p.Rank,
		Purpose: p.Purpose, Reason: p.Reason, Source: p.Source, ExpectedGain: p.Gain, PSuccess: p.Success,
		Replicate: int32(p.Replicate), Attempt: int32(p.Attempt), LaunchID: p.launchID(), Parallel: int32(p.Parallel), Drift: p.Drift,
		Interference: p.Interference, InterferenceWhy: p.InterferenceWhy, InterferenceRatios: p.InterferenceRatios,
		Engine: p.Launch.Engine, EngineVersion: p.EngineVersion, Model: p.Launch.Model,
		Simulated: p.Simulated, Host: host, GPUs: gpus, Params: p.Params, StartedAt: time.Now().UTC(),
	}
}

// Interrupted is the row of a trial that has a plan and no row: the harness ended
// before it did. It keeps the runs that were finished joined to a trial.
func Interrupted(p Plan) results.Trial {
	row := newRow(p, nil)
	row.Outcome, row.FailureClass = results.Cancelled, engine.Cancelled
	row.FailureLine = "the harness ended before the trial did"
	return row
}

// Complete is the row of a trial whose runs were all measured by the launches before
// it: the harness ended between the last run and the trial's row, or the row was lost.
func Complete(p Plan) results.Trial {
	row := newRow(p, nil)
	row.Outcome = results.OK
	return row
}

// Refused is the row of a trial that was not begun, since its devices were not fit for
// it: of class gpu_fault or harness_error. found is what a gate saw, or zero.
func Refused(p Plan, gpus []string, class, line string, found gpu.Evidence) results.Trial {
	row := newRow(p, gpus)
	gate(&row, found)
	row.Outcome, row.FailureClass, row.FailureLine, row.Phase = results.Failed, class, line, engine.PhaseStart
	return row
}

// measure goes through the stages up to the last run. A nil failure means that all
// was measured, or that ctx ended.
func (t *trial) measure(ctx context.Context, gpus []string) (*engine.Failure, error) {
	began := time.Now()
	f, err := t.launch(ctx, gpus)
	t.spent += time.Since(began)
	if f != nil || err != nil || ctx.Err() != nil {
		return f, err
	}
	began = time.Now()
	f = t.warmUp(ctx)
	t.row.WarmupSeconds = time.Since(began).Seconds()
	t.spent += time.Since(began)
	if f != nil || ctx.Err() != nil {
		return f, nil
	}
	began = time.Now()
	defer func() { t.row.MeasureSeconds = time.Since(began).Seconds() }()
	return t.climb(ctx)
}

func (t *trial) stop(abort context.Context) {
	if t.server == nil {
		return
	}
	t.say("stop", "")
	began := time.Now()
	t.server.Stop(abort, t.server.StopGrace())
	t.row.StopSeconds = time.Since(began).Seconds()
	t.spent += time.Since(began)
}

// finish fills the outcome into the row.
func (t *trial) finish(ctx context.Context, f *engine.Failure) {
	t.row.Outcome = results.OK
	total := time.Since(t.born)
	t.row.TotalSeconds, t.row.HarnessSeconds = total.Seconds(), (total - t.spent).Seconds()
	if f == nil && ctx.Err() != nil {
		t.row.Outcome, t.row.FailureClass = results.Cancelled, engine.Cancelled
		t.row.FailureLine = "ended from outside"
	}
	if f == nil {
		return
	}
	t.row.Outcome, t.row.FailureClass, t.row.Phase = results.Failed, f.Class, f.Phase
	t.row.FailureLine, t.row.LogTail = f.Line, f.Tail
	after := f.After.Seconds()
	t.row.FailureSeconds = &after
	if f.Exit != nil {
		status := int32(f.Exit.Status)
		t.row.ExitStatus = &status
	}
}

func (t *trial) say(phase, detail string) {
	if t.Watch != nil {
		t.Watch(Event{TrialID: t.plan.TrialID, Phase: phase, Detail: detail, GPUs: t.row.GPUs})
	}
}
