package results

import (
	"cmp"
	"slices"

	"harness/results/stat"
)

// Measurement is what is known of one config at one load point.
type Measurement struct {
	ConfigID    string
	TrialID     string // the config's last trial that ended well
	LoadPoint   string
	Concurrency int           // 0 in an open loop
	Rate        float64       // requests offered a second; 0 in a closed loop and for a trace
	TTFT        stat.Estimate // s, median TTFT of a run
	TPS         stat.Estimate // output tokens/s
	Simulated   bool
	Runs        []Run // valid ones, in the order in which they were read
}

// Collect turns rows into measurements, ordered by trial and load: closed loops
// first, each kind by its size. A config
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
			Concurrency: int(rs[0].Concurrency), Simulated: rs[0].Simulated, Runs: rs}
		if rs[0].Rate != nil {
			m.Rate = *rs[0].Rate
		}
		m.TTFT = stat.EstimateOf(Values(rs, func(r Run) float64 { return r.TTFTP50S }))
		m.TPS = stat.EstimateOf(Values(rs, func(r Run) float64 { return r.OutputTPS }))
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b Measurement) int {
		return cmp.Or(cmp.Compare(a.TrialID, b.TrialID), a.CompareLoad(b))
	})
	return ms
}

// Estimate is what the runs say of any metric.
func (m Measurement) Estimate(metric Metric) stat.Estimate {
	return stat.EstimateOf(Values(m.Runs, metric.Of))
}

// CompareLoad orders two loads: closed loops before open ones, each by its size.
func (m Measurement) CompareLoad(other Measurement) int {
	open := func(m Measurement) int {
		if m.Concurrency == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(open(m)-open(other), cmp.Compare(m.Concurrency, other.Concurrency), cmp.Compare(m.Rate, other.Rate))
}

// Values are the runs' values of one metric, with launch and block, as the functions of
// package stat take them.
func Values(runs []Run, metric func(Run) float64) []stat.Run {
	values := make([]stat.Run, len(runs))
	for i, r := range runs {
		values[i] = stat.Run{Launch: r.Launch(), Block: r.Block, Value: metric(r)}
	}
	return values
}
