package sim

import (
	"fmt"
	"slices"
)

// A setup is a server's configuration as it takes effect: flags, GPU and model
// together, every automatic value resolved. It does not change while serving.
type setup struct {
	gpu     gpu
	model   model
	devices int
	flags   flagValues

	tp, pp, dp, ep int
	dpAttention    bool // replicas share the tp GPUs; attention is split dp ways
	moeAllToAll    bool // experts exchange tokens instead of reducing partial sums

	attnBase                string // before the two below override it
	attnPrefill, attnDecode string
	chunk                   int  // prompt tokens a step; 0: prompts are not cut
	maxPrefill              int  // prompt tokens a step over all prompts
	prefillMaxRequests      int  // prompts a step; 0: no limit
	page                    int  // tokens
	graphFlag               int  // what --cuda-graph-max-bs is or becomes; reported also where no graph is captured
	graphMaxBS              int  // largest captured decode batch; 0: no graphs
	prefillGraph            bool // prefill runs from captured graphs
	mixed, overlap, compile bool
	compileMaxBS            int
	twoBatch                bool // two-batch overlap, and the model implements it
	customAllReduce         bool
	sampling                string
	policy                  string
	conservativeness        float64
	radix                   bool
	tokenizers              int
	detokenizers            int
	streamInterval          int
	incremental             bool // streams carry new text only
	spec                    speculation

	weightBytes float64 // bytes of one weight
	kvElemBytes float64
	contextLen  int // tokens

	mem memory
}

// attnShards is the number of ways in which the attention heads are split.
func (s *setup) attnShards() int {
	if s.dpAttention {
		return s.tp / s.dp
	}
	return s.tp
}

// gpusNeeded is the number of GPUs that all replicas take together.
func (s *setup) gpusNeeded() int {
	if s.dpAttention {
		return s.tp * s.pp
	}
	return s.tp * s.pp * s.dp
}

// stageLayers is the number of layers of the longest pipeline stage.
func (s *setup) stageLayers() int { return ceilDiv(s.model.layers, s.pp) }

// resolve applies SGLang's automatic values and silent rewrites to legal flags.
// The rules and their evidence stand in the sglang spec of package space; here
// they are the server's own behaviour.
func resolve(g gpu, m model, devices int, f flagValues) *setup {
	s := &setup{gpu: g, model: m, devices: devices, flags: f,
		tp: f.int("tp_size", 1), pp: f.int("pp_size", 1), dp: f.int("dp_size", 1), ep: f.int("ep_size", 1),
		maxPrefill: f.int("max_prefill_tokens", 16384), prefillMaxRequests: f.int("prefill_max_requests", 0),
		mixed: f.on("enable_mixed_chunk"), compile: f.on("enable_torch_compile"), compileMaxBS: f.int("torch_compile_max_bs", 32),
		customAllReduce: !f.on("disable_custom_all_reduce"), sampling: f.str("sampling_backend", "flashinfer"),
		policy: f.str("schedule_policy", "fcfs"), conservativeness: f.float("schedule_conservativeness", 1),
		radix: !f.on("disable_radix_cache"), tokenizers: f.int("tokenizer_worker_num", 1), detokenizers: f.int("detokenizer_worker_num", 1),
		streamInterval: f.int("stream_interval", 1), incremental: f.on("incremental_streaming_output"),
		weightBytes: 2, kvElemBytes: 2, contextLen: f.int("context_length", m.maxContext)}
	s.dpAttention = f.on("enable_dp_attention") && s.dp > 1
	s.overlap = !f.on("disable_overlap_schedule") && s.pp == 1
	if s.dpAttention {
		s.conservativeness *= 0.3
	}
	if a2a := f.str("moe_a2a_backend", "none"); a2a != "none" {
		s.moeAllToAll, s.ep = m.experts > 0, s.tp
	}
	if f.str("quantization", "") == "fp8" {
		s.weightBytes = 1
	}
	if kv := f.str("kv_cache_dtype", "auto"); kv == "fp8_e4m3" || kv == "fp8_e5m2" {
		s.kvElemBytes = 1
	}
	if !s.radix && (s.policy == "lpm" || s.policy == "dfs-weight") {
		s.policy = "fcfs"
	}
	s.spec = resolveSpeculation(m, f)
	if s.spec.algorithm == "NGRAM" || s.spec.algorithm == "STANDALONE" {
		s.mixed = false
	}
	// Only Qwen's and DeepSeek's mixture models run two batches interleaved.
	s.twoBatch = f.on("enable_two_batch_overlap") && m.experts > 0
	s.resolveAttention()
	s.resolveTiers()
	s.mem = planMemory(s)
	return s
}

// resolveAttention picks the two attention backends and the page size.
func (s *setup) resolveAttention() {
	f := s.flags
	asked := "flashinfer"
	switch s.gpu.sm / 10 {
	case 9:
		asked = "fa3"
	case 10:
		asked = "trtllm_mha"
	}
	asked = f.str("attention_backend", asked)
	prefill, decode := f.str("prefill_attention_backend", ""), f.str("decode_attention_backend", "")
	if prefill != "" && prefill == decode {
		asked = prefill
	}
	if asked == "fa3" && f.str("kv_cache_dtype", "auto") == "fp8_e5m2" {
		asked = "triton"
	}
	named := []string{asked, prefill, decode}
	s.attnBase, s.attnPrefill, s.attnDecode = asked, asked, asked
	if prefill != "" {
		s.attnPrefill = prefill
	}
	if decode != "" {
		s.attnDecode = decode
	}
	s.page = f.int("page_size", 1)
	if slices.Contains(named, "trtllm_mha") && !slices.Contains([]int{16, 32, 64, 128}, s.page) {
		s.page = 64
	}
	if slices.Contains(named, "fa4") && s.gpu.sm/10 == 10 {
		s.page = 128
	}
	graphs := asked != "torch_native" && asked != "flex_attention" && !f.on("disable_cuda_graph")
	s.graphMaxBS = -1 // automatic
	if !graphs || f.str("cuda_graph_backend_decode", "") == "disabled" {
		s.graphMaxBS = 0
	}
	switch f.str("cuda_graph_backend_prefill", "") {
	case "":
		s.prefillGraph = graphs && s.pp == 1 && !f.on("enable_two_batch_overlap")
	case "disabled":
	default:
		s.prefillGraph = graphs
	}
}

// resolveTiers fills in what depends on the size of the GPU's memory.
func (s *setup) resolveTiers() {
	chunk, small, large := 16384, 512, 512 // small: below four-way tensor parallelism
	switch m := s.gpu.memMiB; {
	case m < 20480:
		chunk, small, large = 2048, 8, 8
	case m < 35840:
		chunk, small, large = 4096, 48, 160
	case m < 61440:
		chunk, small, large = 4096, 32, 160
	case m < 163840:
		chunk, small, large = 8192, 256, 512
	}
	s.chunk = s.flags.int("chunked_prefill_size", chunk)
	if s.dpAttention {
		s.chunk /= s.dp
	}
	s.chunk = max(s.chunk, 0)
	if s.chunk == 0 {
		s.mixed = false
	}
	if s.tp >= 4 {
		small = large
	}
	s.graphFlag = s.flags.int("cuda_graph_max_bs", min(small, s.flags.int("max_running_requests", small)))
	if s.graphMaxBS != 0 {
		s.graphMaxBS = s.graphFlag
	}
}

// String names the shape in one line, for logs.
func (s *setup) String() string {
	return fmt.Sprintf("%d x %s, %s, tp=%d pp=%d dp=%d, attention %s/%s", s.devices, s.gpu.name, s.model.name,
		s.tp, s.pp, s.dp, s.attnPrefill, s.attnDecode)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
