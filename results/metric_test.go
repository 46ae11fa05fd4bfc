package results

import (
	"math"
	"testing"
)

func TestMetrics(t *testing.T) {
	good := 3.0
	run := Run{TTFTP99S: 0.25, OutputTPS: 900, GoodRPS: &good}
	for _, c := range []struct {
		name, column string
		higher       bool
		want         float64
	}{
		{"ttft_p99", "ttft_p99_s", false, 0.25},
		{"ttft_p99_s", "ttft_p99_s", false, 0.25},
		{"output_tps", "output_tps", true, 900},
		{"good_rps", "good_rps", true, 3},
		{"energy", "energy_j", false, math.NaN()}, // not measured
	} {
		m, ok := MetricOf(c.name)
		if !ok || m.Name != c.column || m.Higher != c.higher {
			t.Errorf("%s: %+v, %v", c.name, m, ok)
			continue
		}
		if got := m.Of(run); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s is %v, want %v", c.name, got, c.want)
		}
	}
	for _, name := range []string{"", "ttft", "run_id", "valid", "client_error_p99", "duration"} {
		if m, ok := MetricOf(name); ok {
			t.Errorf("%q is no metric, and found as %s", name, m.Name)
		}
	}
}
