package sim

import (
	"math"
	"testing"
)

// decodeStep is the time of one decode step in seconds, GPU and scheduler together.
func decodeStep(t *testing.T, batch, context int, args ...string) float64 {
	t.Helper()
	s := setupOf(t, append(args, "--sim-rules", "none")...)
	return s.stepSec(work{decodes: batch, decodeTokens: batch, contextToks: batch * context}, false)
}

// Weights of Llama-8B without its input embeddings are 15.0 GB; at 82 % of the
// data sheet's 3.35 TB/s they take 5.46 ms to read.
func TestDecodeIsBoundByBandwidth(t *testing.T) {
	got := decodeStep(t, 1, 100)
	if got < 5.46e-3 || got > 7e-3 {
		t.Errorf("a decode step of one sequence takes %.2f ms, want 5.46 to 7", got*1e3)
	}
}

// 2 FLOPs a weight and token: 512 tokens of Llama-8B are 7.15e12 FLOPs in its
// layers, 10.9 ms at 66 % of the data sheet's 989e12.
func TestPrefillIsBoundByCompute(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none")
	got := s.stepSec(work{promptTokens: 512, promptPairs: 512 * 256, prompts: 1}, false)
	if got < 10.9e-3 || got > 13e-3 {
		t.Errorf("a step of 512 prompt tokens takes %.2f ms, want 10.9 to 13", got*1e3)
	}
}

// Each row is a comparison that holds on real machines: the second command line
// takes longer for the same decode step.
func TestStepOrder(t *testing.T) {
	for _, tt := range []struct {
		name           string
		batch, context int
		faster, slower []string
	}{
		{"more tensor parallelism", 1, 500, []string{"--sim-model", "llama-3.1-70b", "--tp-size", "8"}, []string{"--sim-model", "llama-3.1-70b", "--tp-size", "4"}},
		{"of a small model, still", 1, 500, []string{"--tp-size", "8"}, []string{"--tp-size", "4"}},
		{"a stage at a time is no faster", 1, 500, []string{"--tp-size", "2"}, []string{"--pp-size", "2"}},
		{"CUDA graphs", 64, 500, nil, []string{"--cuda-graph-max-bs", "32"}},
		{"disabled CUDA graphs", 1, 500, nil, []string{"--disable-cuda-graph"}},
		{"overlap", 32, 500, nil, []string{"--disable-overlap-schedule"}},
		{"torch.compile", 8, 500, []string{"--enable-torch-compile"}, nil},
		{"attention backend", 64, 4000, nil, []string{"--attention-backend", "triton"}},
		{"pages of one token", 64, 4000, []string{"--page-size", "64"}, nil},
		{"eight-bit KV cache", 64, 4000, []string{"--kv-cache-dtype", "fp8_e4m3", "--attention-backend", "flashinfer"}, []string{"--attention-backend", "flashinfer"}},
		{"custom all-reduce", 4, 500, []string{"--tp-size", "8"}, []string{"--tp-size", "8", "--disable-custom-all-reduce"}},
		{"more bandwidth", 1, 500, []string{"--sim-gpu", "H200"}, []string{"--sim-gpu", "H100"}},
		{"less bandwidth", 1, 500, []string{"--sim-gpu", "A100"}, []string{"--sim-gpu", "L4"}},
		{"experts read less", 1, 500, []string{"--sim-model", "qwen3-30b-a3b", "--tp-size", "2"}, []string{"--sim-model", "llama-3.1-70b", "--tp-size", "2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fast, slow := decodeStep(t, tt.batch, tt.context, tt.faster...), decodeStep(t, tt.batch, tt.context, tt.slower...)
			if !(fast < slow) {
				t.Errorf("%v takes %.3f ms, %v takes %.3f ms", tt.faster, fast*1e3, tt.slower, slow*1e3)
			}
		})
	}
}

func TestInertFlag(t *testing.T) {
	plain, inert := decodeStep(t, 8, 500), decodeStep(t, 8, 500, "--num-continuous-decode-steps", "16")
	if plain != inert {
		t.Errorf("num_continuous_decode_steps changes a step from %v to %v s, but the real server ignores it", plain, inert)
	}
}

func TestSamplingBackendMattersOnlyWhereTokensAreSampled(t *testing.T) {
	step := func(sampled int, backend string) float64 {
		s := setupOf(t, "--sim-rules", "none", "--disable-overlap-schedule", "--sampling-backend", backend)
		return s.stepSec(work{decodes: 32, decodeTokens: 32, contextToks: 16000, sampled: sampled}, false)
	}
	if step(0, "pytorch") != step(0, "flashinfer") {
		t.Error("the backend changes a greedy step")
	}
	if !(step(32, "pytorch") > step(32, "flashinfer")) {
		t.Error("sorting in pytorch is not slower than flashinfer's sampling")
	}
}

// Two halves of a batch read the weights twice: overlap pays for large prompts
// with much to exchange, and costs on small decodes.
func TestTwoBatchOverlapIsATrade(t *testing.T) {
	base := []string{"--sim-rules", "none", "--sim-model", "qwen3-30b-a3b", "--tp-size", "8", "--moe-a2a-backend", "deepep"}
	off, on := setupOf(t, base...), setupOf(t, append(base, "--enable-two-batch-overlap")...)
	large := work{promptTokens: 8192, promptPairs: 8192 * 256, prompts: 16}
	small := work{decodes: 8, decodeTokens: 8, contextToks: 4000}
	if !(on.stageSec(large) < off.stageSec(large)) || !(on.stageSec(small) > off.stageSec(small)) {
		t.Errorf("large: %v off, %v on; small: %v off, %v on", off.stageSec(large), on.stageSec(large), off.stageSec(small), on.stageSec(small))
	}
}

// A full pipeline gives one step of prompts a stage time; a decode goes through all stages for each token.
func TestPipelineIsNoShortcutForDecodes(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none", "--pp-size", "4")
	prompts := work{promptTokens: 512, promptPairs: 512 * 256, prompts: 1}
	mixed := prompts
	mixed.decodes, mixed.decodeTokens, mixed.contextToks = 4, 4, 2000
	if full, empty := s.stepSec(prompts, true), s.stepSec(prompts, false); !(full < empty/2) {
		t.Errorf("prompts take %v s in a full pipeline, %v in an empty one", full, empty)
	}
	if full, empty := s.stepSec(mixed, true), s.stepSec(mixed, false); full != empty {
		t.Errorf("a mixed step takes %v s in a full pipeline, %v in an empty one", full, empty)
	}
}

func TestCaptured(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 12: 12, 13: 16, 17: 24, 256: 256, 257: 272} {
		if got := captured(n); got != want {
			t.Errorf("captured(%d) = %d, want %d", n, got, want)
		}
	}
}

// The counts of the published checkpoints: 8.03, 70.55 and 30.53 billion parameters.
func TestModelSizes(t *testing.T) {
	for name, want := range map[string]float64{"llama-3.1-8b": 8.03e9, "llama-3.1-70b": 70.55e9, "qwen3-30b-a3b": 30.53e9} {
		m, err := findModel(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.params(); math.Abs(got/want-1) > 0.005 {
			t.Errorf("%s has %.3g parameters, want %.3g", name, got, want)
		}
	}
}

// The example of the formulas: Llama-8B in BF16 on one 80 GB H100 has a static
// fraction of about 0.83 and a KV cache of about 4.2e5 tokens of 128 KiB.
func TestMemoryPlan(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none")
	if s.kvBytes() != 128<<10 || math.Abs(s.mem.fraction-0.83) > 0.005 || math.Abs(float64(s.mem.tokens)/4.2e5-1) > 0.01 {
		t.Errorf("%v bytes a token, fraction %.3f, %d tokens", s.kvBytes(), s.mem.fraction, s.mem.tokens)
	}
}
