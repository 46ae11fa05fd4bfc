package bench

import (
	"context"
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"harness/gpu"
	"harness/harness/load"
	"harness/harness/load/mock"
	"harness/results/stat"
)

var (
	lagPairs   = flag.Int("lag-pairs", 6, "pairs of runs in TestTelemetryDelaysNoDispatch: 40 for the figures of the documentation")
	lagSeconds = flag.Float64("lag-seconds", 0.15, "length of each of these runs")
)

// quantiles are those of the lag that are compared, and by how much telemetry may not
// surely raise them. The lower ones are some microseconds: a delay would not leave them at
// four times that.
var quantiles = []struct{ at, most float64 }{{0.5, 4}, {0.9, 4}, {0.99, 1.25}}

// fakeDriver takes the time of eight GPUs' driver for each reading: so long on the CPU,
// and so long asleep in a call that holds its thread. Both are assumptions: no real one
// is at hand.
type fakeDriver struct{ busy, asleep time.Duration }

func (d fakeDriver) Read([]gpu.Reading) error {
	for until := time.Now().Add(d.busy); time.Now().Before(until); {
	}
	if d.asleep > 0 {
		ts := unix.NsecToTimespec(d.asleep.Nanoseconds())
		return unix.Nanosleep(&ts, nil)
	}
	return nil
}

func (d fakeDriver) Devices() []string { return []string{"0", "1", "2", "3", "4", "5", "6", "7"} }
func (d fakeDriver) Processes(context.Context) (map[string][]gpu.Process, error) {
	return nil, nil
}
func (d fakeDriver) Close() {}

// Requests leave no later while GPUs are read: runs with telemetry and without it are
// compared in pairs, one right after the other, by how late an open loop's sends were
// (client_lag_p99_s of runs). No time is asserted.
func TestTelemetryDelaysNoDispatch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of measuring")
	}
	server := mock.Start(t, mock.Options{})
	const rate = 1000
	prompts := make([]load.Prompt, int(rate**lagSeconds))
	for i := range prompts {
		prompts[i] = load.Prompt{TokenIDs: []int32{int32(i), 1, 2}, OutputTokens: 1}
	}
	// lag is how late the sends of a run were, at quantiles.
	lag := func(seed int, source gpu.Source, perSecond float64) (lags []float64) {
		if source != nil {
			meter := gpu.StartMeter(t.Context(), source, time.Now(), perSecond)
			defer meter.Stop()
		}
		res, err := load.Run(t.Context(), load.Target{URL: server.URL, API: load.Completions}, load.Options{Prompts: prompts, Rate: rate, Seed: uint64(seed)})
		if err != nil {
			t.Fatal(err)
		}
		var all []float64
		for _, r := range res.Records {
			all = append(all, float64(r.SendNS-r.SchedNS)/1e9)
		}
		for _, q := range quantiles {
			lags = append(lags, stat.Quantile(all, q.at))
		}
		return lags
	}
	for _, tt := range []struct {
		name      string
		driver    fakeDriver
		perSecond float64
	}{
		{"10 a second", fakeDriver{busy: 200 * time.Microsecond}, gpu.DefaultRate},
		{"100 a second", fakeDriver{busy: 200 * time.Microsecond}, 100},
		{"a slow driver", fakeDriver{busy: 200 * time.Microsecond, asleep: 50 * time.Millisecond}, gpu.DefaultRate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			with, without := make([][]stat.Run, len(quantiles)), make([][]stat.Run, len(quantiles))
			keep := func(to [][]stat.Run, pair int, lags []float64) {
				for q, v := range lags {
					to[q] = append(to[q], stat.Run{Block: int64(pair), Value: v})
				}
			}
			for pair := range *lagPairs {
				if pair%2 == 0 { // by turns, so that a machine that gets slower weighs on both
					keep(with, pair, lag(pair, tt.driver, tt.perSecond))
				}
				keep(without, pair, lag(pair, nil, 0))
				if pair%2 == 1 {
					keep(with, pair, lag(pair, tt.driver, tt.perSecond))
				}
			}
			for q, want := range quantiles {
				r := stat.Ratio(with[q], without[q])
				text := fmt.Sprintf("lag p%.0f with telemetry by without: %.3f [%.3f, %.3f] over %d pairs of %d requests; without %.1f us",
					100*want.at, r.Value, r.Low, r.High, r.N, len(prompts), 1e6*stat.Quantile(values(without[q]), 0.5))
				t.Log(text)
				surely, _ := stat.Compare(with[q], without[q], stat.Noise{}).Bounds(1e-3) // a test that is run daily
				if surely > math.Log(want.most) {
					t.Error("telemetry delays dispatches: " + text)
				}
			}
		})
	}
}

func values(runs []stat.Run) []float64 {
	var out []float64
	for _, r := range runs {
		out = append(out, r.Value)
	}
	return out
}
