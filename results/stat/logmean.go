package stat

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Run is one run's value of one metric.
type Run struct {
	Launch string  // the trial: runs of one launch share what it drew
	Block  int64   // of prompts: runs of two configs with equal blocks had the same requests
	Value  float64 // positive
}

// Noise is the spread that is known beforehand, from other configs: the zero value
// knows none. It comes from Spread.Noise.
type Noise struct {
	RunSD    float64 `json:"run_sd,omitempty"`    // of the log of a run's value, within a launch
	RunDF    float64 `json:"run_df,omitempty"`    // degrees of freedom behind it; 0: not known, +Inf: certain
	LaunchSD float64 `json:"launch_sd,omitempty"` // of a launch's mean log
	LaunchDF float64 `json:"launch_df,omitempty"` // 0: not known, +Inf: certain
}

// LogMean is a mean of logs, or a difference of two, as Student's t has it.
type LogMean struct {
	Mean float64 // of ln(value)
	SE   float64 // standard error; NaN where nothing is known of the spread
	DF   float64 // degrees of freedom of SE
	N    int     // runs, pairs of runs, or launches: the unit
}

// Bounds returns the bounds below and above which the true mean lies with probability
// tail each. They are infinite where nothing is known of the spread.
func (m LogMean) Bounds(tail float64) (low, high float64) {
	if math.IsNaN(m.SE) || m.DF <= 0 {
		return math.Inf(-1), math.Inf(1)
	}
	half := m.SE * studentQuantile(1-tail, m.DF)
	return m.Mean - half, m.Mean + half
}

// Interval returns the ratio or value itself with its 95 % interval.
func (m LogMean) Interval() Interval {
	low, high := m.Bounds(alpha / 2)
	if math.IsInf(low, -1) {
		return insufficient(math.Exp(m.Mean), m.N, 2, "runs")
	}
	return Interval{Value: math.Exp(m.Mean), Low: math.Exp(low), High: math.Exp(high), N: m.N}
}

// Below is the probability that the true mean of logs is below bound, by the t
// distribution around the mean; NaN where nothing is known of the spread.
func (m LogMean) Below(bound float64) float64 {
	if math.IsNaN(m.SE) || m.DF <= 0 {
		return math.NaN()
	}
	if math.IsInf(m.DF, 1) {
		return distuv.UnitNormal.CDF((bound - m.Mean) / m.SE)
	}
	return distuv.StudentsT{Sigma: 1, Nu: m.DF}.CDF((bound - m.Mean) / m.SE)
}

func studentQuantile(p, df float64) float64 {
	if df > 1e6 {
		return distuv.UnitNormal.Quantile(p)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// MeanOf returns the mean log of one config's runs. Where it was launched more than
// once and the spread between launches is not known, the launch is the unit: its mean
// log counts once, however many runs it has. Where that spread is known, it is in SE,
// for one launch too. Without it, SE of one launch is about this launch alone.
func MeanOf(runs []Run, noise Noise) LogMean {
	launches := byLaunch(runs)
	means := launchMeans(launches)
	if len(launches) > 1 && noise.LaunchDF == 0 {
		return unitMean(means)
	}
	share := 0.0 // of the run variance in the variance of the mean of launch means
	for _, l := range launches {
		share += 1 / float64(len(l))
	}
	n := float64(len(launches))
	v := sum(noise.run(within(launches), 1).times(share/(n*n)), noise.launch(1/n))
	return v.around(Mean(means), len(runs))
}

// Compare returns the mean difference of logs of two configs, which is the log of
// their ratio. With one launch each, runs of equal blocks are pairs (common random
// numbers: what the prompts do to both cancels). With several launches the launch is
// the unit, in pairs where the launches of both, in order, had the same blocks (as
// when they were measured in turn).
func Compare(of, base []Run, noise Noise) LogMean {
	a, b := byLaunch(of), byLaunch(base)
	if len(a) == 1 && len(b) == 1 {
		if d := blockDifferences(a[0], b[0]); len(d) >= 2 || len(d) == 1 && noise.RunDF > 0 {
			v := sum(noise.run(varianceOf(d), 2).times(1/float64(len(d))), noise.launch(2))
			return v.around(Mean(d), len(d))
		}
	}
	if noise.LaunchDF == 0 && len(a)+len(b) > 2 {
		x, y := launchMeans(a), launchMeans(b)
		if len(a) == len(b) && slices.EqualFunc(a, b, sameBlocks) {
			return unitMean(differences(x, y))
		}
		return welch(x, y)
	}
	if noise.RunDF == 0 && len(a) == 1 && len(b) == 1 {
		return welch(logs(a[0]), logs(b[0]))
	}
	x, y := MeanOf(of, noise), MeanOf(base, noise)
	v := sum(variance{x.SE * x.SE, x.DF}, variance{y.SE * y.SE, y.DF})
	return v.around(x.Mean-y.Mean, min(x.N, y.N))
}

// byLaunch groups runs by launch, launches in order of their identifiers.
func byLaunch(runs []Run) [][]Run {
	if !slices.ContainsFunc(runs, func(r Run) bool { return r.Launch != runs[0].Launch }) && len(runs) > 0 {
		return [][]Run{runs} // nearly always
	}
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b Run) int { return cmp.Compare(a.Launch, b.Launch) })
	var groups [][]Run
	for i, r := range sorted {
		if i == 0 || r.Launch != sorted[i-1].Launch {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], r)
	}
	return groups
}

func launchMeans(launches [][]Run) []float64 {
	means := make([]float64, len(launches))
	for i, l := range launches {
		means[i] = Mean(logs(l))
	}
	return means
}

func logs(runs []Run) []float64 {
	out := make([]float64, len(runs))
	for i, r := range runs {
		out[i] = math.Log(r.Value)
	}
	return out
}

// blockDifferences pairs runs by block; of two runs of one block the first counts.
func blockDifferences(a, b []Run) []float64 {
	var d []float64
	seen := map[int64]bool{}
	for _, r := range a {
		i := slices.IndexFunc(b, func(o Run) bool { return o.Block == r.Block })
		if i >= 0 && !seen[r.Block] {
			d = append(d, math.Log(r.Value)-math.Log(b[i].Value))
			seen[r.Block] = true
		}
	}
	return d
}

func sameBlocks(a, b []Run) bool {
	blocks := func(runs []Run) []int64 {
		var out []int64
		for _, r := range runs {
			out = append(out, r.Block)
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(blocks(a), blocks(b))
}

func differences(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}
