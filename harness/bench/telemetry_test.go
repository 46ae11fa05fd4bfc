package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"harness/gpu"
	"harness/harness/engine"
	"harness/results"
)

// fakeGPUs draw 200 W each; fault is what the reads say from
// the given one on.
type fakeGPUs struct {
	uuids  []string
	reads  int
	after  int
	fault  error
	slow   bool
	closed atomic.Bool
}

func (s *fakeGPUs) Read(into []gpu.Reading) error {
	s.reads++
	for i := range into {
		into[i].Set("power_w", 200)
		into[i].Set("memory_bytes", 70e9)
		into[i].Set("utilization", 0.5)
		into[i].Set("temperature_c", 60)
		into[i].Set("throttle_reasons", 0x4)
		if s.slow {
			into[i].Set("throttle_reasons", 0x40)
		}
	}
	if s.fault != nil && s.reads > s.after {
		return s.fault
	}
	return nil
}

func (s *fakeGPUs) Devices() []string { return s.uuids }
func (s *fakeGPUs) Processes(context.Context) (map[string][]gpu.Process, error) {
	return nil, nil
}
func (s *fakeGPUs) Close() { s.closed.Store(true) }

func measureOn(t *testing.T, p Plan, source *fakeGPUs, gate gpu.Evidence) outcome {
	t.Helper()
	o := outcome{Store: testStore(t)}
	open := func(uuids []string) (gpu.Source, error) { source.uuids = uuids; return source, nil }
	row, err := Runner{Store: o.Store, Telemetry: Telemetry{Open: open, PerSecond: 200}, Gate: gate}.Run(t.Context(), t.Context(), p, []string{"GPU-a", "GPU-b"})
	if err != nil {
		t.Fatal(err)
	}
	return o.read(t, row)
}

func TestTelemetry(t *testing.T) {
	t.Parallel()
	p := testPlan(t)
	p.GPUPrice = 3.6
	source := &fakeGPUs{}
	o := measureOn(t, p, source, gpu.Evidence{Verdict: gpu.GateMarked, Reason: "hot", WaitSeconds: 2, MemoryBytes: math.NaN(), TemperatureC: 80})
	if o.trial.Outcome != results.OK || o.trial.GateVerdict != "marked" || o.trial.GateReason != "hot" || o.trial.GateMemoryBytes != nil || *o.trial.GateTemperatureC != 80 || o.trial.TelemetryFault != "" || !source.closed.Load() {
		t.Errorf("%+v", o.trial)
	}
	if len(o.runs) != 4 {
		t.Fatalf("%d runs", len(o.runs))
	}
	for _, r := range o.runs {
		energy := 400 * r.DurationS
		if r.EnergyJ == nil || math.Abs(*r.EnergyJ-energy) > 1e-6*energy || r.EnergySource != "power" || math.Abs(*r.PowerMeanW-400) > 1e-6 || *r.JoulesPerToken != *r.EnergyJ/float64(r.OutputTokens) {
			t.Errorf("%s: energy %v of %g J", r.RunID, r.EnergyJ, energy)
		}
		if *r.MemoryPeakBytes != 70e9 || *r.GPUUtilization != 0.5 || *r.TemperatureMaxC != 60 || *r.ThrottledShare != 0 || *r.PowerCappedShare != 1 || !r.Valid {
			t.Errorf("%+v", r)
		}
		if want := 3.6 * 2 / 3600 / r.OutputTPS * 1e6; math.Abs(*r.CostPerMillion-want) > 1e-9*want {
			t.Errorf("cost %g, want %g", *r.CostPerMillion, want)
		}
	}
	recompute(t, o)
}

// recompute derives the runs' energy anew from the samples that were stored.
func recompute(t *testing.T, o outcome) {
	t.Helper()
	rows, err := o.Samples("t0001")
	if err != nil {
		t.Fatal(err)
	}
	var samples []gpu.Sample
	for _, s := range rows {
		if s.Source != "gpu" {
			continue
		}
		samples = append(samples, gpu.Sample{TimeNS: s.TimeNS, Device: s.Device, Metric: s.Metric, Value: s.Value})
	}
	readings := gpu.Readings(samples)
	for _, r := range o.runs {
		from := r.StartedAt.Sub(o.trial.StartedAt).Nanoseconds()
		u := gpu.UsageOf(readings, from, from+int64(r.DurationS*1e9))
		if math.Abs(u.EnergyJ / *r.EnergyJ - 1) > 0.01 {
			t.Errorf("%s: %g J from the samples, %g in the row", r.RunID, u.EnergyJ, *r.EnergyJ)
		}
	}
}

// A reading belongs to the run in which it was taken.
func TestRunAt(t *testing.T) {
	r := trial{windows: []window{{"a", 10, 20}, {"b", 30, 40}}}
	for ns, want := range map[int64]string{0: "", 10: "a", 20: "a", 25: "", 35: "b", 41: ""} {
		if got := r.runAt(ns); got != want {
			t.Errorf("%d: %q, want %q", ns, got, want)
		}
	}
}

func TestTelemetryFaults(t *testing.T) {
	t.Parallel()
	lost := &gpu.LostError{Device: "GPU-b", Why: "it has fallen off the bus"}
	for _, tt := range []struct {
		name, flag string
		fault      error
		class      string
		line       string
	}{
		{"a server that dies of its GPU", "-die", lost, engine.GPUFault, "GPU GPU-b is lost: it has fallen off the bus; the server: "},
		{"a server that dies, and a GPU that was not read", "-die", errors.New("no permission"), engine.Crash, ""},
		{"a server that lives on", "", lost, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var flags []string
			if tt.flag != "" {
				flags = []string{tt.flag, "1"}
			}
			o := measureOn(t, testPlan(t, flags...), &fakeGPUs{fault: tt.fault, after: 1}, gpu.Evidence{})
			if o.trial.FailureClass != tt.class || !strings.HasPrefix(o.trial.FailureLine, tt.line) || o.trial.TelemetryFault != tt.fault.Error() || o.trial.GateVerdict != "" {
				t.Errorf("%s: %s, fault %q", o.trial.FailureClass, o.trial.FailureLine, o.trial.TelemetryFault)
			}
		})
	}
}

// A run that heat has slowed does not count. The GPUs rest after it: the trial is ended there.
func TestThrottledRunsAreInvalid(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := outcome{Store: testStore(t)}
	source := &fakeGPUs{slow: true}
	open := func(uuids []string) (gpu.Source, error) { source.uuids = uuids; return source, nil }
	watch := func(e Event) {
		if strings.Contains(e.Detail, "is invalid") {
			cancel()
		}
	}
	row, err := Runner{Store: o.Store, Watch: watch, Telemetry: Telemetry{Open: open}}.Run(ctx, t.Context(), testPlan(t), []string{"GPU-a"})
	if err != nil {
		t.Fatal(err)
	}
	o = o.read(t, row)
	if len(o.runs) != 1 || o.runs[0].Valid || o.runs[0].InvalidReason != "the GPUs were slowed for 100 % of the time: hw_thermal" {
		t.Errorf("%d runs, %+v", len(o.runs), o.runs)
	}
}

func TestTelemetryThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	o := outcome{Store: testStore(t)}
	open := func([]string) (gpu.Source, error) { return nil, errors.New("the driver hangs") }
	p := testPlan(t)
	p.Runs = p.Runs[:1]
	row, err := Runner{Store: o.Store, Telemetry: Telemetry{Open: open}}.Run(t.Context(), t.Context(), p, []string{"GPU-a"})
	if err != nil || row.Outcome != results.OK || row.TelemetryFault != "the driver hangs" {
		t.Errorf("%+v %v", row, err)
	}
	if o = o.read(t, row); o.runs[0].EnergyJ != nil || o.runs[0].EnergySource != "" || o.runs[0].CostPerMillion != nil {
		t.Errorf("%+v", o.runs[0])
	}
}
