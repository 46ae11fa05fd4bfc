package report

import (
	"math"
	"strings"
	"testing"

	"harness/results"
)

func TestAssessed(t *testing.T) {
	plain := front(t, repeated)
	if !math.IsNaN(plain.Rows[0].PFront) || !math.IsNaN(plain.HVLow) || len(plain.Near()) != 0 {
		t.Errorf("before it is assessed: %+v", plain)
	}
	f := assessed(plain)
	if got := f.HVLow * math.Ln10 * math.Ln10; math.Abs(got-2.5) > 1e-12 || f.HV != plain.HV {
		t.Errorf("bounds of the hypervolume: %v", got)
	}
	if near := f.Near(); len(near) != 1 || near[0].TrialID != "t-a" || near[0].Concurrency != 1 || near[0].PFront != 0.25 || near[0].Expected[0] != 0.0105 {
		t.Errorf("near misses: %+v", near)
	}
	for _, r := range f.Rows { // the model was not told of it
		if r.TrialID == "t-b" && r.Concurrency == 1 && (r.PFront != 0 || !math.IsNaN(r.Expected[0])) {
			t.Errorf("not assessed: %+v", r)
		}
	}
	if !math.IsNaN(plain.Rows[0].PFront) {
		t.Error("the front that was assessed changed too")
	}
	if f := plain.Assessed(results.Assessment{}); !math.IsNaN(f.HVLow) {
		t.Errorf("of nothing: %v", f.HVLow)
	}
}

// With a limit only what keeps it counts: for the front, its reference and the best.
func TestLimits(t *testing.T) {
	trials, runs := table(t, "a seed 1 0.1,0.11,0.1 10,10,11\nb seed 1 0.2,0.2,0.21 20,21,20\nc ask 1 0.05,0.05,0.06 5,5,5\nd ask 1 0.9 100")
	f := NewFront(trials, runs, aim(t, nil, []string{"ttft_p50=0.15"}))
	if got := onFront(f); got != "t-c/1 t-a/1" {
		t.Errorf("front %s", got)
	}
	if math.Abs(f.Reference[0]-0.11) > 1e-12 || math.Abs(f.Reference[1]-10/1.1) > 1e-12 {
		t.Errorf("reference %v, want that of the seed that keeps the limit", f.Reference)
	}
	a, b := f.Rows[0], f.Rows[1]
	if !a.Kept || b.Kept || a.PKept < 0.99 || b.PKept > 0.01 {
		t.Errorf("a %v %v, b %v %v", a.Kept, a.PKept, b.Kept, b.PKept)
	}
	tight := NewFront(trials, runs, aim(t, nil, []string{"ttft_p50=0.104"}))
	if p := tight.Rows[0].PKept; !(p > 0.2 && p < 0.8) {
		t.Errorf("a limit at its mean is kept with probability %v", p)
	}
	none := NewFront(trials, runs, aim(t, nil, []string{"ttft_p50=10ms", "output_tps=1"}))
	var text strings.Builder
	if err := none.Text(&text, base); err != nil || none.HV != 0 ||
		!strings.Contains(text.String(), "None of 4 measured points keeps the limits (TTFT p50 <= 10.0 ms, output tok/s >= 1.00)") ||
		!strings.Contains(text.String(), "t-c at c1 comes nearest, with TTFT p50 50.0 ms") {
		t.Errorf("%v %s", err, text.String())
	}
}

// Both objectives may be of either direction, and a rate of 0 has a place: the worst.
func TestObjectives(t *testing.T) {
	trials, runs := table(t, "a seed 1 0.1 10\nb seed 1 0.2 20\nc ask 1 0.05 5")
	for i, good := range []float64{4, 0, 2} {
		runs[i].GoodRPS = &good
		runs[i].E2EP50S = float64(3 - i)
	}
	f := NewFront(trials, runs, aim(t, []string{"good_rps", "e2e_p50"}, nil))
	if got := onFront(f); got != "t-c/1 t-a/1" || math.IsNaN(f.HV) || f.HV <= 0 {
		t.Errorf("front %s, hypervolume %v", got, f.HV)
	}
	if f.Reference[0] >= 4 || f.Reference[1] <= 3 {
		t.Errorf("reference %v is no worse than the seeds'", f.Reference)
	}
	var text strings.Builder
	if err := f.Text(&text, base); err != nil || !strings.Contains(text.String(), "good requests/s up, E2E p50 down") {
		t.Errorf("%v\n%s", err, text.String())
	}
	doc := f.JSON("s")
	if doc.Objectives[1] != "e2e_p50_s" || *doc.Points[0].Values["good_rps"] != 2 || *doc.Points[1].Values["e2e_p50_s"] != 3 {
		t.Errorf("%+v", doc)
	}
}
