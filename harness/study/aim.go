package study

import (
	"math"

	"harness/results"
	"harness/search"
)

// Aim is what the study's points are judged by.
func (l Lock) Aim() (results.Aim, error) {
	aim, err := results.ParseAim(l.Objectives, l.Limits)
	aim.Since = l.AimSince
	return aim, err
}

// scale brings a metric to the slot of search.Point that it is told in: the first
// wants less, the second more. The search compares logarithms, so that what is better
// the other way round is told by its inverse. It undoes itself.
func scale(m results.Metric, slot int, v float64) float64 {
	if m.Higher != (slot == 1) {
		return 1 / v
	}
	return v
}

// pointOf is a measurement as the search takes it; false where an objective or a
// limited metric was not measured.
func pointOf(m results.Measurement, aim results.Aim) (p search.Point, ok bool) {
	p.Load = search.Load{Concurrency: m.Concurrency, RatePerSec: m.Rate}
	var se [2]float64
	for slot, objective := range aim.Objectives {
		e := m.Estimate(objective)
		v := e.Value
		if v == 0 && objective.Higher {
			v = leastRate(m) // a logarithm needs some
		}
		if !(v > 0) || math.IsInf(v, 1) {
			return p, false
		}
		v = scale(objective, slot, v)
		if slot == 0 {
			p.TTFT = v
		} else {
			p.TPS = v
		}
		if s := e.LogSE; s > 0 && !math.IsInf(s, 1) {
			se[slot] = s
		}
	}
	p.TTFTSE, p.TPSSE, p.Runs = se[0], se[1], len(m.Runs)
	p.Metrics = map[string]float64{}
	for _, l := range aim.Limits {
		v := m.Estimate(l.Metric).Value
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return p, false
		}
		p.Metrics[l.Metric.Name] = v
	}
	return p, true
}

// leastRate stands for a rate of 0: half a thing in the time of a run.
func leastRate(m results.Measurement) float64 {
	longest := 1.0
	for _, r := range m.Runs {
		longest = max(longest, r.DurationS)
	}
	return 0.5 / longest
}

// searchLimits are an aim's limits as the search takes them.
func searchLimits(aim results.Aim) []search.Limit {
	var limits []search.Limit
	for _, l := range aim.Limits {
		limits = append(limits, search.Limit{Metric: l.Metric.Name, Bound: l.Value, AtLeast: l.Metric.Higher})
	}
	return limits
}
