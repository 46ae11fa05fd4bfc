package study

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"harness/results"
	"harness/results/stat"
)

// A Drift is how one objective of the default changed at one load point while the study
// went on, with the trials that were measured while it was off.
type Drift struct {
	Metric    string
	LoadPoint string
	stat.Drift
	Affected []string // trials, by identifier
}

// Drifts looks for drift in each objective at each load point. There is none to see
// without a sentinel.
func (s *Study) Drifts(state State) ([]Drift, error) {
	aim, err := s.Lock.Aim()
	if err != nil {
		return nil, err
	}
	watch := s.launchesOfDefault(state.Trials)
	if len(watch) < 2 {
		return nil, nil
	}
	var list []Drift
	for _, p := range s.Lock.LoadPoints {
		for _, metric := range aim.Objectives {
			d := Drift{Metric: metric.Name, LoadPoint: p.LoadPoint()}
			seen := sentinels(watch, state.Runs, d.LoadPoint, metric)
			others := slices.DeleteFunc(slices.Clone(state.Runs), func(r results.Run) bool { return r.ConfigID == watch[0].ConfigID })
			noise := results.SpreadOf(state.Runs, d.LoadPoint, metric).Noise()
			noise.LaunchSD, noise.LaunchDF = launchNoise(seen, results.SpreadOf(others, d.LoadPoint, metric).Launch)
			d.Drift = stat.DriftOf(seen, noise)
			for _, t := range state.Trials {
				if _, off := d.At(seconds(t)); off && t.Purpose != Sentinel {
					d.Affected = append(d.Affected, t.TrialID)
				}
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// launchesOfDefault are the trials of the default's own measurement and of its
// sentinels, in order.
func (s *Study) launchesOfDefault(trials []results.Trial) []results.Trial {
	rank, _ := s.Lattice.Rank(s.Lattice.Default())
	var own []results.Trial
	for _, t := range trials {
		if t.Rank == rank.String() && t.Outcome == results.OK && (t.Replicate == 0 || t.Purpose == Sentinel) {
			own = append(own, t)
		}
	}
	slices.SortFunc(own, func(a, b results.Trial) int { return cmp.Compare(a.TrialID, b.TrialID) })
	return own
}

// What is assumed of the spread of launches until some were seen: 3 %, worth as much as
// five launches of one config. An assumption, not a measurement: with it a sentinel
// must be off by about a sixth to be told, and by less the more is known.
const (
	assumedLaunchSD = 0.03
	assumedLaunchDF = 4
)

// launchNoise is the spread of launches that drift is held against. The default's own
// launches must not inflate it by the very drift: theirs is taken from the differences
// of neighbours, of which a change of level spoils one, by their median (with the
// efficiency of a median absolute deviation, 0.37, in its degrees of freedom).
func launchNoise(sentinels []stat.Sentinel, others stat.SD) (sd, df float64) {
	sum, df := assumedLaunchDF*assumedLaunchSD*assumedLaunchSD, float64(assumedLaunchDF)
	if others.DF > 0 {
		sum, df = sum+others.DF*others.Value*others.Value, df+others.DF
	}
	var steps []float64
	for i := 1; i < len(sentinels); i++ {
		steps = append(steps, math.Abs(stat.MeanOf(sentinels[i].Runs, stat.Noise{}).Mean-stat.MeanOf(sentinels[i-1].Runs, stat.Noise{}).Mean))
	}
	if len(steps) >= 3 {
		const normal = 0.6745 // median of the absolute value of a standard normal
		own, ownDF := stat.Quantile(steps, 0.5)/(normal*math.Sqrt2), 0.37*float64(len(steps))
		sum, df = sum+ownDF*own*own, df+ownDF
	}
	return math.Sqrt(sum / df), df
}

func sentinels(launches []results.Trial, runs []results.Run, loadPoint string, metric results.Metric) []stat.Sentinel {
	var list []stat.Sentinel
	for _, t := range launches {
		one := stat.Sentinel{Seconds: seconds(t)}
		for i := range runs {
			r := &runs[i]
			if r.Launch() != t.Launch() || r.LoadPoint != loadPoint || !r.Valid {
				continue
			}
			if v := metric.Of(*r); v > 0 && !math.IsInf(v, 1) {
				one.Runs = append(one.Runs, stat.Run{Launch: r.Launch(), Block: r.Block, Value: v})
			}
		}
		if len(one.Runs) > 0 {
			list = append(list, one)
		}
	}
	return list
}

// seconds is when a trial began.
func seconds(t results.Trial) float64 { return float64(t.StartedAt.UnixMicro()) / 1e6 }

// driftNow is how the default was off at its last sentinel, for the rows of the trials
// that come after it; "" where it was not.
func (l *loop) driftNow() string {
	drifts, err := l.Drifts(l.state)
	if err != nil {
		return "" // the study's aim was read before
	}
	var off []string
	for _, d := range drifts {
		if n := len(d.Stays); n > 0 && math.IsInf(d.Stays[n-1].To, 1) {
			off = append(off, fmt.Sprintf("%s %s %+.1f %%", d.LoadPoint, d.Metric, 100*(d.Stays[n-1].Ratio.Value-1)))
		}
	}
	return strings.Join(off, "; ")
}
