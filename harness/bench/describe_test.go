package bench

import (
	"math"
	"testing"
)

// As numpy 2.4.6 gives them: np.mean, np.std, np.percentile of the same values.
func TestDescribe(t *testing.T) {
	values := []float64{0.3, 0.1, 2.5, 0.7, 0.7, 1.1, 0.25}
	d := Describe(values)
	same := func(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }
	if d.N != 7 || !same(d.Mean, 0.8071428571428572) || !same(d.Std, 0.7599006379730423) || d.Min != 0.1 || d.Max != 2.5 || values[0] != 0.3 {
		t.Errorf("%+v", d)
	}
	for i, want := range []float64{0.7, 1.6600000000000006, 2.079999999999999, 2.4159999999999995, 2.491600000000001} {
		if !same(d.Quantiles[i], want) {
			t.Errorf("%s: %v, want %v", QuantileNames[i], d.Quantiles[i], want)
		}
	}
	if d := Describe(nil); d.N != 0 || !math.IsNaN(d.Mean) || !math.IsNaN(d.Quantiles[0]) || !math.IsNaN(d.Max) {
		t.Errorf("of nothing: %+v", d)
	}
}

// Failed requests count as infinitely slow.
func TestAdjusted(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	if got, want := Adjusted(values, 0), Describe(values); got != want {
		t.Errorf("without failures: %+v, want %+v", got, want)
	}
	d := Adjusted(values, 1) // 1 2 3 4 inf: p50 is 3; p90 lies between 4 and infinity
	if d.N != 5 || d.Quantiles[0] != 3 || !math.IsInf(d.Quantiles[1], 1) || !math.IsInf(d.Mean, 1) || d.Min != 1 {
		t.Errorf("one failed of 5: %+v", d)
	}
	if d := Adjusted(values, 2); d.Quantiles[0] != 3.5 { // 1 2 3 4 inf inf
		t.Errorf("two failed of 6: p50 %v, want 3.5", d.Quantiles[0])
	}
	if d := Adjusted(values, 4); !math.IsInf(d.Quantiles[0], 1) {
		t.Errorf("half of them failed: p50 %v, want infinite", d.Quantiles[0])
	}
	if d := Adjusted(nil, 3); d.N != 3 || !math.IsInf(d.Quantiles[0], 1) || !math.IsInf(d.Min, 1) {
		t.Errorf("all failed: %+v", d)
	}
}

func TestRepeat(t *testing.T) {
	if e := Repeat([]float64{10, 11, 12}); e.Value != 11 || e.N != 3 || !(e.Low < 10.5 && e.High > 11.5) {
		t.Errorf("%+v", e)
	}
	for _, values := range [][]float64{nil, {5}, {0, 1, 2}, {1, math.Inf(1)}} {
		if e := Repeat(values); !math.IsNaN(e.Low) || !math.IsNaN(e.High) || e.N != len(values) {
			t.Errorf("%v: %+v", values, e)
		}
	}
}
