package search

import "fmt"

// Limit is a bound on a metric that a point must keep to count, as a service
// level objective has it: {"ttft_p99_s", 0.5, false} or {"goodput_share", 0.99, true}.
type Limit struct {
	Metric  string  // key of Point.Metrics
	Bound   float64 // finite
	AtLeast bool    // the metric must be no less than Bound; else no more
}

func (l Limit) validate() error {
	if l.Metric == "" || !finite(l.Bound) {
		return fmt.Errorf("limit %v of metric %q: want a name and a finite bound", l.Bound, l.Metric)
	}
	return nil
}

// excess is by how much a value breaks the limit; up to 0 it keeps it.
func (l Limit) excess(v float64) float64 {
	if l.AtLeast {
		return l.Bound - v
	}
	return v - l.Bound
}

// violation is by how much a point breaks limits, 0 where it keeps all: the sum of
// what it breaks them by, each in units of its bound (Deb's rule for constraints).
func violation(p Point, limits []Limit) float64 {
	sum := 0.0
	for _, l := range limits {
		if over := l.excess(p.Metrics[l.Metric]); over > 0 {
			unit := l.Bound
			if unit < 0 {
				unit = -unit
			}
			if unit == 0 {
				unit = 1
			}
			sum += over / unit
		}
	}
	return sum
}
