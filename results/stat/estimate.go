package stat

import "math"

// Estimate is what one config's own runs say of a metric: the median over runs and a
// 95 % interval for it.
type Estimate struct {
	Interval          // Value is the median over runs; N counts runs; bounds are NaN where N is 1
	Launches int      // where there are several, the interval is between launches; else of this launch
	LogSE    float64  // standard error of the mean of logs, by unit or by run, whichever is larger; NaN where N is 1
	spread   variance // of logs of runs within a launch
}

// EstimateOf summarises the runs of one config. With several launches the launch is
// the unit, and the interval Student's t on their mean logs: two launches say little,
// and the interval shows it. With one launch and six runs or more it is the
// distribution-free one of order statistics (QuantileInterval), with fewer Student's t
// on the logs.
func EstimateOf(runs []Run) Estimate {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r.Value
	}
	launches := byLaunch(runs)
	mean := MeanOf(runs, Noise{})
	e := Estimate{Interval: mean.Interval(), Launches: len(launches), LogSE: mean.SE, spread: within(launches)}
	if len(launches) == 1 && len(runs) >= MinValues(0.5) {
		e.Interval = QuantileInterval(values, 0.5)
	}
	e.Value, e.N = Quantile(values, 0.5), len(runs)
	if byRun := math.Sqrt(e.spread.value / float64(len(runs))); len(launches) > 1 && byRun > e.LogSE {
		e.LogSE = byRun // two launches may agree by chance
	}
	if e.Insufficient == "" { // the t interval is of the mean, which is not quite the median
		e.Low, e.High = min(e.Low, e.Value), max(e.High, e.Value)
	}
	return e
}

// PooledSD returns the standard deviation of the log of one run within a launch, pooled
// over configs by degrees of freedom; NaN where no launch has two runs. Two or three
// runs say little of their own spread.
func PooledSD(estimates []Estimate) float64 {
	s, df := 0.0, 0.0
	for _, e := range estimates {
		s += e.spread.value * e.spread.df
		df += e.spread.df
	}
	return math.Sqrt(s / df)
}

// Ratio compares a config with the baseline in one metric, paired where it can be (see
// Compare): the ratio of their values with its interval. N counts pairs or units.
func Ratio(of, base []Run) Interval {
	if len(of) == 0 || len(base) == 0 {
		return insufficient(math.NaN(), 0, 1, "runs of both")
	}
	return Compare(of, base, Noise{}).Interval()
}
