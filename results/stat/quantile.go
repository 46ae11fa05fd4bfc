package stat

import (
	"fmt"
	"math"
	"slices"

	"github.com/montanaflynn/stats"
	"gonum.org/v1/gonum/mathext"
)

// alpha is the error of a 95 % interval.
const alpha = 0.05

// Interval is a number with a two-sided 95 % interval.
type Interval struct {
	Value        float64
	Low, High    float64 // NaN where there is too little to say
	N            int     // what it rests on: values, runs or launches, as the function says
	Insufficient string  // what is missing, such as "200 of 368 values"; "" where the interval holds
}

func insufficient(value float64, n, need int, what string) Interval {
	return Interval{Value: value, Low: math.NaN(), High: math.NaN(), N: n, Insufficient: fmt.Sprintf("%d of %d %s", n, need, what)}
}

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

// MinValues is the least number of independent values whose extremes hold their q
// quantile with 95 %: ln 0.025 / ln q, so 6 for the median, 36 for q = 0.9, 72 for
// 0.95, 368 for 0.99 and 3,688 for 0.999.
func MinValues(q float64) int {
	return int(math.Ceil(math.Log(alpha/2) / math.Log(max(q, 1-q))))
}

// QuantileInterval returns the q quantile of xs with the distribution-free interval of
// order statistics, for independent values. Positions between two of them are
// interpolated, so that a small sample does not widen it to the next whole one
// (Hutson, Journal of Applied Statistics 26, 1999, 343). Below MinValues it has no
// bounds.
func QuantileInterval(xs []float64, q float64) Interval {
	n := len(xs)
	if need := MinValues(q); n < need {
		return insufficient(Quantile(xs, q), n, need, "values")
	}
	sorted := slices.Sorted(slices.Values(xs))
	return Interval{Value: Quantile(sorted, q), N: n,
		Low:  orderStatistic(sorted, position(n, q, 1-alpha/2)),
		High: orderStatistic(sorted, position(n, q, alpha/2))}
}

// position returns the fractional order statistic, from 1 to n, that lies below the q
// quantile with probability p. Order statistic a of n uniform values has the
// distribution Beta(a, n+1-a).
func position(n int, q, p float64) float64 {
	low, high := 1.0, float64(n)
	for high-low > 1e-9*high {
		middle := (low + high) / 2
		if mathext.RegIncBeta(middle, float64(n)+1-middle, q) > p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// orderStatistic interpolates at a position that counts from 1.
func orderStatistic(sorted []float64, at float64) float64 {
	i := int(at)
	if i >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i-1] + (at-float64(i))*(sorted[i]-sorted[i-1])
}
