package study

import (
	"math"
	"slices"

	"harness/results"
	"harness/search"
)

// bounded are the load points of a launch of which nothing is known but that they are
// no better than so: their only runs were cut short. They are told to the search as
// bounds (search.Point.Bound), which are on no front.
func bounded(runs []results.Run, aim results.Aim) []search.Point {
	var points []search.Point
	var seen []string
	for _, r := range runs {
		valid := func(o results.Run) bool { return o.LoadPoint == r.LoadPoint && o.Valid }
		if len(r.Bounds) == 0 || r.TrialID <= aim.Since || slices.Contains(seen, r.LoadPoint) || slices.ContainsFunc(runs, valid) {
			continue
		}
		seen = append(seen, r.LoadPoint)
		if p, ok := boundOf(r, aim); ok {
			points = append(points, p)
		}
	}
	return points
}

// boundOf is a cut run as the search takes it; false where too little is known.
func boundOf(r results.Run, aim results.Aim) (p search.Point, ok bool) {
	rule := Lock{}.rule(aim)
	value := func(name string) float64 {
		for i, m := range rule.Metrics {
			if m.Name == name && i < len(r.Bounds) && r.Bounds[i] > 0 && !math.IsInf(r.Bounds[i], 1) {
				return r.Bounds[i]
			}
		}
		return 0
	}
	p.Bound = true
	p.Load = search.Load{Concurrency: int(r.Concurrency)}
	if r.Rate != nil {
		p.RatePerSec = *r.Rate
	}
	a, b := value(aim.Objectives[0].Name), value(aim.Objectives[1].Name)
	if a == 0 || b == 0 {
		return p, false
	}
	p.TTFT, p.TPS = scale(aim.Objectives[0], 0, a), scale(aim.Objectives[1], 1, b)
	p.Metrics = map[string]float64{}
	for _, l := range aim.Limits {
		v := value(l.Metric.Name)
		if v == 0 {
			return p, false
		}
		p.Metrics[l.Metric.Name] = v
	}
	return p, true
}
