package bench

import (
	"math"
	"slices"

	"harness/results/stat"
)

// A Distribution describes the values of one metric in one run. Percentiles
// interpolate linearly between order statistics, and Std is of the population, as
// NumPy has both by default. All are NaN without values.
type Distribution struct {
	N         int
	Mean, Std float64
	Min, Max  float64
	Quantiles [len(Quantiles)]float64
}

// Quantiles are those of a Distribution.
var Quantiles = [...]float64{0.5, 0.9, 0.95, 0.99, 0.999}

// QuantileNames are theirs, as columns and keys have them.
var QuantileNames = [...]string{"p50", "p90", "p95", "p99", "p999"}

// Describe describes values, and leaves them as they are.
func Describe(values []float64) Distribution {
	d := Distribution{N: len(values), Mean: stat.Mean(values), Std: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	sorted := slices.Sorted(slices.Values(values))
	for i, q := range Quantiles {
		d.Quantiles[i] = stat.Quantile(sorted, q)
	}
	if d.N == 0 {
		return d
	}
	d.Min, d.Max = sorted[0], sorted[d.N-1]
	sum := 0.0
	for _, v := range values {
		sum += (v - d.Mean) * (v - d.Mean)
	}
	d.Std = math.Sqrt(sum / float64(d.N))
	return d
}

// Adjusted describes values as if so many more were infinite: the latencies of all
// requests, failed ones included. Percentiles that fall on a failed one are +Inf, and
// so is the mean.
func Adjusted(values []float64, failed int) Distribution {
	if failed == 0 {
		return Describe(values)
	}
	sorted := slices.Sorted(slices.Values(values))
	d := Distribution{N: len(values) + failed, Mean: math.Inf(1), Std: math.NaN(), Min: math.Inf(1), Max: math.Inf(1)}
	if len(sorted) > 0 {
		d.Min = sorted[0]
	}
	for i, q := range Quantiles {
		at := q * float64(d.N-1)
		low, part := int(at), at-math.Floor(at)
		switch {
		case low >= len(sorted) || part > 0 && low+1 >= len(sorted):
			d.Quantiles[i] = math.Inf(1)
		case part == 0:
			d.Quantiles[i] = sorted[low]
		default:
			d.Quantiles[i] = sorted[low] + part*(sorted[low+1]-sorted[low])
		}
	}
	return d
}

// A Repeated is one number of several runs: their median, and a 95 % interval for it
// (NaN bounds where there is one run, or a value that is not positive).
type Repeated = stat.Interval

// Repeat sums up one number over runs of one server.
func Repeat(values []float64) Repeated {
	runs := make([]stat.Run, len(values))
	for i, v := range values {
		if !(v > 0) || math.IsInf(v, 0) {
			return Repeated{Value: stat.Quantile(values, 0.5), Low: math.NaN(), High: math.NaN(), N: len(values)}
		}
		runs[i] = stat.Run{Block: int64(i), Value: v}
	}
	if len(runs) == 0 {
		return Repeated{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	return stat.EstimateOf(runs).Interval
}
