package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"harness/gpu"
	"harness/harness/engine"
	"harness/results"
)

// Telemetry is how a trial's GPUs are read while it lasts.
type Telemetry struct {
	Open      func(uuids []string) (gpu.Source, error) // nil: they are not read
	PerSecond float64                                  // 0: gpu.DefaultRate
}

// startMeter begins to read the trial's GPUs, if it has any. That they cannot be read
// is recorded, and no more: what is asked for are the server's speeds.
func (t *trial) startMeter(ctx context.Context, gpus []string) {
	if t.Telemetry.Open == nil || len(gpus) == 0 {
		return
	}
	source, err := t.Telemetry.Open(gpus)
	if err != nil {
		t.row.TelemetryFault = err.Error()
		t.say("launch", "telemetry: "+err.Error())
		return
	}
	if t.plan.Simulated {
		t.simulated = &simulatedGPUs{Source: source}
		source = t.simulated
	}
	t.meter = gpu.StartMeter(context.WithoutCancel(ctx), source, t.born, cmp.Or(t.Telemetry.PerSecond, gpu.DefaultRate))
}

// stopMeter ends the reading, and keeps what was read.
func (t *trial) stopMeter() {
	if t.meter == nil {
		return
	}
	readings := t.meter.Stop()
	if err := t.meter.Fault(); err != nil {
		t.row.TelemetryFault = err.Error()
	}
	for _, s := range gpu.Samples(readings) {
		t.samples = append(t.samples, results.Sample{StudyID: t.plan.StudyID, TrialID: t.plan.TrialID, RunID: t.runAt(s.TimeNS),
			TimeNS: s.TimeNS, Source: "gpu", Device: s.Device, Metric: s.Metric, Value: s.Value, Simulated: t.plan.Simulated})
	}
}

// window is when a run was, in ns since the trial's start.
type window struct {
	run      string
	from, to int64
}

// runAt is the run that lasted at a time, or "".
func (t *trial) runAt(ns int64) string {
	for _, w := range t.windows {
		if ns >= w.from && ns <= w.to {
			return w.run
		}
	}
	return ""
}

// readGPUs has them read at once, outside of a run.
func (t *trial) readGPUs() {
	if t.meter != nil {
		t.meter.ReadNow()
	}
}

// meterRun fills in what the GPUs did in a run that began at start and lasted for
// row.DurationS. It returns why that makes the run invalid, or "".
func (t *trial) meterRun(row *results.Run, start time.Time) (invalid string) {
	if price := t.plan.GPUPrice; price > 0 && row.OutputTPS > 0 {
		cost := costPerMillion(price, max(1, len(t.row.GPUs)), row.OutputTPS)
		row.CostPerMillion = &cost
	}
	if t.meter == nil {
		return ""
	}
	t.readGPUs()
	from := start.Sub(t.born)
	to := from + time.Duration(row.DurationS*float64(time.Second))
	t.windows = append(t.windows, window{row.RunID, from.Nanoseconds(), to.Nanoseconds()})
	u := t.meter.Usage(from, to)
	Meter(row, u)
	if u.ThrottledShare > maxThrottledShare {
		return fmt.Sprintf("the GPUs were slowed for %.0f %% of the time: %s", 100*u.ThrottledShare, u.Throttled)
	}
	return ""
}

// Meter fills what GPUs did and took while a run lasted into its row. Readings that
// were stored give the same again: gpu.UsageOf of the run's time.
func Meter(row *results.Run, u gpu.Usage) {
	row.EnergyJ, row.EnergySource, row.PowerMeanW = said(u.EnergyJ), u.EnergySource, said(u.MeanWatts)
	if row.OutputTokens > 0 {
		row.JoulesPerToken = said(u.EnergyJ / float64(row.OutputTokens))
	}
	row.MemoryPeakBytes, row.GPUUtilization, row.TemperatureMaxC = said(u.PeakMemoryBytes), said(u.Utilization), said(u.MaxTemperatureC)
	row.ThrottledShare, row.PowerCappedShare = said(u.ThrottledShare), said(u.PowerCappedShare)
}

// costPerMillion is what a million output tokens cost, by the price of an hour of one GPU.
func costPerMillion(price float64, gpus int, tokensPerSecond float64) float64 {
	return price * float64(gpus) / 3600 / tokensPerSecond * 1e6
}

// said is a number, or nil where it is not known.
func said(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// blameGPU makes a failure that of a GPU, where the meter saw one go wrong: what the
// server says of it is but what followed.
func (t *trial) blameGPU(f *engine.Failure) {
	if t.meter == nil || f == nil {
		return
	}
	var lost *gpu.LostError
	var xid *gpu.XidError
	if err := t.meter.Fault(); errors.As(err, &lost) || errors.As(err, &xid) {
		f.Class, f.Line = engine.GPUFault, err.Error()+"; the server: "+f.Line
	}
}

// gate puts what was found of the GPUs before the launch onto the row.
func gate(row *results.Trial, e gpu.Evidence) {
	if e.Verdict == "" {
		return
	}
	row.GateVerdict, row.GateReason, row.GateWaitSeconds = e.Verdict, e.Reason, e.WaitSeconds
	row.GateMemoryBytes, row.GateTemperatureC = said(e.MemoryBytes), said(e.TemperatureC)
}
