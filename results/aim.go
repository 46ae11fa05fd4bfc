package results

import (
	"fmt"
	"slices"
	"strings"
)

// An Aim is what the points of a study are judged by: two objectives, and the limits of
// an SLO that a point must keep to count at all.
type Aim struct {
	Objectives [2]Metric
	Limits     []Limit

	// Since is the last trial that was measured for another aim; "" where there is none.
	// Runs up to it were cut short by what mattered then, and bound nothing now.
	Since string
}

// defaultObjectives are less time to the first token and more tokens a second.
var defaultObjectives = []string{"ttft_p50_s", "output_tps"}

// ParseAim reads an aim: none, one or two objectives by name, and limits as
// Limit.String writes them. One objective takes the place of the default one of its
// direction, so that the other side of the trade stays.
func ParseAim(objectives, limits []string) (Aim, error) {
	var a Aim
	for i, name := range defaultObjectives {
		a.Objectives[i], _ = MetricOf(name)
	}
	if len(objectives) > 2 {
		return a, fmt.Errorf("%d objectives (%s): two are weighed against each other; make limits of the others", len(objectives), strings.Join(objectives, ", "))
	}
	for i, name := range objectives {
		m, ok := MetricOf(name)
		switch {
		case !ok:
			return a, fmt.Errorf("objective %q: no such metric: there are goodput, %s", name, strings.Join(metricNames(), ", "))
		case i == 1 && m.Name == a.Objectives[0].Name:
			return a, fmt.Errorf("objective %s is given twice", m.Name)
		case len(objectives) == 1 && m.Higher:
			a.Objectives[1] = m
		default:
			a.Objectives[i] = m
		}
	}
	if len(limits) == 0 {
		return a, nil
	}
	var err error
	a.Limits, err = ParseLimits(strings.Join(limits, ","))
	return a, err
}

// Names are the objectives' columns.
func (a Aim) Names() []string { return []string{a.Objectives[0].Name, a.Objectives[1].Name} }

// LimitTexts are the limits as ParseAim reads them.
func (a Aim) LimitTexts() []string {
	var texts []string
	for _, l := range a.Limits {
		texts = append(texts, l.String())
	}
	return texts
}

// Uses reports whether an objective or a limit is of a metric.
func (a Aim) Uses(name string) bool {
	return slices.Contains(a.Names(), name) || slices.ContainsFunc(a.Limits, func(l Limit) bool { return l.Metric.Name == name })
}

// Keeps reports whether a measurement keeps all limits, by the median over its runs.
func (a Aim) Keeps(m Measurement) bool {
	return !slices.ContainsFunc(a.Limits, func(l Limit) bool { return !l.Met(m.Estimate(l.Metric).Value) })
}
