package stat

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
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

func TestTooFewValuesHaveNoInterval(t *testing.T) {
	for _, tt := range []struct {
		q    float64
		need int // ln 0.025 / ln q
	}{{0.5, 6}, {0.9, 36}, {0.95, 72}, {0.99, 368}, {0.999, 3688}, {0.1, 36}} {
		if got := MinValues(tt.q); got != tt.need {
			t.Errorf("MinValues(%v) = %d, want %d", tt.q, got, tt.need)
		}
		few, enough := QuantileInterval(ramp(tt.need-1), tt.q), QuantileInterval(ramp(tt.need), tt.q)
		if few.Insufficient == "" || !math.IsNaN(few.Low) || !math.IsNaN(few.High) {
			t.Errorf("q = %v: %d values gave %+v", tt.q, tt.need-1, few)
		}
		if enough.Insufficient != "" || !(enough.Low < enough.Value && enough.Value < enough.High) {
			t.Errorf("q = %v: %d values gave %+v", tt.q, tt.need, enough)
		}
	}
	if got := QuantileInterval(ramp(200), 0.99).Insufficient; got != "200 of 368 values" {
		t.Errorf("said %q", got)
	}
}

func ramp(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = float64(i + 1)
	}
	return xs
}

// A position lies between the two order statistics whose binomial probabilities hold p.
func TestFractionalPositions(t *testing.T) {
	for _, tt := range []struct {
		n    int
		q, p float64
	}{{10, 0.5, 0.975}, {10, 0.5, 0.025}, {100, 0.9, 0.025}, {368, 0.99, 0.025}} {
		a := position(tt.n, tt.q, tt.p)
		whole := int(a)
		if below, above := binomialAtLeast(tt.n, whole, tt.q), binomialAtLeast(tt.n, whole+1, tt.q); below < tt.p || above > tt.p {
			t.Errorf("position(%v) = %v: order statistics %d and %d hold %v and %v, want %v between", tt, a, whole, whole+1, below, above, tt.p)
		}
	}
}

// binomialAtLeast is the probability of k or more successes.
func binomialAtLeast(n, k int, p float64) float64 {
	s := 0.0
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		s += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log(1-p))
	}
	return s
}

func runsOf(values ...float64) []Run {
	runs := make([]Run, len(values))
	for i, v := range values {
		runs[i] = Run{Block: int64(i), Value: v}
	}
	return runs
}

func inLaunch(name string, runs []Run) []Run {
	for i := range runs {
		runs[i].Launch = name
	}
	return runs
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func TestEstimateOf(t *testing.T) {
	// Logs 0, 1, 2: mean 1, sd 1, se 1/sqrt(3); t(0.975, 2) = 4.302653 (R: qt).
	e := EstimateOf(runsOf(1, math.E, math.E*math.E))
	half := 4.302652729911275 / math.Sqrt(3)
	if e.N != 3 || e.Launches != 1 || !near(e.Value, math.E) || !near(math.Log(e.Low), 1-half) || !near(math.Log(e.High), 1+half) {
		t.Errorf("three runs: %+v", e)
	}
	if e := EstimateOf(runsOf(5)); e.N != 1 || e.Value != 5 || !math.IsNaN(e.Low) || !math.IsNaN(e.LogSE) || e.Insufficient == "" {
		t.Errorf("one run: %+v, want no interval", e)
	}
	if e := EstimateOf(nil); e.N != 0 || !math.IsNaN(e.Value) || e.Insufficient == "" {
		t.Errorf("no run: %+v, want no interval", e)
	}
	// Two launches with mean logs 0 and 1: t(0.975, 1) = 12.7062 with se 0.5, however many runs.
	two := append(inLaunch("a", runsOf(1, 1, 1, 1)), inLaunch("b", runsOf(math.E, math.E))...)
	if e := EstimateOf(two); e.N != 6 || e.Launches != 2 || !near(math.Log(e.Low), 0.5-12.706204736432095/2) || e.Value != 1 {
		t.Errorf("two launches: %+v", e)
	}
}

func TestCompare(t *testing.T) {
	a, b := runsOf(1.1, 2.2, 3.3), runsOf(1, 2, 3)
	// Blocks differ threefold, and the ratio is 1.1 in each: only pairs see it.
	if r := Ratio(a, b); !near(r.Value, 1.1) || !near(r.Low, 1.1) || r.N != 3 {
		t.Errorf("paired: %+v", r)
	}
	for i := range b {
		b[i].Block += 10
	}
	if r := Ratio(a, b); !near(r.Value, 1.1) || r.Low > 0.5 {
		t.Errorf("without common blocks: %+v", r)
	}
	// Launches in turn: pairs of launches cancel what both did.
	a = append(inLaunch("t1", runsOf(2)), append(inLaunch("t3", runsOf(4)), inLaunch("t5", runsOf(8))...)...)
	b = append(inLaunch("t2", runsOf(1)), append(inLaunch("t4", runsOf(2)), inLaunch("t6", runsOf(4))...)...)
	if r := Ratio(a, b); !near(r.Value, 2) || !near(r.Low, 2) || r.N != 3 {
		t.Errorf("launches in turn: %+v", r)
	}
	if r := Ratio(runsOf(1), runsOf(2)); r.Insufficient == "" || r.Value != 0.5 {
		t.Errorf("one run each: %+v", r)
	}
	// What is known of other configs gives one pair an interval: sqrt(2) * 0.01 * 1.96.
	known := Compare(runsOf(1), runsOf(2), Noise{RunSD: 0.01, RunDF: math.Inf(1)})
	if low, _ := known.Bounds(0.025); !near(low, math.Log(0.5)-math.Sqrt2*0.01*1.959963984540054) {
		t.Errorf("one pair, known spread: %v", low)
	}
	if p := known.Below(0); p < 0.999 {
		t.Errorf("P(ratio < 1) = %v", p)
	}
	// A known spread of launches stays however many runs there are: sqrt(2) * 0.03.
	many := Compare(runsOf(ramp(50)...), runsOf(ramp(50)...), Noise{LaunchSD: 0.03, LaunchDF: math.Inf(1)})
	if !near(many.SE, math.Sqrt2*0.03) {
		t.Errorf("launch spread: %+v", many)
	}
}

// The interval has the measured ratio in it, turning the comparison turns the ratio,
// and a factor on both changes nothing.
func TestRatioProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0.1, 10), 2, 8)
		a, b := runsOf(values.Draw(t, "a")...), runsOf(values.Draw(t, "b")...)
		r, inverse := Ratio(a, b), Ratio(b, a)
		if r.Low > r.Value || r.Value > r.High {
			t.Fatalf("%+v", r)
		}
		if math.Abs(r.Low*inverse.High-1) > 1e-9 || math.Abs(r.Value*inverse.Value-1) > 1e-9 {
			t.Fatalf("%+v is not the inverse of %+v", inverse, r)
		}
		for i := range a {
			a[i].Value *= 7
		}
		for i := range b {
			b[i].Value *= 7
		}
		if scaled := Ratio(a, b); math.Abs(scaled.Low/r.Low-1) > 1e-9 {
			t.Fatalf("%+v after scaling, %+v before", scaled, r)
		}
	})
}

// Worked by hand: launches with mean logs 0 and 1 of two runs each at +-0.1.
func TestSpreadOf(t *testing.T) {
	e := math.Exp
	config := append(inLaunch("a", runsOf(e(-0.1), e(0.1))), inLaunch("b", runsOf(e(0.9), e(1.1)))...)
	s := SpreadOf([][]Run{config})
	// Within: 4 * 0.01 / 2 = 0.02. Between: 2 * 2 * 0.25 / 1 = 1. (1 - 0.02) / 2 = 0.49.
	if !near(s.Run.Value, math.Sqrt(0.02)) || s.Run.DF != 2 || !near(s.Launch.Value, 0.7) || s.Launch.DF != 1 || s.Negative {
		t.Errorf("%+v", s)
	}
	// Launches alike: the estimate is below 0, and says so.
	alike := append(inLaunch("a", runsOf(1, 2)), inLaunch("b", runsOf(1.5, 2))...)
	if s := SpreadOf([][]Run{alike}); s.Launch.Value != 0 || !s.Negative || s.Launch.Low != 0 || s.Launch.High <= 0 {
		t.Errorf("%+v", s)
	}
	if s := SpreadOf([][]Run{runsOf(1, 2), runsOf(3)}); s.Launch.Insufficient == "" || s.Launch.DF != 0 || s.Run.DF != 1 || s.Noise().LaunchDF != 0 {
		t.Errorf("one launch each: %+v", s)
	}
	if s := SpreadOf(nil); s.Run.Insufficient == "" || s.Noise() != (Noise{}) {
		t.Errorf("nothing: %+v", s)
	}
	uneven := [][]Run{runsOf(1, 1, 1, 1, 1, 1.001), runsOf(1, 2, 3, 1, 2, 3), runsOf(1, 1, 1, 1, 1, 1.001)}
	if s := SpreadOf(uneven); s.Uneven == 0 || s.Noise().RunDF >= s.Run.DF {
		t.Errorf("uneven configs count as even: %+v", s)
	}
}

func TestBootstrapSaysWhatItLacks(t *testing.T) {
	count := func(times []int) float64 { return float64(total(times)) }
	for _, tt := range []struct {
		runs []int
		want int // units; 0: too few
	}{{[]int{5}, 0}, {[]int{6}, 6}, {[]int{3, 3}, 0}, {[]int{1, 2, 1, 2, 1, 2}, 6}} {
		got := Bootstrap(tt.runs, count, 1)
		if (got.Insufficient == "") != (tt.want > 0) || tt.want > 0 && got.N != tt.want {
			t.Errorf("%v: %+v", tt.runs, got)
		}
	}
	a := PooledQuantile([][][]float64{{ramp(400), ramp(400)}}, 0.99, 1)
	if a.Insufficient != "2 of 6 runs" || a.Value != Quantile(append(ramp(400), ramp(400)...), 0.99) {
		t.Errorf("two runs: %+v", a)
	}
	if a := PooledQuantile([][][]float64{{ramp(10), ramp(10)}}, 0.99, 1); a.Insufficient != "20 of 368 values" {
		t.Errorf("few values: %+v", a)
	}
}

func TestBootstrapIsDecidedByItsSeed(t *testing.T) {
	launches := [][][]float64{{ramp(50), ramp(60), ramp(70), ramp(80), ramp(90), ramp(99)}}
	a, again, other := PooledQuantile(launches, 0.9, 1), PooledQuantile(launches, 0.9, 1), PooledQuantile(launches, 0.9, 2)
	if a != again || a == other {
		t.Errorf("%+v, again %+v, other seed %+v", a, again, other)
	}
}

// The weighted quantile is that of the values written out.
func TestPoolQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pool
		var times []int
		var all []float64
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			values := rapid.SliceOfN(rapid.Float64Range(0, 5), 1, 6).Draw(t, "values")
			n := rapid.IntRange(0, 3).Draw(t, "times")
			p.add(values)
			times = append(times, n)
			for range n {
				all = append(all, values...)
			}
		}
		if len(all) == 0 {
			return
		}
		p.sort()
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		if got, want := p.quantile(times, q), Quantile(all, q); math.Abs(got-want) > 1e-9 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestDriftOf(t *testing.T) {
	noise := Noise{RunSD: 0.01, RunDF: 50, LaunchSD: 0.01, LaunchDF: 20}
	at := func(hour, value float64) Sentinel {
		return Sentinel{Seconds: hour * 3600, Runs: inLaunch(fmt.Sprint(hour), runsOf(value, value*1.001, value*0.999))}
	}
	d := DriftOf([]Sentinel{at(0, 1), at(1, 1.01), at(2, 1.2), at(3, 1.21), at(4, 1)}, noise)
	if len(d.Stays) != 1 || d.Stays[0].From != 3600 || d.Stays[0].To != 4*3600 || math.Abs(d.Stays[0].Ratio.Value-1.205) > 0.001 || d.Stays[0].Ratio.N != 2 {
		t.Errorf("a change that passed: %+v", d.Stays)
	}
	if _, in := d.At(2.5 * 3600); !in {
		t.Error("a trial amid the change is not marked")
	}
	if _, in := d.At(0.5 * 3600); in {
		t.Error("a trial before the change is marked")
	}
	d = DriftOf([]Sentinel{at(3, 1.3), at(0, 1), at(1, 1.1), at(2, 1.2)}, noise) // in any order
	if len(d.Stays) != 1 || !math.IsInf(d.Stays[0].To, 1) || math.Abs(d.PerHour.Value-1.091) > 0.01 || d.PerHour.Low < 1 {
		t.Errorf("a trend: %+v", d)
	}
	if d := DriftOf([]Sentinel{at(0, 1), at(1, 2)}, Noise{}); d.Stays != nil || d.PerHour.Insufficient == "" {
		t.Errorf("nothing is known of launches, and %+v was told", d)
	}
}
