package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"harness/results"
	"harness/results/stat"

	"pgregory.net/rapid"
)

// Of a, the default, b has 20 % more throughput at the same TTFT and c half the TTFT at
// the same throughput; d is best in both but for the load of 8 alone.
const answered = `
a seed 1 0.100,0.101,0.099 100,101,99
a seed 8 0.200,0.202,0.198 400,404,396
b seed 1 0.101,0.102,0.100 120,121,119
c ask  1 0.050,0.051,0.049 99,100,98
d ask  8 0.100,0.101,0.099 800,808,792`

func TestAnswers(t *testing.T) {
	base := map[string]string{"tp_size": "1", "policy": "fcfs", "page": "none"}
	answers := front(t, answered).Answers(base)
	if len(answers) != 2 || answers[0].Load != "8 requests in flight" || answers[1].Load != "1 request in flight" {
		t.Fatalf("%+v, want the heaviest load first", answers)
	}
	for k, want := range []string{"t-c", "t-b"} {
		if g := answers[1].Gains[k]; g == nil || g.TrialID != want || g.P < 0.99 {
			t.Errorf("alone, objective %d: %+v, want %s", k, g, want)
		}
	}
	g := answers[0].Gains[1]
	if g == nil || g.TrialID != "t-d" || math.Abs(g.Ratios[1].Value-2) > 1e-9 || math.Abs(g.Ratios[0].Value-0.5) > 1e-9 {
		t.Errorf("at 8: %+v, want t-d with twice the throughput at half the TTFT", g)
	}
	page := Page{Front: front(t, answered), Default: base, Trials: make([]results.Trial, 4)}
	if got, want := headline(page, answers), "+100 % output tok/s and -50 % TTFT p50, beside the default with 8 requests in flight: trial t-d; P(better) above 0.99."; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := front(t, answered).Answers(map[string]string{"tp_size": "9"}); got != nil {
		t.Errorf("without the default: %+v", got)
	}
}

func TestHeadlines(t *testing.T) {
	base := map[string]string{"tp_size": "1", "policy": "fcfs", "page": "none"}
	for name, tt := range map[string]struct{ rows, want string }{
		"worse":        {"a seed 1 0.1 100\nb seed 1 0.2 50", "No measured config is better than the default by more than 2 % in one objective without being worse in the other."},
		"a trade":      {"a seed 1 0.1 100\nb seed 1 0.05 50", "No measured config is better"},
		"one run each": {"a seed 1 0.1 100\nb seed 1 0.05 100", "-50 % TTFT p50 at the same output tok/s as the default: trial t-b; one run each does not say how sure that is."},
		"unsure":       {"a seed 1 0.10,0.15,0.12 100,120,90\nb seed 1 0.10,0.14,0.12 110,100,120", "+6.9 % output tok/s and -2.3 % TTFT p50, beside the default: trial t-b; P(better) 0.71, too little to rely on."},
		"alone":        {"a seed 1 0.1 100", "Only the default config was measured yet."},
	} {
		f := front(t, tt.rows)
		got := headline(Page{Front: f, Trials: make([]results.Trial, len(f.Rows))}, f.Answers(base))
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// After z, the worst, a adds to the front, c nothing and b again.
func TestGrowth(t *testing.T) {
	trials, runs := table(t, "z seed 1 0.2 1\na seed 1 0.1 10\nc ask 1 0.2 5\nb control 1 0.01 1\nd control failed oom_load x")
	f := NewFront(trials, runs, aim(t, nil, nil))
	g := f.Growth(trials)
	hv := heights(g.All)
	if len(hv) != 5 || !(hv[1] > hv[0]) || hv[2] != hv[1] || !(hv[3] > hv[2]) || hv[4] != hv[3] || math.Abs(float64(hv[4])-f.HV) > 1e-12 {
		t.Errorf("%+v, want it to end at %g", g.All, f.HV)
	}
	if len(g.Chosen) != 1 || len(g.Control) != 2 {
		t.Fatalf("%d chosen and %d uniform, want 1 and 2", len(g.Chosen), len(g.Control))
	}
	if first, last := g.Control[0], g.Control[1]; !(first.Low < first.Mean && first.Mean < first.High) || last.Low != last.High {
		t.Errorf("uniform %+v: in which order one of the two comes is open, both together are not", g.Control)
	}
}

// The interval of no success in 25: Agresti, Categorical Data Analysis, 3rd edition,
// 1.4.3, vegetarians: (0, 0.133).
func TestWilson(t *testing.T) {
	if low, high := wilson(0, 25); low != 0 || math.Abs(high-0.133) > 5e-4 {
		t.Errorf("[%g, %g]", low, high)
	}
}

func TestBlames(t *testing.T) {
	trial := func(outcome, class, policy string, tp int64) results.Trial {
		return results.Trial{Outcome: outcome, FailureClass: class, Params: []results.Param{{Name: "policy", Value: policy}, {Name: "tp", Value: tp}, {Name: "same", Value: int64(1)}}}
	}
	var trials []results.Trial
	for range 8 {
		trials = append(trials, trial(results.OK, "", "fcfs", 1), trial(results.OK, "", "lpm", 2), trial(results.Failed, "oom_load", "lpm", 8))
	}
	trials = append(trials, trial(results.Failed, "port", "fcfs", 1), trial(results.Cancelled, "cancelled", "fcfs", 4))
	blames := Blames(trials)
	var got []string
	for _, b := range blames {
		got = append(got, b.Param+"="+b.Value)
	}
	if want := []string{"tp=8", "policy=lpm", "policy=fcfs", "tp=1"}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	if b := blames[1]; b.Failed != 8 || b.Trials != 16 || b.Classes["oom_load"] != 8 || b.Share() != 0.5 || !(b.Low < 0.5 && 0.5 < b.High) {
		t.Errorf("%+v", b)
	}
}

func TestPlainText(t *testing.T) {
	for log, want := range map[string]string{
		"plain\n\ttabbed":                                    "plain\n\ttabbed",
		"\x1b[31mred\x1b[0m \x1b[2K\x1b[1;1Hhome":            "red home",
		"\x1b]0;a title\x07after \x1b]8;;http://x\x1b\\link": "after link",
		"10 %\r50 %\r100 %\r\nnext":                          "100 %\nnext",
		"bell\a, nul\x00, half \xff, turned \u202e":          "bell\uFFFD, nul\uFFFD, half \uFFFD, turned \uFFFD",
		"<script>alert(1)</script>":                          "<script>alert(1)</script>",
	} {
		if got := plainText(log); got != want {
			t.Errorf("%q becomes %q, want %q", log, got, want)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	for log, want := range map[string]string{
		"ServerArgs(api_key='sk-1', admin_api_key=None, eos_token='</s>', max_tokens=5)": "ServerArgs(api_key=***, admin_api_key=None, eos_token='</s>', max_tokens=5)",
		`{"api_key": "abc", "hf_token":"x"}`:                                             `{"api_key": ***, "hf_token":***}`,
		"vllm serve m --api-key abc --max-num-seqs 8":                                    "vllm serve m --api-key *** --max-num-seqs 8",
		"Authorization: Bearer abcdefgh12345":                                            "Authorization: Bearer ***",
		"HF_TOKEN=hf_abcdefghijklmnopqrst and 512 output tokens":                         "HF_TOKEN=*** and 512 output tokens",
		"token hf_abcdefghijklmnopqrst here":                                             "token *** here",
	} {
		if got := plainText(log); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", log, got, want)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	for _, log := range []string{"", "\x1b", "\x1b[", "\x1b]8;;", "a\rb\r\n", "\xc3\x28"} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		text := plainText(log)
		if strings.ContainsAny(text, "\x1b\x00\r\a") || strings.ToValidUTF8(text, "") != text {
			t.Errorf("%q becomes %q", log, text)
		}
		if again := plainText(text); again != text {
			t.Errorf("%q, and then %q", text, again)
		}
	})
}

func TestSortedQuantileIsStatQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 40).Draw(t, "xs")
		share := rapid.SampledFrom(sketchShares).Draw(t, "share")
		want := stat.Quantile(xs, share)
		slices.Sort(xs)
		if got := sortedQuantile(xs, share); math.Abs(got-want) > 1e-9*(1+want) {
			t.Fatalf("%g, want %g", got, want)
		}
	})
}

// A chunk of several tokens is as many gaps; where the server does not say how many, one
// each, if there are as many chunks as tokens.
func TestGaps(t *testing.T) {
	for name, tt := range map[string]struct {
		tokens []int32
		output int32
		want   []float64
	}{
		"said":     {[]int32{1, 2, 1}, 4, []float64{0.001, 0.001, 0.003}},
		"one each": {[]int32{0, 0, 0}, 3, []float64{0.002, 0.003}},
		"unknown":  {[]int32{0, 0, 0}, 7, nil},
	} {
		got := appendGaps(nil, results.Request{ChunkNS: []int64{1e6, 3e6, 6e6}, ChunkTokens: tt.tokens, OutputTokens: tt.output})
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// However many samples there are, the page has few, and each spike.
func TestTelemetryIsThinned(t *testing.T) {
	var samples []results.Sample
	for i := range 5000 {
		v := 300.0
		if i == 1234 {
			v = 700
		}
		samples = append(samples, results.Sample{TimeNS: int64(i) * 1e8, Source: "gpu", Device: "GPU-0", Metric: "power_w", Value: v},
			results.Sample{TimeNS: int64(i) * 1e8, Source: "server", Metric: "queue", Value: 1})
	}
	all := telemetry(samples)
	if len(all) != 1 || len(all[0].V) > seriesPoints || slices.Max(all[0].V) != 700 || !slices.IsSorted(all[0].T) {
		t.Errorf("%d series of %d points, highest %v", len(all), len(all[0].V), slices.Max(all[0].V))
	}
}
