package results

import (
	"math"
	"strings"
	"testing"
)

func TestMetrics(t *testing.T) {
	good, joules := 3.0, 0.5
	run := Run{TTFTP99S: 0.25, OutputTPS: 900, GoodRPS: &good, JoulesPerToken: &joules}
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
		{"joules_per_token", "joules_per_token", false, 0.5},
		{"cost_per_million_tokens", "cost_per_million_tokens", false, math.NaN()},
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

func TestParseLimits(t *testing.T) {
	limits, err := ParseLimits("ttft_p99=0.5s, itl_p99_s=50ms,output_tps=1000,e2e_p99=2")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, l := range limits {
		got += l.String() + " "
	}
	if want := "ttft_p99_s=0.5 itl_p99_s=0.05 output_tps=1000 e2e_p99_s=2 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if l := limits[0]; !l.Met(0.5) || l.Met(0.51) || l.Met(math.NaN()) {
		t.Error("a latency's limit is its highest value")
	}
	if l := limits[2]; !l.Met(1000) || l.Met(999) || l.Met(math.NaN()) {
		t.Error("a rate's limit is its lowest value")
	}
	for text, want := range map[string]string{
		"":                            "write METRIC=VALUE",
		"ttft_p99":                    "write METRIC=VALUE",
		"ttft=1s":                     "no metric ttft: there are",
		"ttft_p99=0":                  "is no value above 0",
		"ttft_p99=fast":               "write ttft_p99_s=500ms",
		"output_tps=1s":               "write output_tps=100",
		"ttft_p99=1s,ttft_p99_s=2":    "given twice",
		"ttft_p99=NaN,output_tps=100": "is no value above 0",
	} {
		if _, err := ParseLimits(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
