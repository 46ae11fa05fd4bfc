package results

import (
	"cmp"
	"math"
	"slices"

	"github.com/montanaflynn/stats"
	"gonum.org/v1/gonum/stat/distuv"
)

// Quantile returns the q quantile (0 to 1) of xs, interpolated linearly between
// order statistics as NumPy and DuckDB's quantile_cont do; NaN for no values. It
// leaves xs as it is.
func Quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	if q <= 0 {
		return slices.Min(xs) // stats refuses 0
	}
	v, err := stats.Percentile(xs, q*100)
	if err != nil {
		return math.NaN()
	}
	return v
}

// Mean returns the arithmetic mean of xs, NaN for no values.
func Mean(xs []float64) float64 {
	v, err := stats.Mean(xs)
	if err != nil {
		return math.NaN()
	}
	return v
}

// Estimate is a number with its uncertainty: the median over runs, a 95 % interval
// for it, and how many runs it rests on. The run is the unit: requests of one run
// share batches and queues, and are not independent.
type Estimate struct {
	Value     float64 // median over runs
	Low, High float64 // 95 %; NaN where N is 1: one run says nothing of spread
	LogSE     float64 // standard error of the mean of the logs; NaN where N is 1
	N         int     // runs
}

// orderStatisticRuns is the least number of runs whose extremes hold the median
// with 95 %: 1 - 2 * 2^-6 = 0.97.
const orderStatisticRuns = 6

// EstimateOf summarises positive values, one for each run. With six runs or more the
// interval is the distribution-free one of order statistics (Conover, Practical
// Nonparametric Statistics, 3.2); with fewer it is Student's t on the logs.
func EstimateOf(xs []float64) Estimate {
	e := Estimate{Value: Quantile(xs, 0.5), Low: math.NaN(), High: math.NaN(), LogSE: math.NaN(), N: len(xs)}
	if len(xs) < 2 {
		return e
	}
	logs := make([]float64, len(xs))
	for i, x := range xs {
		logs[i] = math.Log(x)
	}
	mean := Mean(logs)
	sd, _ := stats.StandardDeviationSample(logs)
	e.LogSE = sd / math.Sqrt(float64(len(xs)))
	if len(xs) >= orderStatisticRuns {
		e.Low, e.High = medianInterval(xs)
		return e
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(len(xs) - 1)}.Quantile(0.975)
	e.Low, e.High = math.Exp(mean-t*e.LogSE), math.Exp(mean+t*e.LogSE)
	return e
}

// medianInterval returns the narrowest symmetric pair of order statistics that holds
// the median with at least 95 %.
func medianInterval(xs []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(xs))
	n := len(sorted)
	b := distuv.Binomial{N: float64(n), P: 0.5}
	k := 0
	for 1-2*b.CDF(float64(k+1)) >= 0.95 {
		k++
	}
	return sorted[k], sorted[n-1-k]
}

// Measurement is what is known of one config at one load point.
type Measurement struct {
	ConfigID    string
	TrialID     string // the config's last trial that ended well
	LoadPoint   string
	Concurrency int
	TTFT        Estimate // s, median TTFT of a run
	TPS         Estimate // output tokens/s
	Simulated   bool
}

// Collect turns rows into measurements, ordered by trial and concurrency. A config
// counts if one of its trials ended well; then all its valid runs count, also those
// of a trial that was cancelled. `scripts/front.sql` computes the same.
func Collect(trials []Trial, runs []Run) []Measurement {
	last := map[string]Trial{}
	for _, t := range trials {
		if t.Outcome == OK && t.TrialID > last[t.ConfigID].TrialID {
			last[t.ConfigID] = t
		}
	}
	type key struct{ config, point string }
	groups := map[key][]Run{}
	for _, r := range runs {
		if _, ok := last[r.ConfigID]; ok && r.Valid {
			k := key{r.ConfigID, r.LoadPoint}
			groups[k] = append(groups[k], r)
		}
	}
	var ms []Measurement
	for k, rs := range groups {
		m := Measurement{ConfigID: k.config, TrialID: last[k.config].TrialID, LoadPoint: k.point,
			Concurrency: int(rs[0].Concurrency), Simulated: rs[0].Simulated}
		ttft, tps := make([]float64, len(rs)), make([]float64, len(rs))
		for i, r := range rs {
			ttft[i], tps[i] = r.TTFTP50S, r.OutputTPS
		}
		m.TTFT, m.TPS = EstimateOf(ttft), EstimateOf(tps)
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b Measurement) int {
		return cmp.Or(cmp.Compare(a.TrialID, b.TrialID), cmp.Compare(a.Concurrency, b.Concurrency))
	})
	return ms
}
