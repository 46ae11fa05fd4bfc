package load

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestScheduleConstant(t *testing.T) {
	for _, tt := range []struct {
		n    int
		rate float64
		want []int64
	}{
		{0, 5, []int64{}},
		{1, 4, []int64{250e6}},
		{4, 4, []int64{250e6, 500e6, 750e6, 1000e6}},
		{2, 0.5, []int64{2e9, 4e9}},
	} {
		if got := schedule(Constant, tt.n, tt.rate, 1, 0, false); !slices.Equal(got, tt.want) {
			t.Errorf("%d at %v/s: %v, want %v", tt.n, tt.rate, got, tt.want)
		}
	}
	// Gaps so bursty that all are 0 in floating point.
	if got := schedule(Gamma, 2, 4, 1e-9, 1, false); !slices.Equal(got, []int64{0, 500e6}) {
		t.Errorf("all at once: %v, want the last at n/rate", got)
	}
	const day = 3 * 86400
	if got := schedule(Constant, day, 3, 1, 0, false)[day-1]; got != 86400e9 {
		t.Errorf("after a day at 3/s: %d, want no drift", got)
	}
}

// Every schedule is sorted, ends at n/rate, and is the same for the same seed.
func TestScheduleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arrival := rapid.SampledFrom([]Arrival{Constant, Poisson, Gamma}).Draw(t, "arrival")
		n := rapid.IntRange(1, 300).Draw(t, "n")
		rate := rapid.Float64Range(1e-3, 1e5).Draw(t, "rate")
		burstiness := rapid.Float64Range(0.01, 100).Draw(t, "burstiness")
		seed := rapid.Uint64().Draw(t, "seed")
		due := schedule(arrival, n, rate, burstiness, seed, false)
		if !slices.IsSorted(due) || due[0] < 0 {
			t.Fatalf("not in order: %v", due)
		}
		if want := int64(math.Round(float64(n) / rate * 1e9)); due[n-1] != want {
			t.Fatalf("the last is due at %d, want %d", due[n-1], want)
		}
		if !slices.Equal(due, schedule(arrival, n, rate, burstiness, seed, false)) {
			t.Fatal("the same seed gave another schedule")
		}
		if n > 10 && arrival != Constant && slices.Equal(due, schedule(arrival, n, rate, burstiness, seed+1, false)) {
			t.Fatal("another seed gave the same schedule")
		}
	})
}

// The gaps' coefficient of variation is 1 for Poisson and 1/sqrt(k) for a gamma of
// shape k, and all their mean is 1/rate.
func TestScheduleVariation(t *testing.T) {
	const n, rate = 20000, 50.0
	for _, tt := range []struct {
		arrival    Arrival
		burstiness float64
		want       float64
	}{{Constant, 1, 0}, {Poisson, 1, 1}, {Gamma, 1, 1}, {Gamma, 4, 0.5}, {Gamma, 0.25, 2}} {
		due := schedule(tt.arrival, n, rate, tt.burstiness, 7, false)
		var sum, squares float64
		last := int64(0)
		for _, d := range due {
			gap := float64(d-last) / 1e9
			sum += gap
			squares += gap * gap
			last = d
		}
		mean := sum / n
		cv := math.Sqrt(max(0, squares/n-mean*mean)) / mean
		if math.Abs(mean*rate-1) > 1e-9 || math.Abs(cv-tt.want) > 0.05*tt.want+1e-3 {
			t.Errorf("%s(%v): mean gap %v, variation %v; want %v, %v", tt.arrival, tt.burstiness, mean, cv, 1/rate, tt.want)
		}
	}
}

// Exponential gaps, by the Kolmogorov-Smirnov distance of 20 seeds: at the 1 %
// level (1.63/sqrt(n)) at most two of them may be refused.
func TestSchedulePoissonIsPoisson(t *testing.T) {
	const n, rate = 2000, 100.0
	refused := 0
	for seed := range uint64(20) {
		due := schedule(Poisson, n, rate, 1, seed, false)
		gaps := make([]float64, n)
		last := int64(0)
		for i, d := range due {
			gaps[i], last = float64(d-last)/1e9, d
		}
		slices.Sort(gaps)
		distance := 0.0
		for i, g := range gaps {
			p := 1 - math.Exp(-g*rate)
			distance = max(distance, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
		}
		if distance > 1.63/math.Sqrt(n) {
			refused++
		}
	}
	if refused > 2 {
		t.Errorf("%d of 20 schedules are not Poisson", refused)
	}
}
