package results

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestAims(t *testing.T) {
	for _, tt := range []struct {
		objectives, limits string
		want               string // names, limits; or the error
	}{
		{"", "", "ttft_p50_s output_tps"},
		{"goodput", "", "ttft_p50_s good_rps"},
		{"e2e_p50", "", "e2e_p50_s output_tps"},
		{"itl_p99_s,request_rps", "", "itl_p99_s request_rps"},
		{"output_tps,ttft_p99", "", "output_tps ttft_p99_s"},
		{"", "ttft_p99=0.5s,itl_p99=50ms", "ttft_p50_s output_tps ttft_p99_s=0.5 itl_p99_s=0.05"},
		{"", "output_tps=100,good_share=0.99", "ttft_p50_s output_tps output_tps=100 good_share=0.99"},
		{"e2e_p51", "", `objective "e2e_p51": no such metric: there are goodput,`},
		{"output_tps,output_tps", "", "output_tps is given twice"},
		{"ttft_p50,output_tps,itl_p50", "", "3 objectives"},
		{"", "ttft_p98=1", "no metric ttft_p98"},
	} {
		a, err := ParseAim(split(tt.objectives), split(tt.limits))
		got := strings.Join(slices.Concat(a.Names(), a.LimitTexts()), " ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%q, %q: %s, want %s", tt.objectives, tt.limits, got, tt.want)
		}
	}
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func TestOutputPerGPU(t *testing.T) {
	m, ok := MetricOf("output_tps_per_gpu")
	if got := m.Of(Run{OutputTPS: 80, GPUCount: 4}); !ok || !m.Higher || got != 20 {
		t.Errorf("80 tokens/s on 4 are %v each", got)
	}
	if got := m.Of(Run{OutputTPS: 80}); !math.IsNaN(got) {
		t.Errorf("without a GPU %v", got)
	}
}

func TestGoodShare(t *testing.T) {
	good := 2.0
	m, _ := MetricOf("good_share")
	if got := m.Of(Run{GoodRPS: &good, DurationS: 4, Requests: 10}); got != 0.8 {
		t.Errorf("8 of 10 are %v", got)
	}
	a, _ := ParseAim(nil, []string{"good_share=0.9"})
	if a.Keeps(Measurement{Runs: []Run{{GoodRPS: &good, DurationS: 4, Requests: 10}}}) || a.Keeps(Measurement{Runs: []Run{{}}}) {
		t.Error("0.8, or nothing, keeps 0.9")
	}
}
