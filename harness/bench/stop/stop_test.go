package stop

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"harness/results/stat"
)

var sure = stat.Noise{RunSD: 0.01, RunDF: 100, LaunchSD: 0.005, LaunchDF: 50}

func objectives(noise stat.Noise) []Metric {
	return []Metric{
		{Name: "ttft_p50_s", Lower: true, Objective: true, Precision: 0.03, Noise: noise},
		{Name: "output_tps", Objective: true, Precision: 0.02, Noise: noise},
	}
}

// measured has n runs, a little off their values, each config in its own way.
func measured(id string, n int, values ...float64) Config {
	c := Config{ID: id}
	for i := range n {
		run := Run{Launch: id, Block: int64(i)}
		for _, v := range values {
			run.Values = append(run.Values, v*(1+0.002*float64((i+len(id))%3-1)))
		}
		c.Runs = append(c.Runs, run)
	}
	return c
}

func TestDecide(t *testing.T) {
	front := []Config{measured("fast", 4, 0.10, 1000), measured("wider", 4, 0.30, 4000)}
	unknown, rough := objectives(stat.Noise{}), objectives(stat.Noise{RunSD: 0.02, RunDF: 100})
	for _, tt := range []struct {
		name    string
		metrics []Metric
		config  Config
		front   []Config
		want    Decision
		rival   string
	}{
		{"one run says nothing", objectives(sure), measured("c", 1, 1, 1), front, Continue, ""},
		{"worse than one in both", objectives(sure), measured("c", 2, 0.4, 3000), front, Loses, "wider"},
		{"the same as one", objectives(stat.Noise{RunSD: 0.001, RunDF: 100}), measured("c", 6, 0.10, 1000), front, Equal, "fast"},
		{"better in one objective", rough, measured("c", 2, 0.09, 500), front, Continue, ""},
		{"between two on the front, and known well enough", objectives(stat.Noise{RunSD: 0.005, RunDF: 100}), measured("c", 4, 0.2, 2000), front, Precise, ""},
		{"two runs of which nothing is known beforehand", unknown, Config{ID: "c", Runs: []Run{{"c", 0, []float64{0.38, 3200}}, {"c", 1, []float64{0.42, 2800}}}}, front, Continue, ""},
		{"without rivals", rough, measured("c", 2, 0.4, 3000), nil, Continue, ""},
		{"a rival with no runs", rough, measured("c", 2, 0.4, 3000), []Config{{ID: "none"}}, Continue, ""},
		{"the cap", objectives(stat.Noise{RunSD: 0.2, RunDF: 100}), measured("c", 10, 0.2, 2000), front, Capped, ""},
		{"a limit is exceeded", []Metric{{Name: "ttft_p99_s", Lower: true, Limit: 0.5, Noise: sure}}, measured("c", 2, 0.6), nil, MissesSLO, ""},
		{"a limit is met", []Metric{{Name: "ttft_p99_s", Lower: true, Limit: 0.5, Noise: sure}}, measured("c", 2, 0.49), nil, Continue, ""},
		{"a floor is missed", []Metric{{Name: "output_tps", Limit: 100, Noise: sure}}, measured("c", 2, 80), nil, MissesSLO, ""},
	} {
		v := Rule{Metrics: tt.metrics}.Decide(tt.config, tt.front, 0)
		if v.Decision != tt.want || v.Rival != tt.rival || v.Why == "" || !strings.Contains(v.Why, v.Rival) {
			t.Errorf("%s: %+v, want %s %s", tt.name, v, tt.want, tt.rival)
		}
	}
}

// The front is the best of many: the more it was chosen from, the later it decides.
func TestChoiceOfTheFrontCostsConfidence(t *testing.T) {
	rule := Rule{Metrics: objectives(sure)}
	c, front := measured("c", 2, 0.104, 960), []Config{measured("f", 4, 0.1, 1000)}
	few, many := rule.Decide(c, front, 1), rule.Decide(c, front, 1_000_000)
	if few.Decision != Loses || many.Decision == Loses {
		t.Errorf("of 1: %+v; of a million: %+v", few, many)
	}
}

func TestHopeless(t *testing.T) {
	front := []Config{measured("f", 3, 0.1, 1000)}
	slo := []Metric{{Name: "ttft_p99_s", Lower: true, Limit: 0.5}}
	for _, tt := range []struct {
		name    string
		metrics []Metric
		best    []float64
		front   []Config
		want    Decision
	}{
		{"far worse in both", objectives(sure), []float64{0.2, 500}, front, Loses},
		{"far worse, of unknown noise", objectives(stat.Noise{}), []float64{0.2, 500}, front, Loses},
		{"far worse in one, not known in the other", objectives(sure), []float64{0.2, math.NaN()}, front, Continue},
		{"worse by less than a fifth", objectives(sure), []float64{0.115, 870}, front, Continue},
		{"far worse, but not beyond the noise", objectives(stat.Noise{RunSD: 0.3, RunDF: 50}), []float64{0.2, 500}, front, Continue},
		{"no rival", objectives(sure), []float64{0.2, 500}, nil, Continue},
		{"the limit cannot be met any more", slo, []float64{0.7}, nil, MissesSLO},
		{"the limit may be met", slo, []float64{0.55}, nil, Continue},
	} {
		if v := (Rule{Metrics: tt.metrics}).Hopeless(tt.best, tt.front, 0); v.Decision != tt.want {
			t.Errorf("%s: %+v, want %s", tt.name, v, tt.want)
		}
	}
}

// However a run ends, its quantile and its rate are no better than was said.
func TestBestIsABound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Float64Range(0, 10), 1, 30).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		k := rapid.IntRange(0, len(all)).Draw(t, "known")
		atLeast := make([]float64, k)
		for i := range atLeast {
			atLeast[i] = all[i] * rapid.Float64Range(0, 1).Draw(t, "so far")
		}
		if best, final := BestQuantile(atLeast, len(all), q), stat.Quantile(all, q); best > final {
			t.Fatalf("best %v, came out at %v", best, final)
		}
	})
	if got := BestRate(3000, 2); got != 1500 {
		t.Errorf("BestRate = %v", got)
	}
}

func TestSaved(t *testing.T) {
	// 10 runs of 5 s each would have taken 100 s.
	s := Saved([]Taken{{2, 10}, {10, 50}, {0, 0}}, 10)
	if s.Runs != 8 || s.Seconds != 40 || s.Share != 0.4 {
		t.Errorf("%+v", s)
	}
	if s := Saved(nil, 10); s != (Saving{}) {
		t.Errorf("nothing: %+v", s)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	if err := (Rule{Metrics: objectives(sure)}).Validate(); err != nil {
		t.Error("the defaults:", err)
	}
	err := Rule{Min: 5, Max: 3, Error: 2, Band: -1, Metrics: []Metric{{Name: "x", Limit: -1, Precision: math.NaN()}}}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"runs from 5 to 3", "error 2", "band -1", "x: limit -1", "x: precision NaN"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}
