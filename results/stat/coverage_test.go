package stat

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// What is promised: of 95 % intervals, 93 to 97 % hold the truth, where runs vary as
// here: log-normal, on the levels of launch, run and request.
var sims = flag.Int("sims", 300, "simulations behind each coverage: 2000 for the figures of the documentation")

// coverage is the share of n simulations whose interval holds the truth.
type coverage struct {
	share float64
	n     int
}

func covers(truth float64, simulate func(rng *rand.Rand) Interval) coverage {
	return coversOf(*sims, truth, simulate)
}

func coversOf(n int, truth float64, simulate func(rng *rand.Rand) Interval) coverage {
	rng := rand.New(rand.NewPCG(11, 13))
	held := 0
	for range n {
		if i := simulate(rng); i.Low <= truth && truth <= i.High {
			held++
		}
	}
	return coverage{float64(held) / float64(n), n}
}

// promise fails a coverage outside 93 to 97 %, allowing for 2.5 standard errors of fewer
// simulations than 2,000.
func promise(t *testing.T, what string, c coverage) {
	t.Helper()
	slack := max(0, 2.5*math.Sqrt(0.05*0.95)*(1/math.Sqrt(float64(c.n))-1/math.Sqrt(2000)))
	t.Logf("%-55s %.1f %% of %d", what, 100*c.share, c.n)
	if c.share < 0.93-slack || c.share > 0.97+slack {
		t.Errorf("%s: %.3f of the intervals hold the truth", what, c.share)
	}
}

// model is a server whose true median is 1.
type model struct{ launch, run, block float64 } // standard deviations of logs

func (m model) launchRuns(rng *rand.Rand, name string, runs int, blocks []float64) []Run {
	l := math.Exp(m.launch * rng.NormFloat64())
	out := make([]Run, runs)
	for i := range out {
		out[i] = Run{Launch: name, Block: int64(i), Value: l * math.Exp(m.run*rng.NormFloat64())}
		if blocks != nil {
			out[i].Value *= math.Exp(m.block * blocks[i])
		}
	}
	return out
}

func (m model) runs(rng *rand.Rand, sizes ...int) []Run {
	var out []Run
	for i, n := range sizes {
		out = append(out, m.launchRuns(rng, strconv.Itoa(i), n, nil)...)
	}
	return out
}

func normals(rng *rand.Rand, n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	return xs
}

func TestIntervalsOfQuantilesCover(t *testing.T) {
	for _, tt := range []struct {
		n     int
		q     float64
		truth float64 // of an exponential: -ln(1-q)
	}{{10, 0.5, math.Ln2}, {36, 0.9, math.Log(10)}, {100, 0.5, math.Ln2}, {100, 0.95, math.Log(20)}, {500, 0.99, math.Log(100)}} {
		promise(t, "q "+strconv.FormatFloat(tt.q, 'g', -1, 64)+" of "+strconv.Itoa(tt.n), covers(tt.truth, func(rng *rand.Rand) Interval {
			xs := make([]float64, tt.n)
			for i := range xs {
				xs[i] = rng.ExpFloat64()
			}
			return QuantileInterval(xs, tt.q)
		}))
	}
}

func TestIntervalsOfConfigsCover(t *testing.T) {
	m := model{run: 0.03}
	for _, n := range []int{2, 3, 5, 6, 7, 10} {
		promise(t, "one launch, runs: "+strconv.Itoa(n), covers(1, func(rng *rand.Rand) Interval { return EstimateOf(m.runs(rng, n)).Interval }))
	}
	m.launch = 0.02
	for _, sizes := range [][]int{{3, 3}, {3, 3, 3}, {1, 5, 3}, {3, 3, 3, 3, 3, 3}} {
		promise(t, "launches of runs: "+text(sizes), covers(1, func(rng *rand.Rand) Interval { return EstimateOf(m.runs(rng, sizes...)).Interval }))
	}
}

func text(xs []int) string {
	s := ""
	for _, x := range xs {
		s += strconv.Itoa(x) + " "
	}
	return s
}

func TestIntervalsOfRatiosCover(t *testing.T) {
	m := model{run: 0.02, block: 0.05}
	for _, n := range []int{3, 6} {
		promise(t, "ratio, pairs: "+strconv.Itoa(n), covers(1, func(rng *rand.Rand) Interval {
			blocks := normals(rng, n)
			return Ratio(m.launchRuns(rng, "a", n, blocks), m.launchRuns(rng, "b", n, blocks))
		}))
	}
	m = model{run: 0.02, launch: 0.03}
	promise(t, "ratio, 6 launches in turn", covers(1, func(rng *rand.Rand) Interval {
		return Ratio(m.runs(rng, 2, 2, 2, 2, 2, 2), m.runs(rng, 2, 2, 2, 2, 2, 2))
	}))
	promise(t, "ratio, launches 3 and 5", covers(1, func(rng *rand.Rand) Interval {
		return Ratio(m.runs(rng, 2, 2, 3), m.runs(rng, 3, 3, 1, 3, 3))
	}))
	// One launch each, and the spread of launches known from others.
	promise(t, "ratio, one launch each, spread from 20 other configs", covers(1, func(rng *rand.Rand) Interval {
		var others [][]Run
		for range 20 {
			others = append(others, m.runs(rng, 3, 3))
		}
		return Compare(m.runs(rng, 3), m.runs(rng, 3), SpreadOf(others).Noise()).Interval()
	}))
}

// requests are n log-normal values whose neighbours are alike (AR(1), 0.7), as those of
// requests that share batches are; the median is scale.
func requests(rng *rand.Rand, scale float64, n int) []float64 {
	const sd, rho = 0.5, 0.7
	xs := make([]float64, n)
	z := rng.NormFloat64()
	for i := range xs {
		xs[i] = scale * math.Exp(sd*z)
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
	}
	return xs
}

func TestIntervalsOfPooledQuantilesCover(t *testing.T) {
	for _, tt := range []struct {
		runs, launches int
		q              float64
	}{{6, 1, 0.5}, {8, 1, 0.9}, {10, 1, 0.9}, {2, 8, 0.9}} {
		const runSD, launchSD, perRun = 0.05, 0.05, 100
		n := *sims / 10 // each draws 10,000 times
		m := model{run: runSD}
		if tt.launches > 1 {
			m.launch = launchSD
		}
		truth := math.Exp(math.Sqrt(0.25+m.run*m.run+m.launch*m.launch) * studentQuantile(tt.q, math.Inf(1)))
		what := "pooled q " + strconv.FormatFloat(tt.q, 'g', -1, 64) + ", runs " + strconv.Itoa(tt.runs) + ", launches " + strconv.Itoa(tt.launches)
		seed := uint64(0)
		covered := coversOf(n, truth, func(rng *rand.Rand) Interval {
			var launches [][][]float64
			for l := range tt.launches {
				var runs [][]float64
				for _, r := range m.launchRuns(rng, strconv.Itoa(l), tt.runs, nil) {
					runs = append(runs, requests(rng, r.Value, perRun))
				}
				launches = append(launches, runs)
			}
			seed++
			return PooledQuantile(launches, tt.q, seed)
		})
		promise(t, what, covered)
		if tt.launches > 1 {
			continue
		}
		naive := coversOf(n, truth, func(rng *rand.Rand) Interval {
			var all []float64
			for _, r := range m.launchRuns(rng, "", tt.runs, nil) {
				all = append(all, requests(rng, r.Value, perRun)...)
			}
			return QuantileInterval(all, tt.q)
		})
		t.Logf("%-55s %.1f %%", "  the same as if requests were independent", 100*naive.share)
		if naive.share > covered.share-0.05 {
			t.Errorf("%s: the model has no dependence worth the name: %.3f without regard to it", what, naive.share)
		}
	}
}

func TestIntervalsOfSpreadsCover(t *testing.T) {
	m := model{run: 0.02, launch: 0.03}
	study := func(rng *rand.Rand) Spread {
		configs := [][]Run{m.runs(rng, 3, 3, 3, 3, 3, 3)} // a sentinel
		for range 4 {
			configs = append(configs, m.runs(rng, 3), m.runs(rng, 3, 2))
		}
		return SpreadOf(configs)
	}
	promise(t, "sigma_run", covers(m.run, func(rng *rand.Rand) Interval { return study(rng).Run.Interval }))
	promise(t, "sigma_launch", covers(m.launch, func(rng *rand.Rand) Interval { return study(rng).Launch.Interval }))
	var launch []float64
	rng := rand.New(rand.NewPCG(1, 1))
	for range *sims {
		launch = append(launch, study(rng).Launch.Value)
	}
	if center := Quantile(launch, 0.5); math.Abs(center/m.launch-1) > 0.15 {
		t.Errorf("the median estimate of sigma_launch is %v, the truth %v", center, m.launch)
	}
}

func TestDriftIsSeenAndNotInvented(t *testing.T) {
	m := model{run: 0.01, launch: 0.01}
	const perHour = 0.05
	study := func(rng *rand.Rand, drift float64) []Sentinel {
		var s []Sentinel
		for i := range 8 {
			runs := m.launchRuns(rng, strconv.Itoa(i), 3, nil)
			for k := range runs {
				runs[k].Value *= math.Exp(drift * float64(i))
			}
			s = append(s, Sentinel{Seconds: 3600 * float64(i), Runs: runs})
		}
		return s
	}
	known := Noise{RunSD: m.run, RunDF: 40, LaunchSD: m.launch, LaunchDF: 20}
	promise(t, "drift per hour", covers(math.Exp(perHour), func(rng *rand.Rand) Interval { return DriftOf(study(rng, perHour), known).PerHour }))
	rng := rand.New(rand.NewPCG(3, 3))
	invented, seen := 0, 0
	for range *sims {
		if len(DriftOf(study(rng, 0), known).Stays) > 0 {
			invented++
		}
		d := DriftOf(study(rng, perHour), known)
		if i := slices.IndexFunc(d.Stays, func(s Stay) bool { return math.IsInf(s.To, 1) }); i >= 0 {
			seen++
		}
	}
	t.Logf("stays invented %.3f, seen %.3f", float64(invented)/float64(*sims), float64(seen)/float64(*sims))
	if float64(invented) > 0.06*float64(*sims) || float64(seen) < 0.95*float64(*sims) {
		t.Errorf("of %d studies, %d without drift have marks and %d with 5 %% an hour have", *sims, invented, seen)
	}
}
