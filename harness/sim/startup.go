package sim

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A console writes log lines as SGLang does.
type console struct{ w io.Writer }

func (c console) line(format string, args ...any) {
	fmt.Fprintf(c.w, "[%s] %s\n", time.Now().Format("2006-01-02 15:04:05"), fmt.Sprintf(format, args...))
}

// Exit statuses of the real server.
const (
	exitOK      = 0
	exitIllegal = 1   // a Python exception before any GPU work
	exitBadFlag = 2   // argparse
	exitKilled  = 137 // the parent kills its process tree, itself included, by SIGKILL
)

// traceback prints an uncaught Python exception.
func traceback(w io.Writer, where, exception string) {
	fmt.Fprintf(w, "Traceback (most recent call last):\n  File \"%s\", in <module> (simulated)\n%s\n", where, exception)
}

// schedulerDied prints how SGLang ends when a scheduler process fails, and returns its exit status.
func schedulerDied(c console, where, exception string) int {
	c.line("DP0 TP0 Scheduler hit an exception: Traceback (most recent call last):")
	fmt.Fprintf(c.w, "  File \"%s\" (simulated)\n%s\n\n", where, exception)
	c.line("Received sigquit from a child process. It usually means the child failed.")
	return exitKilled
}

// A phase is one part of a start: what it takes of the whole time, what the log
// says, and how it can fail.
type phase struct {
	share  float64
	begin  string
	end    string
	failed string // exception; "": it works
	where  string
}

// startPhases lists what happens between the flags and the first request.
func startPhases(s *setup, spread float64) []phase {
	mem := s.mem
	total := float64(s.gpu.memMiB)
	topology := phase{share: 0, begin: fmt.Sprintf("Init torch distributed begin. %d of %d GPUs", s.gpusNeeded(), s.devices), end: "Init torch distributed ends."}
	if s.gpusNeeded() > s.devices {
		topology.failed = fmt.Sprintf("torch.AcceleratorError: CUDA error: invalid device ordinal: %d GPUs are needed, %d are there (simulated)", s.gpusNeeded(), s.devices)
		topology.where = "sglang/srt/model_executor/model_runner.py"
	}
	weights := phase{share: 0.5, begin: fmt.Sprintf("Load weight begin. avail mem=%.2f GB", (total-500)/1024),
		end: fmt.Sprintf("Load weight end. type=%s, dtype=torch.bfloat16, avail mem=%.2f GB, mem usage=%.2f GB.",
			architecture(s.model), (total-500-mem.weightMiB)/1024, mem.weightMiB/1024)}
	if mem.weightMiB*1.01+600*spread > total {
		weights.failed = fmt.Sprintf("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate %.2f GiB. GPU 0 has a total capacity of %.2f GiB of which 0.12 GiB is free. (simulated)",
			max(0.25, mem.weightMiB/float64(s.model.layers)/1024), total/1024)
		weights.where = "sglang/srt/model_loader/loader.py"
	}
	pool := phase{share: 0.1, begin: "Memory pool begin.",
		end: fmt.Sprintf("KV Cache is allocated. #tokens: %d, K size: %.2f GB, V size: %.2f GB", mem.tokens, mem.poolMiB/2048, mem.poolMiB/2048)}
	switch {
	case mem.poolMiB <= 0:
		pool.failed = fmt.Sprintf("RuntimeError: Loaded weights leave no GPU memory for the KV cache: %.2f GB of weights, mem_fraction_static=%.3f. Please try to increase --mem-fraction-static. (simulated)", mem.weightMiB/1024, mem.fraction)
		pool.where = "sglang/srt/mem_cache/kv_cache_configurator.py"
	case mem.tokens < 2*s.page || mem.maxRunning < 1:
		pool.failed = "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. (simulated)"
		pool.where = "sglang/srt/mem_cache/pool_configurator.py"
	}
	return []phase{topology, weights, pool, graphPhase(s, spread)}
}

// graphPhase captures the CUDA graphs: the first moment at which a step's own memory is needed.
func graphPhase(s *setup, spread float64) phase {
	tokens := 0
	if s.prefillGraph {
		tokens = s.chunk
	}
	left := s.mem.dynamicMiB
	p := phase{share: 0.4, begin: fmt.Sprintf("Capture cuda graph begin. This can take up to several minutes. avail mem=%.2f GB", left/1024),
		end: fmt.Sprintf("Capture cuda graph end. Time elapsed: 0.1 s. avail mem=%.2f GB.", (left-s.dynamicNeedMiB(0, spread))/1024)}
	need := s.dynamicNeedMiB(tokens, spread)
	if need <= left {
		if s.graphMaxBS == 0 {
			p.begin, p.end = "Disable cuda graph.", ""
		}
		return p
	}
	p.where = "sglang/srt/model_executor/runner/decode_cuda_graph_runner.py"
	p.failed = "Exception: Capture cuda graph failed: CUDA out of memory. Tried to allocate " +
		fmt.Sprintf("%.2f GiB. (simulated)\n", (need-max(left, 0))/1024) +
		"Possible solutions:\n1. set --mem-fraction-static to a smaller value\n2. set --cuda-graph-max-bs-decode to a smaller value\n3. disable torch compile by not using --enable-torch-compile\n4. set --chunked-prefill-size to a smaller value"
	return p
}

// architecture is the class name of the model's implementation.
func architecture(m model) string {
	switch {
	case m.experts > 0:
		return "Qwen3MoeForCausalLM"
	case strings.HasPrefix(m.name, "qwen"):
		return "Qwen3ForCausalLM"
	}
	return "LlamaForCausalLM"
}

// memoryLine sums up what the scheduler has, as SGLang logs it before it serves.
func memoryLine(s *setup) string {
	return fmt.Sprintf("max_total_num_tokens=%d, chunked_prefill_size=%d, max_prefill_tokens=%d, max_running_requests=%d, context_len=%d, available_gpu_mem=%.2f GB",
		s.mem.tokens, max(s.chunk, -1), s.maxPrefill, s.mem.maxRunning, s.contextLen, s.mem.dynamicMiB/1024)
}
