package report

import (
	"math"

	"harness/results"
	"harness/results/stat"
)

// Assessed is the front with what a model says of it: how sure each point's place is,
// what is expected of it, and between what bounds the hypervolume lies. A row that the
// model does not know, since it breaks a limit, is on the front with probability 0.
func (f Front) Assessed(a results.Assessment) Front {
	type key struct {
		config      string
		concurrency int
		rate        float64
	}
	known := map[key]results.AssessedPoint{}
	for _, p := range a.Points {
		known[key{p.ConfigID, p.Concurrency, p.Rate}] = p
	}
	rows := append([]Row(nil), f.Rows...)
	for i := range rows {
		r := &rows[i]
		p, ok := known[key{r.ConfigID, r.Concurrency, r.Rate}]
		if r.PFront = 0; ok {
			r.PFront, r.Expected = p.P, p.Expected
		}
	}
	f.Rows, f.From = rows, a.From
	if len(a.Points) > 0 {
		square := math.Ln10 * math.Ln10 // of an area in natural logarithms
		f.HVLow, f.HVHigh = a.HVLow/square, a.HVHigh/square
	}
	return f
}

// keepProbability fills in how probable it is that rows keep limits: for each limit by
// Student's t around the mean of the logs of the row's runs, the spread pooled over all
// rows, for two or three runs say little of their own. Limits are taken as independent.
func keepProbability(rows []Row, limits []results.Limit) {
	for _, l := range limits {
		values := make([][]stat.Run, len(rows))
		for i, r := range rows {
			values[i] = results.Values(r.Runs, l.Metric.Of)
		}
		noise := stat.SpreadOf(positive(values)).Noise()
		for i := range rows {
			p := keeps(l, values[i], noise)
			if old := rows[i].PKept; !math.IsNaN(old) {
				p *= old
			}
			rows[i].PKept = p
		}
	}
}

// keeps is NaN where the spread is not known.
func keeps(l results.Limit, values []stat.Run, noise stat.Noise) float64 {
	if len(positive([][]stat.Run{values})) == 0 { // there are no logarithms
		if l.Met(stat.EstimateOf(values).Value) {
			return math.NaN()
		}
		return 0
	}
	mean := stat.MeanOf(values, noise)
	if mean.SE == 0 { // all runs alike, as a share of 1 is
		if l.Met(math.Exp(mean.Mean)) {
			return 1
		}
		return 0
	}
	below := mean.Below(math.Log(l.Value))
	if l.Metric.Higher {
		return 1 - below
	}
	return below
}

// positive are the rows whose values all are, and finite.
func positive(rows [][]stat.Run) [][]stat.Run {
	var good [][]stat.Run
next:
	for _, runs := range rows {
		for _, r := range runs {
			if !(r.Value > 0) || math.IsInf(r.Value, 1) {
				continue next
			}
		}
		good = append(good, runs)
	}
	return good
}
