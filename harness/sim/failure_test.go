package sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// How starts fail: the exit status, and the line that tells the class.
func TestStartFailures(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"unknown flag", "--bogus", 2, "launch_server.py: error: unrecognized arguments: --bogus"},
		{"bad number", "--tp-size two", 2, "launch_server.py: error: argument --tp-size/--tensor-parallel-size/--tp: invalid int value: 'two'"},
		{"bad float", "--mem-fraction-static x", 2, "invalid float value: 'x'"},
		{"bad choice", "--attention-backend fast", 2, "invalid choice: 'fast' (choose from triton"},
		{"no value", "--tp-size", 2, "expected one argument"},
		{"value of a switch", "--enable-mixed-chunk=yes", 2, "ignored explicit argument 'yes'"},
		{"ambiguous", "--cuda-graph 4", 2, "ambiguous option: --cuda-graph could match"},
		{"unknown GPU", "--sim-gpu X1", 2, "the simulator models A100, B200, H100"},
		{"unknown rules", "--sim-rules nosuch", 2, "--sim-rules"},
		{"bad failure", "--sim-fail fire", 2, "crash, hang or oom"},
		{"negative noise", "--sim-noise -1", 2, "--sim-noise"},
		{"no devices", "--sim-devices 0", 2, "--sim-devices"},
		{"port", "--port 70000", 2, "--port"},
		{"unknown model", "--model-path /no/such/model", 1, "OSError: Can't load the configuration of '/no/such/model'"},

		{"two-batch overlap without experts", "--enable-two-batch-overlap", 1, "[TBO_NEEDS_EP_OR_DPA]"},
		{"more GPUs than there are", "--tp-size 4 --sim-devices 2", 1, "[GPUS]"},
		{"chunk and page", "--chunked-prefill-size 1000 --page-size 64", 1, "[CHUNK_PAGE]"},
		{"an old GPU and fa3", "--sim-gpu B200 --attention-backend fa3", 1, "[FA3_ARCH]"},
		{"classic rules", "--sim-rules sglang18 --chunked-prefill-size 8192 --max-prefill-tokens 4096", 1, "[chunk_fits_prefill]"},
		{"policy without a class", "--schedule-policy priority", 1, "Unknown schedule_policy"},
		{"no layers left", "--pp-size 64 --sim-devices 64", 1, "exceeds the number of layers"},
		{"heads", "--tp-size 3", 1, "cannot be split 3 ways"},
		{"zero", "--tp-size 0", 1, "tp_size must be at least 1, got 0"},
		{"fraction", "--mem-fraction-static 1.5", 1, "between 0 and 1, got 1.5"},
		{"context", "--context-length 10000000", 1, "greater than the derived context_length"},

		{"weights do not fit", "--sim-model llama-3.1-70b", 137, "torch.OutOfMemoryError: CUDA out of memory"},
		{"no room for a KV cache", "--sim-model llama-3.1-70b --tp-size 2 --mem-fraction-static 0.7", 137, "Loaded weights leave no GPU memory for the KV cache"},
		{"a KV cache of nothing", "--max-total-tokens 1", 137, "Not enough memory. Please try to increase --mem-fraction-static."},
		{"graphs do not fit", "--mem-fraction-static 0.97", 137, "Capture cuda graph failed: CUDA out of memory"},
		{"GPUs not checked before", "--sim-rules none --tp-size 16", 137, "invalid device ordinal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			args := append([]string{"--sim-startup-s", "0"}, strings.Fields(tt.args)...)
			status := Main(context.Background(), args, io.Discard, &log)
			if status != tt.status || !strings.Contains(log.String(), tt.want) {
				t.Errorf("exit status %d, want %d with %q in\n%s", status, tt.status, tt.want, &log)
			}
			if tt.status == 137 && !strings.Contains(log.String(), "Received sigquit from a child process") {
				t.Errorf("the parent does not say that a child has failed:\n%s", &log)
			}
			if !strings.Contains(log.String(), "simulated") {
				t.Errorf("the log does not say that it is simulated:\n%s", &log)
			}
		})
	}
}

// How servers fail while they serve: the requests before are answered, the one
// that meets the failure is cut off or never answered.
func TestServingFailures(t *testing.T) {
	for _, tt := range []struct {
		name, fail string
		served     int
		want       string // in the log; "": the server goes on
	}{
		{"crash", "crash@2", 2, "illegal memory access"},
		{"out of memory", "oom@1", 1, "torch.OutOfMemoryError: CUDA out of memory"},
		{"at once", "crash", 0, "illegal memory access"},
		{"hang", "hang@1", 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, "--sim-fail", tt.fail)
			const body = `{"input_ids":[1],"sampling_params":{"max_new_tokens":2}}`
			for range tt.served {
				if status, text := p.do(t, "POST", "/generate", body); status != 200 {
					t.Fatalf("%d %s", status, text)
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "POST", p.url+"/generate", strings.NewReader(body))
			answered := make(chan bool, 1)
			go func() {
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					resp.Body.Close()
				}
				answered <- err == nil && resp.StatusCode == 200
			}()
			if tt.want == "" {
				for text := ""; !strings.Contains(text, `simulated="true"} 2`+"\n# HELP sglang:prompt_tokens_total"); {
					_, text = p.do(t, "GET", "/metrics", "") // until the second request has met the failure
				}
				cancel()
			}
			if <-answered {
				t.Error("the request that met the failure was answered")
			}
			if tt.want == "" {
				if status := p.stop(); status != 0 {
					t.Errorf("exit status %d", status)
				}
				return
			}
			if status := <-p.exit; status != 137 || !strings.Contains(p.log.String(), tt.want) || !strings.Contains(p.log.String(), "Scheduler hit an exception") {
				t.Errorf("exit status %d, log:\n%s", status, p.log)
			}
			p.exit <- 137
		})
	}
}

// A step of prompts that does not fit ends the server where graphs have not found it out before.
func TestServingOutOfMemory(t *testing.T) {
	m := newMachine(setupOf(t, "--sim-rules", "none", "--pp-size", "8", "--chunked-prefill-size", "16384", "--mem-fraction-static", "0.85"), noNoise, faults{slow: 1})
	for i := range 40 {
		m.submit(newSequence(tokens(1000*i, 900), 4, true), 0)
	}
	deliver(m)
	if !strings.Contains(m.death, "CUDA out of memory") {
		t.Errorf("death %q", m.death)
	}
}

// The default configuration of a model that fits starts with every seed.
func TestDefaultsStart(t *testing.T) {
	for _, gpu := range GPUs() {
		for _, model := range Models() {
			s := setupOf(t, "--sim-rules", "none", "--sim-gpu", gpu, "--sim-model", model, "--tp-size", "4")
			if s.mem.poolMiB <= 0 {
				continue
			}
			for seed := range uint64(50) {
				for _, p := range startPhases(s, s.memorySpread(seed)) {
					if p.failed != "" {
						t.Fatalf("%s seed %d: %s", s, seed, p.failed)
					}
				}
			}
		}
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if status := Main(context.Background(), []string{"--help"}, &out, io.Discard); status != 0 || !strings.Contains(out.String(), "--sim-gpu") {
		t.Errorf("exit status %d, %s", status, &out)
	}
}
