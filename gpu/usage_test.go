package gpu

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func cmpDiff(a, b any) string { return cmp.Diff(a, b, cmpopts.EquateNaNs()) }

func asError[E error](err error, target *E) bool { return errors.As(err, target) }

// at makes a reading at some seconds.
func at(seconds float64, device string, values map[Metric]float64) Reading {
	r := unread(device)
	r.TimeNS = int64(seconds * 1e9)
	for m, v := range values {
		r.Values[m] = v
	}
	return r
}

func ns(seconds float64) int64 { return int64(seconds * 1e9) }

func TestUsage(t *testing.T) {
	nan := math.NaN()
	// 100 W for two seconds, then 300 W; the counter says the same.
	counted := []Reading{
		at(0, "a", map[Metric]float64{Power: 100, Energy: 1000, MemoryUsed: 5, Temperature: 40, Throttle: 0, Utilization: 0.2}),
		at(1, "a", map[Metric]float64{Power: 100, Energy: 1100, MemoryUsed: 5, Throttle: 0, Utilization: 0.2}),
		at(2, "a", map[Metric]float64{Power: 300, Energy: 1200, MemoryUsed: 9, Throttle: 0x24, Utilization: 1}),
		at(3, "a", map[Metric]float64{Power: 300, Energy: 1500, MemoryUsed: 7, Temperature: 60, Throttle: 0x4, Utilization: 1}),
		at(4, "a", map[Metric]float64{Power: 300, Energy: 1800, MemoryUsed: 7, Throttle: 0, Utilization: 1}),
	}
	without := func(ms ...Metric) []Reading {
		var out []Reading
		for _, r := range counted {
			for _, m := range ms {
				r.Values[m] = nan
			}
			out = append(out, r)
		}
		return out
	}
	other := func(rs []Reading) []Reading {
		var out []Reading
		for _, r := range rs {
			out = append(out, r)
			r.Device = "b"
			out = append(out, r)
		}
		return out
	}
	back := without()
	back[4].Values[Energy] = 10 // the driver was loaded anew
	for _, tt := range []struct {
		name     string
		readings []Reading
		from, to float64
		want     Usage
	}{
		{"by the counter, edges between readings", counted, 0.5, 3.5, Usage{Devices: 1, Readings: 3, EnergyJ: 600, EnergySource: "counter", MeanWatts: 200, PeakMemoryBytes: 9,
			Utilization: (1.5*0.2 + 1.5*1) / 3, MaxTemperatureC: 60, ThrottledShare: 1.0 / 3, PowerCappedShare: 0.5, Throttled: "sw_thermal", GapSeconds: 1}},
		{"beyond the last reading, by its power", counted, 3, 4.5, Usage{Devices: 1, Readings: 2, EnergyJ: 450, EnergySource: "counter", MeanWatts: 300, PeakMemoryBytes: 7,
			Utilization: 1, MaxTemperatureC: 60, ThrottledShare: 0, PowerCappedShare: 1.0 / 1.5, GapSeconds: 1}},
		{"no counter", without(Energy), 1, 4, Usage{Devices: 1, Readings: 4, EnergyJ: 700, EnergySource: "power", MeanWatts: 700.0 / 3, PeakMemoryBytes: 9,
			Utilization: (0.2 + 2) / 3, MaxTemperatureC: 60, ThrottledShare: 1.0 / 3, PowerCappedShare: 2.0 / 3, Throttled: "sw_thermal", GapSeconds: 1}},
		{"a counter that went back", back, 1, 4, Usage{Devices: 1, Readings: 4, EnergyJ: 700, EnergySource: "power", MeanWatts: 700.0 / 3, PeakMemoryBytes: 9,
			Utilization: (0.2 + 2) / 3, MaxTemperatureC: 60, ThrottledShare: 1.0 / 3, PowerCappedShare: 2.0 / 3, Throttled: "sw_thermal", GapSeconds: 1}},
		{"neither", without(Energy, Power, Throttle), 1, 4, Usage{Devices: 1, Readings: 4, EnergyJ: nan, MeanWatts: nan, PeakMemoryBytes: 9,
			Utilization: (0.2 + 2) / 3, MaxTemperatureC: 60, ThrottledShare: nan, PowerCappedShare: nan, GapSeconds: 1}},
		{"two devices", other(counted), 1, 3, Usage{Devices: 2, Readings: 6, EnergyJ: 800, EnergySource: "counter", MeanWatts: 400, PeakMemoryBytes: 9,
			Utilization: 0.6, MaxTemperatureC: 40, ThrottledShare: 0.5, PowerCappedShare: 0.5, Throttled: "sw_thermal", GapSeconds: 1}},
		{"long after", counted, 10, 20, Usage{Devices: 1, EnergyJ: nan, MeanWatts: nan, PeakMemoryBytes: nan, Utilization: nan, MaxTemperatureC: nan, ThrottledShare: nan, PowerCappedShare: nan, GapSeconds: 10}},
		{"no readings", nil, 0, 1, Usage{EnergyJ: nan, MeanWatts: nan, PeakMemoryBytes: nan, Utilization: nan, MaxTemperatureC: nan, ThrottledShare: nan, PowerCappedShare: nan, GapSeconds: nan}},
		{"no time", counted, 2, 2, Usage{EnergyJ: nan, MeanWatts: nan, PeakMemoryBytes: nan, Utilization: nan, MaxTemperatureC: nan, ThrottledShare: nan, PowerCappedShare: nan, GapSeconds: nan}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := UsageOf(tt.readings, ns(tt.from), ns(tt.to))
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What was stored in the long form sums up to the same.
func TestUsageFromSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var readings []Reading
		for i := range rapid.IntRange(0, 20).Draw(t, "readings") {
			for _, device := range []string{"a", "b"} {
				r := at(float64(i)/10, device, nil)
				for m := range r.Values {
					if rapid.IntRange(0, 3).Draw(t, "said") > 0 {
						r.Values[m] = float64(rapid.IntRange(0, 1000).Draw(t, "value"))
					}
				}
				r.Values[Power] = 1 // one value at least
				readings = append(readings, r)
			}
		}
		from, to := rapid.Int64Range(0, 2e9).Draw(t, "from"), rapid.Int64Range(0, 2e9).Draw(t, "to")
		back := Readings(Samples(readings))
		if diff := cmpDiff(readings, back); diff != "" && len(readings) > 0 {
			t.Fatal(diff)
		}
		if diff := cmpDiff(UsageOf(readings, from, to), UsageOf(back, from, to)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Energy of neighbouring spans adds up, and shares are shares.
func TestUsageAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var readings []Reading
		energy := 0.0
		for i := range 30 {
			watts := float64(rapid.IntRange(50, 700).Draw(t, "watts"))
			readings = append(readings, at(float64(i)/10, "a", map[Metric]float64{Power: watts, Energy: energy, Throttle: float64(rapid.IntRange(0, 255).Draw(t, "reasons"))}))
			energy += watts / 10
		}
		a, b, c := int64(1e8), rapid.Int64Range(2e8, 27e8).Draw(t, "between"), int64(28e8)
		whole, left, right := UsageOf(readings, a, c), UsageOf(readings, a, b), UsageOf(readings, b, c)
		if math.Abs(whole.EnergyJ-left.EnergyJ-right.EnergyJ) > 1e-6 || whole.EnergyJ < 50*2.7-1e-6 || whole.EnergyJ > 700*2.7+1e-6 {
			t.Fatalf("%v is not %v and %v", whole.EnergyJ, left.EnergyJ, right.EnergyJ)
		}
		for _, u := range []Usage{whole, left, right} {
			if !(u.ThrottledShare >= 0 && u.ThrottledShare <= 1 && u.PowerCappedShare >= 0 && u.PowerCappedShare <= 1) {
				t.Fatalf("%+v", u)
			}
		}
	})
}

func TestReasonNames(t *testing.T) {
	for bits, want := range map[uint64]string{0: "", 0x1: "", 0x4: "sw_power_cap", 0xE8: "hw_slowdown, sw_thermal, hw_thermal, hw_power_brake", 0x100: ""} {
		if got := reasonNames(bits); got != want {
			t.Errorf("%#x: %q, want %q", bits, got, want)
		}
	}
	if throttled(0x4|0x1|0x2) != 0 || throttled(0x20|0x4) != 0x20 {
		t.Error("a power limit is no throttling, heat is")
	}
}

func BenchmarkUsageEightDevicesMinute(b *testing.B) {
	var readings []Reading
	for i := range 600 {
		for d := range 8 {
			readings = append(readings, at(float64(i)/10, string(rune('a'+d)), map[Metric]float64{Power: 300, Energy: float64(i) * 30, MemoryUsed: 1e9, Throttle: 4, Utilization: 1, Temperature: 60}))
		}
	}
	for b.Loop() {
		UsageOf(readings, ns(10), ns(50))
	}
}
