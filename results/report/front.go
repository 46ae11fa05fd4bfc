// Package report turns rows into what people read: the Pareto front with intervals
// and probabilities, the failures by class, and the same as JSON for scripts.
//
// The flow is NewFront and NewFailures (pure), Front.Assessed where a model has
// something to add, then Text or JSON. Every number stands with its interval and the
// runs that it rests on; simulated ones say so.
package report

import (
	"cmp"
	"math"
	"slices"

	"harness/results"
	"harness/results/stat"
	"harness/search/pareto"
)

// Row is one measured config at one load point.
type Row struct {
	results.Measurement
	Values   [2]stat.Estimate // of the objectives
	Params   []results.Param
	Purpose  string // of the config's first trial
	Launches int    // that its runs are of

	Kept  bool    // it keeps the limits, by the median over runs; true where there are none
	PKept float64 // probability that it does; NaN: not known, or there are no limits

	OnFront  bool       // no row that keeps the limits dominates it, and it keeps them
	PFront   float64    // probability of that, errors allowed for; NaN: not assessed
	Expected [2]float64 // the objectives as further measurements should show them; NaN: not assessed
}

// Front is the state of a study: every measured row, the front marked.
type Front struct {
	Aim       results.Aim
	Rows      []Row        // by trial and load
	Reference pareto.Point // in units of the objectives; NaN without rows
	HV        float64      // of the front against Reference, both objectives as log10; 0 without rows
	HVLow     float64      // with a probability of 0.9 the true front's is between; NaN: not assessed
	HVHigh    float64
	Simulated bool

	From []results.SourceUse // studies that this one builds on, where it was assessed
}

// referenceMargin widens the reference point, so that the ends of a front count.
const referenceMargin = 1.1

// NewFront finds the front over (config, load point). The reference point is 10 %
// worse, in both objectives, than the worst of the seed trials: it stays where it is
// while a refinement goes on, so that the hypervolume can be compared.
func NewFront(trials []results.Trial, runs []results.Run, aim results.Aim) Front {
	first := map[string]results.Trial{} // by config
	for _, t := range trials {
		if old, seen := first[t.ConfigID]; !seen || t.TrialID < old.TrialID {
			first[t.ConfigID] = t
		}
	}
	f := Front{Aim: aim, HVLow: math.NaN(), HVHigh: math.NaN()}
	for _, m := range results.Collect(trials, runs) {
		r := Row{Measurement: m, Params: first[m.ConfigID].Params, Purpose: first[m.ConfigID].Purpose,
			Kept: aim.Keeps(m), PKept: math.NaN(), PFront: math.NaN(), Expected: [2]float64{math.NaN(), math.NaN()}}
		for k, objective := range aim.Objectives {
			r.Values[k] = m.Estimate(objective)
		}
		r.Launches = r.Values[0].Launches
		f.Rows = append(f.Rows, r)
		f.Simulated = f.Simulated || m.Simulated
	}
	keepProbability(f.Rows, aim.Limits)
	points := f.kept()
	for _, i := range f.goals().Front(points) {
		f.Rows[i].OnFront = true
	}
	f.Reference = f.reference()
	if len(points) > 0 {
		f.HV = f.goals().Hypervolume(logs(points), logs([]pareto.Point{f.Reference})[0])
	}
	return f
}

// goals are the directions of the objectives.
func (f Front) goals() pareto.Goals {
	var g pareto.Goals
	for k, o := range f.Aim.Objectives {
		if o.Higher {
			g[k] = pareto.Maximise
		}
	}
	return g
}

// kept are the points of all rows; of those that break a limit, none.
func (f Front) kept() []pareto.Point {
	points := make([]pareto.Point, len(f.Rows))
	for i, r := range f.Rows {
		points[i] = r.point()
		if !r.Kept {
			points[i] = pareto.Point{math.NaN(), math.NaN()}
		}
	}
	return points
}

func (r Row) point() pareto.Point { return pareto.Point{r.Values[0].Value, r.Values[1].Value} }

// Points are the rows on the front, in order of the first objective.
func (f Front) Points() []Row { return f.pick(func(r Row) bool { return r.OnFront }) }

// nearLeast is the probability from which a row off the front is told of.
const nearLeast = 0.1

// Near are the rows off the front that may well belong there.
func (f Front) Near() []Row {
	return f.pick(func(r Row) bool { return !r.OnFront && r.PFront >= nearLeast })
}

// Doubtful are the rows of which it is not sure, by 0.9, whether they are on the front.
func (f Front) Doubtful() []Row {
	return f.pick(func(r Row) bool { return r.PFront > nearLeast && r.PFront < 1-nearLeast })
}

func (f Front) pick(want func(Row) bool) []Row {
	var rows []Row
	for _, r := range f.Rows {
		if want(r) {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Values[0].Value, b.Values[0].Value) })
	return rows
}

// reference is that of the seed trials that keep the limits, of all seeds where none
// does, of all rows where there is no seed.
func (f Front) reference() pareto.Point {
	seed := func(r Row) bool { return r.Purpose == "seed" }
	for _, counts := range []func(Row) bool{func(r Row) bool { return seed(r) && r.Kept }, seed, func(Row) bool { return true }} {
		if ref, ok := f.worst(counts); ok {
			return ref
		}
	}
	return pareto.Point{math.NaN(), math.NaN()}
}

func (f Front) worst(counts func(Row) bool) (ref pareto.Point, ok bool) {
	for k, o := range f.Aim.Objectives {
		worst := math.NaN()
		for _, r := range f.Rows {
			v := r.Values[k].Value
			if !counts(r) || !(v > 0) { // a rate of 0 has no logarithm
				continue
			}
			if math.IsNaN(worst) || o.Higher == (v < worst) {
				worst = v
			}
		}
		if ref[k] = worst * referenceMargin; o.Higher {
			ref[k] = worst / referenceMargin
		}
	}
	return ref, !math.IsNaN(ref[0]) && !math.IsNaN(ref[1])
}

func logs(ps []pareto.Point) []pareto.Point {
	out := make([]pareto.Point, len(ps))
	for i, p := range ps {
		out[i] = pareto.Point{math.Log10(p[0]), math.Log10(p[1])}
	}
	return out
}
