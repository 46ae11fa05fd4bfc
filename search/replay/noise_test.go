package replay

import (
	"math"
	"reflect"
	"testing"

	"harness/space"
)

// Measurements scatter around the truth by what they are said to, differ from repeat
// to repeat, and are the same for every method with a seed.
func TestNoise(t *testing.T) {
	p := synthetic(t)
	cv := []float64{0.2, 0.05}
	rank := space.RankOf(0)
	truth := p.configs[0].values
	const n = 20_000
	var sum, squares [2]float64
	for seed := range uint64(n) {
		o := p.newMeter(cv, seed).measure(rank).Points[0]
		if want := math.Sqrt(math.Log1p(cv[0] * cv[0])); o.TTFTSE != want {
			t.Fatalf("standard error %v, want %v", o.TTFTSE, want)
		}
		for k, x := range []float64{o.TTFT / truth[0], o.TPS / truth[1]} {
			sum[k] += x
			squares[k] += x * x
		}
	}
	for k := range cv {
		mean := sum[k] / n
		got := math.Sqrt(squares[k]/n-mean*mean) / mean
		if math.Abs(got/cv[k]-1) > 0.05 { // the error of a standard deviation is 0.5 % here, more of a skewed one
			t.Errorf("objective %d: coefficient of variation %v, want %v", k, got, cv[k])
		}
	}
	a, b := p.newMeter(cv, 7), p.newMeter(cv, 7)
	b.measure(space.RankOf(5))
	first, second := a.measure(rank).Points[0], a.measure(rank).Points[0]
	if got := b.measure(rank).Points[0]; !reflect.DeepEqual(got, first) {
		t.Errorf("the same measurement is %+v and %+v", first, got)
	}
	if reflect.DeepEqual(first, second) {
		t.Errorf("two measurements are equal: %+v", first)
	}
	if exact := p.newMeter(nil, 7).measure(rank).Points[0]; exact.TTFT != truth[0] || exact.TPS != truth[1] || exact.TTFTSE != 0 {
		t.Errorf("without noise %+v, truth %v", exact, truth)
	}
}

// A point between its two neighbours of the true front is reported or not by noise;
// what is said of it is how often it is so.
func TestReportedFront(t *testing.T) {
	p := synthetic(t)
	o := Options{Methods: []string{"random"}, Seeds: 20, Budget: 60, NoiseCV: []float64{0.1, 0.05}}
	runs, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Report(o, runs).Methods[0].Reported
	if r == nil || r.Points < 3 || r.Dominated <= 0 || r.Dominated >= r.Points || float64(r.DominatedWorst) < r.Dominated || r.CalibrationError == nil {
		t.Fatalf("reported %+v", r)
	}
	points := 0
	for i, b := range r.Calibration {
		points += b.Points
		if b.Stated < b.From || b.Stated > b.From+0.1+1e-9 || i > 0 && b.From <= r.Calibration[i-1].From {
			t.Errorf("bin %+v", b)
		}
	}
	measured := 0
	for _, run := range runs {
		measured += len(run.Front)
	}
	if points != measured || measured < 20*50 {
		t.Errorf("%d points in the bins, %d measured", points, measured)
	}

	// Without any error all is as stated.
	o.NoiseCV = []float64{0, 0}
	if runs, err = p.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	r = p.Report(o, runs).Methods[0].Reported
	if r.Dominated != 0 || len(r.Calibration) != 2 || *r.CalibrationError != 0 {
		t.Errorf("exact measurements: %+v", r)
	}
}
