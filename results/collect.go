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
	Concurrency int
	TTFT        stat.Estimate // s, median TTFT of a run
	TPS         stat.Estimate // output tokens/s
	Simulated   bool
	Runs        []Run // valid ones, in the order in which they were read
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
			Concurrency: int(rs[0].Concurrency), Simulated: rs[0].Simulated, Runs: rs}
		m.TTFT = stat.EstimateOf(Values(rs, func(r Run) float64 { return r.TTFTP50S }))
		m.TPS = stat.EstimateOf(Values(rs, func(r Run) float64 { return r.OutputTPS }))
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b Measurement) int {
		return cmp.Or(cmp.Compare(a.TrialID, b.TrialID), cmp.Compare(a.Concurrency, b.Concurrency))
	})
	return ms
}

// Values are the runs' values of one metric, with launch and block, as the functions of
// package stat take them. A trial is a launch.
func Values(runs []Run, metric func(Run) float64) []stat.Run {
	values := make([]stat.Run, len(runs))
	for i, r := range runs {
		values[i] = stat.Run{Launch: r.TrialID, Block: r.Block, Value: metric(r)}
	}
	return values
}
