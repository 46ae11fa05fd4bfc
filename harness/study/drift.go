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
			d.Drift = stat.DriftOf(sentinels(watch, state.Runs, d.LoadPoint, metric), results.SpreadOf(state.Runs, d.LoadPoint, metric).Noise())
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

func sentinels(launches []results.Trial, runs []results.Run, loadPoint string, metric results.Metric) []stat.Sentinel {
	var list []stat.Sentinel
	for _, t := range launches {
		one := stat.Sentinel{Seconds: seconds(t)}
		for i := range runs {
			r := &runs[i]
			if r.TrialID != t.TrialID || r.LoadPoint != loadPoint || !r.Valid {
				continue
			}
			if v := metric.Of(*r); v > 0 && !math.IsInf(v, 1) {
				one.Runs = append(one.Runs, stat.Run{Launch: r.TrialID, Block: r.Block, Value: v})
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
