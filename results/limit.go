package results

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Limit is the worst value of a metric that an SLO allows.
type Limit struct {
	Metric Metric
	Value  float64
}

// Met reports whether a value keeps the limit; NaN does not.
func (l Limit) Met(v float64) bool {
	if l.Metric.Higher {
		return v >= l.Value
	}
	return v <= l.Value
}

// String is the limit as ParseLimits reads it.
func (l Limit) String() string { return fmt.Sprintf("%s=%g", l.Metric.Name, l.Value) }

// ParseLimits reads limits such as ttft_p99=0.5s,itl_p99=50ms,output_tps=1000: columns
// of runs, with or without the unit; times as 0.5s, 500ms or 0.5, in seconds. It is the
// highest value that is allowed, and for a rate the lowest.
func ParseLimits(text string) ([]Limit, error) {
	var limits []Limit
	for _, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		m, known := MetricOf(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("limit %q: write METRIC=VALUE, such as ttft_p99=0.5s", part)
		case !known:
			return nil, fmt.Errorf("limit %q: no metric %s: there are %s", part, name, strings.Join(metricNames(), ", "))
		}
		v, err := strconv.ParseFloat(value, 64)
		if d, durationErr := time.ParseDuration(value); err != nil && durationErr == nil && strings.HasSuffix(m.Name, "_s") {
			v, err = d.Seconds(), nil
		}
		if err != nil || !(v > 0) {
			return nil, fmt.Errorf("limit %q: %q is no value above 0: write %s", part, value, exampleOf(m))
		}
		for _, l := range limits {
			if l.Metric.Name == m.Name {
				return nil, fmt.Errorf("limit %q: %s is given twice", text, m.Name)
			}
		}
		limits = append(limits, Limit{m, v})
	}
	return limits, nil
}

func exampleOf(m Metric) string {
	if strings.HasSuffix(m.Name, "_s") {
		return m.Name + "=500ms"
	}
	return m.Name + "=100"
}

func metricNames() []string {
	var names []string
	for _, m := range Metrics() {
		names = append(names, m.Name)
	}
	return names
}
