package stat

import (
	"math"
	"slices"
)

// A Sentinel is one measurement of the baseline in the course of a study.
type Sentinel struct {
	Seconds float64 // since the study began; of any origin
	Runs    []Run   // of one launch
}

// Drift is how the machine changed while a study ran, seen at its sentinels.
type Drift struct {
	PerHour Interval // ratio of the metric after an hour to before, as a trend; 1: none. N counts sentinels
	Stays   []Stay   // where the level was another than at the first sentinel
}

// A Stay is a time in which the baseline was not what it was at first, beyond the
// noise: trials that were measured in it are marked.
type Stay struct {
	From, To float64  // seconds: between the sentinels around, +Inf where it lasts to the end
	Ratio    Interval // of the level in it to the first sentinel's; N counts sentinels
}

// trendSentinels is the least number for a slope with degrees of freedom to spare.
const trendSentinels = 4

// DriftOf looks for a trend and for changes. noise is the spread of one metric, from
// other configs or from the sentinels themselves where those are many; without a
// known spread of launches every difference of launches looks like a change, so then
// there is none told. All comparisons with the first sentinel together err with 5 %
// (Bonferroni).
func DriftOf(sentinels []Sentinel, noise Noise) Drift {
	sorted := slices.Clone(sentinels)
	slices.SortFunc(sorted, func(a, b Sentinel) int { return int(math.Copysign(1, a.Seconds-b.Seconds)) })
	return Drift{PerHour: trend(sorted), Stays: stays(sorted, noise)}
}

// trend fits a line to the mean logs by least squares; the residuals, which hold the
// spread of launches, give its error.
func trend(sentinels []Sentinel) Interval {
	n := len(sentinels)
	if n < trendSentinels {
		return insufficient(math.NaN(), n, trendSentinels, "sentinels")
	}
	x, y := make([]float64, n), make([]float64, n)
	for i, s := range sentinels {
		x[i], y[i] = s.Seconds/3600, Mean(logs(s.Runs))
	}
	mx, my := Mean(x), Mean(y)
	sxx, sxy := squares(x), 0.0
	for i := range x {
		sxy += (x[i] - mx) * (y[i] - my)
	}
	slope, rest := sxy/sxx, 0.0
	for i := range x {
		d := y[i] - my - slope*(x[i]-mx)
		rest += d * d
	}
	df := float64(n - 2)
	slopeMean := LogMean{Mean: slope, SE: math.Sqrt(rest / df / sxx), DF: df, N: n}
	return slopeMean.Interval()
}

// stays joins neighbouring sentinels that differ from the first.
func stays(sentinels []Sentinel, noise Noise) []Stay {
	if len(sentinels) < 2 || noise.LaunchDF == 0 {
		return nil
	}
	tail := alpha / 2 / float64(len(sentinels)-1)
	var list []Stay
	var in []Run
	for i, s := range sentinels[1:] {
		change := Compare(s.Runs, sentinels[0].Runs, noise)
		if low, high := change.Bounds(tail); low <= 0 && high >= 0 {
			in = nil
			continue
		}
		if in == nil {
			list = append(list, Stay{From: sentinels[i].Seconds})
		}
		in = append(in, s.Runs...)
		last := &list[len(list)-1]
		last.To = math.Inf(1)
		if i+2 < len(sentinels) {
			last.To = sentinels[i+2].Seconds
		}
		n := last.Ratio.N + 1
		last.Ratio = Compare(in, sentinels[0].Runs, noise).Interval()
		last.Ratio.N = n
	}
	return list
}

// At returns the stay that a time lies in.
func (d Drift) At(seconds float64) (Stay, bool) {
	i := slices.IndexFunc(d.Stays, func(s Stay) bool { return s.From < seconds && seconds < s.To })
	if i < 0 {
		return Stay{}, false
	}
	return d.Stays[i], true
}
