// Package stop decides after each run of a config, at one load point, whether another
// is worth its time, and during a run whether its end is.
//
// The flow is Rule.Hopeless while a run goes on, Rule.Decide after it, Saved at the
// end. All is pure: values of runs in, a verdict with its reason out.
//
// What is guaranteed, for runs whose logs are normal around their launch and
// independent of each other: with probability 1 - Error a config is not stopped as
// losing to, or no better than, a rival that it beats by more than Band in some
// objective, nor as missing a limit that it meets, over all looks, all rivals and
// limits together. The error is spent on looks in equal parts, fixed before the first
// run, at most two looks a run (alpha spending of Lan and DeMets, Biometrika 70, 1983,
// 659; parts are added up by Bonferroni's inequality, so that nothing is assumed of how
// looks depend on each other), and divided among the configs that the rivals were
// chosen from: the front is the best of many, and flattered by chance. A rival must be
// worse in no objective, and each is tested with the whole part, since all tests must
// agree (an intersection-union test; Berger, Technometrics 24, 1982, 295).
//
// Launches differ too, and no number of runs of one launch tells by how much: Noise
// carries what is known of it. Where it knows nothing of launches, the guarantee is
// for the launch that was measured.
package stop

import (
	"errors"
	"fmt"
	"math"

	"harness/results/stat"
)

// A Metric is one number of a run that decides.
type Metric struct {
	Name      string     `json:"name"`
	Lower     bool       `json:"lower,omitempty"`     // true: lower is better
	Objective bool       `json:"objective,omitempty"` // it counts against the front
	Precision float64    `json:"precision,omitempty"` // relative half-width that is enough, such as 0.02; 0: none is asked for
	Limit     float64    `json:"limit,omitempty"`     // the worst value that the SLO allows; 0: none
	Noise     stat.Noise `json:"noise,omitzero"`      // of this metric's logs, from other configs; the zero value: not known
}

// A Run is one valid run.
type Run struct {
	Launch string    `json:"launch"` // the trial
	Block  int64     `json:"block"`  // of prompts
	Values []float64 `json:"values"` // one for each metric of the rule, positive
}

// A Config is one config at one load point.
type Config struct {
	ID   string `json:"id"`
	Runs []Run  `json:"runs"`
}

// A Rule says when a config has been measured enough. Zero means default where one is
// given.
type Rule struct {
	Metrics []Metric `json:"metrics"`
	Min     int      `json:"min,omitempty"`   // runs before anything is decided; default 2
	Max     int      `json:"max,omitempty"`   // runs at most; default 10
	Error   float64  `json:"error,omitempty"` // of the guarantee above, and of each interval that is precise; default 0.05
	Band    float64  `json:"band,omitempty"`  // what is practically equal; default 0.01
	Abort   float64  `json:"abort,omitempty"` // how much worse a run must be at least to be cut short; default 0.2
}

// Validate reports every fault of a rule.
func (r Rule) Validate() error {
	r = r.withDefaults()
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(r.Min < 1 || r.Max < r.Min, "runs from %d to %d: write at least 1, and no fewer at most than at least", r.Min, r.Max)
	fault(!(r.Error > 0 && r.Error < 0.5), "error %v: must be above 0 and below 0.5", r.Error)
	fault(!(r.Band > 0), "band %v: must be above 0, such as 0.01", r.Band)
	fault(!(r.Abort >= r.Band), "abort %v: must be at least the band, %v", r.Abort, r.Band)
	for _, m := range r.Metrics {
		fault(!(m.Precision >= 0), "%s: precision %v: must be 0 (none) or above, such as 0.02", m.Name, m.Precision)
		fault(!(m.Limit >= 0), "%s: limit %v: must be 0 (none) or above", m.Name, m.Limit)
	}
	return errors.Join(errs...)
}

func (r Rule) withDefaults() Rule {
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&r.Error, 0.05)
	def(&r.Band, 0.01)
	def(&r.Abort, 0.2)
	if r.Max == 0 {
		r.Max = max(10, r.Min)
	}
	if r.Min == 0 {
		r.Min = min(2, r.Max)
	}
	return r
}

// part is the error of one claim at one look, of claims that share the rule's.
func (r Rule) part(claims int) float64 { return r.Error / float64(2*r.Max) / float64(max(1, claims)) }

// limits counts the metrics that have one.
func (r Rule) limits() int {
	n := 0
	for _, m := range r.Metrics {
		if m.Limit > 0 {
			n++
		}
	}
	return n
}

// values are those of metric i.
func (c Config) values(i int) []stat.Run {
	out := make([]stat.Run, len(c.Runs))
	for k, r := range c.Runs {
		out[k] = stat.Run{Launch: r.Launch, Block: r.Block, Value: r.Values[i]}
	}
	return out
}

// better turns logs so that higher is better, with bounds of the given tail.
func (m Metric) better(d stat.LogMean, tail float64) (mean, low, high float64) {
	low, high = d.Bounds(tail)
	if m.Lower {
		return -d.Mean, -high, -low
	}
	return d.Mean, low, high
}

// beyond says by how much a value is better than the limit, as a log, with bounds.
func (m Metric) beyond(runs []stat.Run, tail float64) (mean, low, high float64) {
	d := stat.MeanOf(runs, m.Noise)
	d.Mean -= math.Log(m.Limit)
	return m.better(d, tail)
}
