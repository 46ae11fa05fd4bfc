package results

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantile(t *testing.T) {
	oneToTen := []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	for _, tt := range []struct {
		xs   []float64
		q    float64
		want float64 // numpy.quantile(xs, q), numpy 1.26
	}{
		{oneToTen, 0.99, 9.91},
		{oneToTen, 0.5, 5.5},
		{oneToTen, 0.9, 9.1},
		{oneToTen, 0, 1},
		{oneToTen, 1, 10},
		{[]float64{3}, 0.99, 3},
		{[]float64{1, 2}, 0.25, 1.25},
	} {
		if got := Quantile(tt.xs, tt.q); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("Quantile(%v, %v) = %v, want %v", tt.xs, tt.q, got, tt.want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) {
		t.Error("the quantile of nothing is a number")
	}
	if oneToTen[0] != 10 {
		t.Error("Quantile sorted its input")
	}
}

func TestEstimateOf(t *testing.T) {
	// Logs 0, 1, 2: mean 1, sd 1, se 1/sqrt(3); t(0.975, 2) = 4.302653 (R: qt).
	e := EstimateOf([]float64{1, math.E, math.E * math.E})
	half := 4.302652729911275 / math.Sqrt(3)
	if e.N != 3 || math.Abs(e.Value-math.E) > 1e-12 || math.Abs(math.Log(e.Low)-(1-half)) > 1e-9 || math.Abs(math.Log(e.High)-(1+half)) > 1e-9 {
		t.Errorf("three runs: %+v", e)
	}
	if e := EstimateOf([]float64{5}); e.N != 1 || e.Value != 5 || !math.IsNaN(e.Low) || !math.IsNaN(e.LogSE) {
		t.Errorf("one run: %+v, want no interval", e)
	}
	// n = 6: the extremes hold the median with 97 %; n = 10: the 2nd and 9th with 98 %.
	if e := EstimateOf([]float64{6, 1, 5, 2, 4, 3}); e.Low != 1 || e.High != 6 {
		t.Errorf("six runs: %+v", e)
	}
	if e := EstimateOf([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); e.Low != 2 || e.High != 9 {
		t.Errorf("ten runs: %+v", e)
	}
}

// The interval must hold the true median of log-normal runs in at least about 95 %.
func TestIntervalsCover(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, n := range []int{2, 3, 5, 6, 10} {
		const sims = 4000
		covered := 0
		for range sims {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = math.Exp(0.1 * rng.NormFloat64())
			}
			if e := EstimateOf(xs); e.Low <= 1 && 1 <= e.High {
				covered++
			}
		}
		// 0.95 less three standard errors of 4,000 draws.
		if share := float64(covered) / sims; share < 0.94 {
			t.Errorf("n = %d: %.3f of the intervals hold the truth", n, share)
		}
	}
}

func TestCollect(t *testing.T) {
	trials := []Trial{
		{TrialID: "t1", ConfigID: "a", Outcome: Cancelled},
		{TrialID: "t2", ConfigID: "b", Outcome: Failed},
		{TrialID: "t3", ConfigID: "a", Outcome: OK},
	}
	run := func(trial, config, point string, valid bool, ttft, tps float64) Run {
		return Run{TrialID: trial, ConfigID: config, LoadPoint: point, Concurrency: 1, Valid: valid, TTFTP50S: ttft, OutputTPS: tps}
	}
	got := Collect(trials, []Run{
		run("t1", "a", "c1", true, 1, 10), // before the interruption: counts
		run("t3", "a", "c1", true, 3, 30),
		run("t3", "a", "c1", false, 99, 99), // invalid: kept, not counted
		run("t2", "b", "c1", true, 2, 20),   // its trial failed
	})
	if len(got) != 1 || got[0].TrialID != "t3" || got[0].TTFT.N != 2 || got[0].TTFT.Value != 2 || got[0].TPS.Value != 20 {
		t.Errorf("got %+v", got)
	}
}
