package replay

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"harness/search"
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

// What is said of the reported fronts is of the points that the runs report; launches
// that confirm come after the budget, and of what was measured before.
func TestReportedFront(t *testing.T) {
	p := synthetic(t)
	o := Options{Methods: []string{"random"}, Seeds: 4, Budget: 30, NoiseCV: []float64{0.1, 0.05}, Confirm: 5}
	runs, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	stated := 0
	for _, run := range runs {
		stated += len(run.Front)
		for _, a := range run.Asks[30:] {
			if a.Purpose != "confirm" || a.HV != run.Asks[29].HV {
				t.Errorf("after the budget %+v", a)
			}
		}
		if run.Unique() != 30 || len(run.Front) == 0 || run.confirmed() > 5 {
			t.Errorf("%d different configs, %d points, %d confirmed", run.Unique(), len(run.Front), run.confirmed())
		}
	}
	r := p.Report(o, runs).Methods[0].Reported
	if r.Points < 1 || r.Dominated >= r.Points || float64(r.DominatedWorst) < r.Dominated || r.Confirmed <= 0 {
		t.Errorf("reported %+v", r)
	}
	points := 0
	for _, b := range r.Calibration {
		points += b.Points
		if b.Stated < b.From || b.Stated > b.From+0.1+1e-9 {
			t.Errorf("bin %+v", b)
		}
	}
	if points != stated {
		t.Errorf("%d points in the bins, %d stated", points, stated)
	}
}

// By the true values (1, 1) and (2, 2) are on the front of what was measured, and
// (3, 2) is not; what was never measured, and would dominate all, does not count.
func TestJudge(t *testing.T) {
	p := problemOf(t, "a,x,y\n1,1,1\n2,2,2\n3,3,2\n4,0.5,9\n5,9,\n", Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
	asks := []Ask{{Rank: 2}, {Rank: 4, Failed: true}, {Rank: 0}, {Rank: 1}, {Rank: 2}}
	stated := search.Front{Points: []search.FrontPoint{
		{Rank: space.RankOf(0), P: 0.95, Launches: 1, Sure: true}, {Rank: space.RankOf(1), P: 0.5, Launches: 1, Sure: true}, {Rank: space.RankOf(2), P: 0.6, Launches: 2, Sure: true}}}
	front := p.judge(stated, asks)
	if want := []FrontPoint{{0, 1, 0.95, true, true}, {1, 1, 0.5, true, true}, {2, 2, 0.6, true, false}}; !slices.Equal(front, want) {
		t.Errorf("judged %+v, want %+v", front, want)
	}
	got := reportFronts([]Run{{Asks: asks, Front: front}, {Asks: asks, Front: []FrontPoint{{1, 1, 0.4, false, false}}}})
	want := &FrontReport{Points: 1.5, Dominated: 0.5, DominatedWorst: 1, Calibration: []CalibrationBin{
		{0.4, 1, 0.4, 0}, {0.5, 1, 0.5, 1}, {0.6, 1, 0.6, 0}, {0.9, 1, 0.95, 1}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if reportFronts([]Run{{Asks: asks}}) != nil {
		t.Error("a front is judged that no run reports")
	}
}
