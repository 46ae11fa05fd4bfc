package main

import (
	"slices"
	"testing"

	"harness/results/export"
	"harness/results/report"
	"harness/results/stat"
	"harness/space"
)

func TestSecretsAreMasked(t *testing.T) {
	got := masked([]string{"server", "--api-key", "s3cret", "--hf-token=s3cret", "--tokenizer-mode", "auto", "--port", "1", "--admin-api-key"})
	want := []export.Word{{Text: "server"}, {Text: "--api-key"}, {Secret: "API_KEY"}, {Text: "--hf-token=", Secret: "HF_TOKEN"},
		{Text: "--tokenizer-mode"}, {Text: "auto"}, {Text: "--port"}, {Text: "1"}, {Text: "--admin-api-key"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestImages(t *testing.T) {
	for _, c := range []struct {
		spec, version string
		gpu           bool
		want          string
	}{
		{"sglang", "0.5.23", true, "lmsysorg/sglang:v0.5.23"},
		{"sglang", "0.5.3.post1", true, "lmsysorg/sglang:v0.5.3.post1"},
		{"sglang", "unknown (started by --launch)", true, ""},
		{"vllm", "0.32.0+cpu", true, "vllm/vllm-openai:v0.32.0"},
		{"llamacpp", "6721 (abc1234)", true, "ghcr.io/ggml-org/llama.cpp:server-cuda12-b6721"},
		{"llamacpp", "2026.10.11549 (a wheel)", false, "ghcr.io/ggml-org/llama.cpp:server-b11549"},
		{"llamacpp", "0.6.0-dev (build 0, commit unknown)", false, ""},
	} {
		spec, err := space.Load(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := image(spec.Server.Deploy, c.version, c.gpu); got != c.want {
			t.Errorf("%s %s: image %q, want %q", c.spec, c.version, got, c.want)
		}
	}
}

func TestKnee(t *testing.T) {
	row := func(ttft, tps float64) report.Row {
		var r report.Row
		r.TTFT, r.TPS = stat.Estimate{}, stat.Estimate{}
		r.TTFT.Value, r.TPS.Value = ttft, tps
		return r
	}
	for _, c := range []struct {
		front []report.Row
		want  int
	}{
		{[]report.Row{row(1, 100)}, 0},
		{[]report.Row{row(0.1, 100), row(0.15, 900), row(1, 1000)}, 1},
		{[]report.Row{row(0.1, 100), row(0.9, 200), row(1, 1000)}, 0}, // the middle is worse than either end
	} {
		if got := knee(c.front); got != c.want {
			t.Errorf("%v: the knee is point %d, want %d", c.front, got, c.want)
		}
	}
	if label("llama.cpp_X-t0001!") != "llama-cpp-x-t0001" {
		t.Error(label("llama.cpp_X-t0001!"))
	}
}
