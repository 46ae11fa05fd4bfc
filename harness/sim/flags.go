package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// flagKind is what a flag takes.
type flagKind int

const (
	switchFlag flagKind = iota // nothing
	intFlag
	floatFlag
	textFlag // text, or one of its choices
)

// A flag is one of the server's. Where the spec of SGLang has the parameter, name is its name there.
type flag struct {
	name    string
	kind    flagKind
	spell   string // spellings between spaces, the usual one first
	choices string // between spaces; "" = any text
}

const attentionChoices = "triton torch_native flex_attention fa3 fa4 flashinfer flashmla trtllm_mla trtllm_mha cutedsl_mla"

// flagTable lists the flags of SGLang that the simulator takes (facts of 0.5.23,
// with the spelling --cuda-graph-max-bs of older releases), then its own.
// What is not used by the model is taken and reported back, as an inert flag is.
var flagTable = []flag{
	{"model_path", textFlag, "--model-path --model", ""},
	{"tokenizer_path", textFlag, "--tokenizer-path", ""},
	{"served_model_name", textFlag, "--served-model-name", ""},
	{"host", textFlag, "--host", ""},
	{"port", intFlag, "--port", ""},
	{"random_seed", intFlag, "--random-seed", ""},
	{"context_length", intFlag, "--context-length", ""},
	{"load_format", textFlag, "--load-format", "auto pt safetensors npcache dummy gguf"},
	{"dtype", textFlag, "--dtype", "auto half float16 bfloat16 float float32"},
	{"device", textFlag, "--device", ""},
	{"log_level", textFlag, "--log-level", ""},
	{"trust_remote_code", switchFlag, "--trust-remote-code", ""},
	{"enable_metrics", switchFlag, "--enable-metrics", ""},
	{"enable_cache_report", switchFlag, "--enable-cache-report", ""},
	{"skip_server_warmup", switchFlag, "--skip-server-warmup", ""},
	{"skip_tokenizer_init", switchFlag, "--skip-tokenizer-init", ""},
	{"incremental_streaming_output", switchFlag, "--incremental-streaming-output", ""},
	{"base_gpu_id", intFlag, "--base-gpu-id", ""},
	{"gpu_id_step", intFlag, "--gpu-id-step", ""},
	{"nccl_port", intFlag, "--nccl-port", ""},
	{"nnodes", intFlag, "--nnodes", ""},
	{"node_rank", intFlag, "--node-rank", ""},
	{"dist_init_addr", textFlag, "--dist-init-addr", ""},
	{"watchdog_timeout", floatFlag, "--watchdog-timeout", ""},
	{"decode_log_interval", intFlag, "--decode-log-interval", ""},

	{"tp_size", intFlag, "--tp-size --tensor-parallel-size --tp", ""},
	{"dp_size", intFlag, "--dp-size --data-parallel-size --dp", ""},
	{"pp_size", intFlag, "--pp-size --pipeline-parallel-size --pp", ""},
	{"ep_size", intFlag, "--ep-size --expert-parallel-size --ep", ""},
	{"attention_backend", textFlag, "--attention-backend", attentionChoices},
	{"prefill_attention_backend", textFlag, "--prefill-attention-backend", attentionChoices},
	{"decode_attention_backend", textFlag, "--decode-attention-backend", attentionChoices},
	{"chunked_prefill_size", intFlag, "--chunked-prefill-size", ""},
	{"max_prefill_tokens", intFlag, "--max-prefill-tokens", ""},
	{"prefill_max_requests", intFlag, "--prefill-max-requests", ""},
	{"schedule_policy", textFlag, "--schedule-policy", "lpm random fcfs dfs-weight lof priority routing-key hrrn shortest-prefill-first"},
	{"schedule_conservativeness", floatFlag, "--schedule-conservativeness", ""},
	{"page_size", intFlag, "--page-size", ""},
	{"cuda_graph_max_bs", intFlag, "--cuda-graph-max-bs-decode --cuda-graph-max-bs", ""},
	{"cuda_graph_backend_prefill", textFlag, "--cuda-graph-backend-prefill", "full breakable disabled"},
	{"cuda_graph_backend_decode", textFlag, "--cuda-graph-backend-decode", "full breakable disabled"},
	{"disable_cuda_graph", switchFlag, "--disable-cuda-graph", ""},
	{"enable_mixed_chunk", switchFlag, "--enable-mixed-chunk", ""},
	{"disable_overlap_schedule", switchFlag, "--disable-overlap-schedule", ""},
	{"enable_torch_compile", switchFlag, "--enable-torch-compile", ""},
	{"torch_compile_max_bs", intFlag, "--torch-compile-max-bs", ""},
	{"enable_two_batch_overlap", switchFlag, "--enable-two-batch-overlap", ""},
	{"enable_single_batch_overlap", switchFlag, "--enable-single-batch-overlap", ""},
	{"tokenizer_worker_num", intFlag, "--tokenizer-worker-num", ""},
	{"detokenizer_worker_num", intFlag, "--detokenizer-worker-num", ""},
	{"sampling_backend", textFlag, "--sampling-backend", "flashinfer pytorch ascend intel_xpu"},
	{"num_continuous_decode_steps", intFlag, "--num-continuous-decode-steps", ""},
	{"mem_fraction_static", floatFlag, "--mem-fraction-static", ""},
	{"max_running_requests", intFlag, "--max-running-requests", ""},
	{"max_total_tokens", intFlag, "--max-total-tokens", ""},
	{"kv_cache_dtype", textFlag, "--kv-cache-dtype", "auto bf16 bfloat16 fp8_e4m3 fp8_e5m2"},
	{"quantization", textFlag, "--quantization", "fp8"},
	{"disable_radix_cache", switchFlag, "--disable-radix-cache", ""},
	{"radix_eviction_policy", textFlag, "--radix-eviction-policy", "lru lfu slru tlru"},
	{"stream_interval", intFlag, "--stream-interval", ""},
	{"enable_dp_attention", switchFlag, "--enable-dp-attention", ""},
	{"enable_dp_lm_head", switchFlag, "--enable-dp-lm-head", ""},
	{"moe_dense_tp_size", intFlag, "--moe-dense-tp-size", ""},
	{"moe_a2a_backend", textFlag, "--moe-a2a-backend", "none deepep flashinfer mooncake nixl mori"},
	{"moe_runner_backend", textFlag, "--moe-runner-backend", "auto triton triton_kernel deep_gemm flashinfer_trtllm flashinfer_trtllm_routed flashinfer_cutlass flashinfer_cutedsl flashinfer_mxfp4 cutlass marlin"},
	{"speculative_algorithm", textFlag, "--speculative-algorithm", "NGRAM EAGLE EAGLE3 STANDALONE DFLASH"},
	{"speculative_draft_model_path", textFlag, "--speculative-draft-model-path", ""},
	{"speculative_num_steps", intFlag, "--speculative-num-steps", ""},
	{"speculative_eagle_topk", intFlag, "--speculative-eagle-topk", ""},
	{"speculative_num_draft_tokens", intFlag, "--speculative-num-draft-tokens", ""},
	{"pp_max_micro_batch_size", intFlag, "--pp-max-micro-batch-size", ""},
	{"enable_dynamic_chunking", switchFlag, "--enable-dynamic-chunking", ""},
	{"enable_hierarchical_cache", switchFlag, "--enable-hierarchical-cache", ""},
	{"hicache_ratio", floatFlag, "--hicache-ratio", ""},
	{"disable_custom_all_reduce", switchFlag, "--disable-custom-all-reduce", ""},
	{"triton_attention_num_kv_splits", intFlag, "--triton-attention-num-kv-splits", ""},
	{"swa_full_tokens_ratio", floatFlag, "--swa-full-tokens-ratio", ""},

	{"sim_gpu", textFlag, "--sim-gpu", ""},
	{"sim_model", textFlag, "--sim-model", ""},
	{"sim_devices", intFlag, "--sim-devices", ""},
	{"sim_seed", intFlag, "--sim-seed", ""},
	{"sim_noise", floatFlag, "--sim-noise", ""},
	{"sim_interference", floatFlag, "--sim-interference", ""},
	{"sim_startup_s", floatFlag, "--sim-startup-s", ""},
	{"sim_rules", textFlag, "--sim-rules", ""},
	{"sim_fail", textFlag, "--sim-fail", ""},
}

// flagValues holds the flags that were given: name to text, checked for its kind.
// A switch that is on has the text "true".
type flagValues map[string]string

func (f flagValues) on(name string) bool { return f[name] != "" }

func (f flagValues) str(name, otherwise string) string {
	if text, ok := f[name]; ok {
		return text
	}
	return otherwise
}

func (f flagValues) int(name string, otherwise int) int {
	if n, err := strconv.Atoi(f[name]); err == nil {
		return n
	}
	return otherwise
}

func (f flagValues) float(name string, otherwise float64) float64 {
	if x, err := strconv.ParseFloat(f[name], 64); err == nil {
		return x
	}
	return otherwise
}

// parseFlags reads a command line as Python's argparse does: --name value,
// --name=value, unambiguous abbreviations, the last of two wins. Its errors are argparse's.
func parseFlags(args []string) (flagValues, error) {
	values := flagValues{}
	var unknown []string
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		fl, err := findFlag(name)
		if err != nil {
			return nil, err
		}
		if fl == nil {
			unknown = append(unknown, args[i])
			continue
		}
		if fl.kind == switchFlag {
			if joined {
				return nil, fmt.Errorf("argument %s: ignored explicit argument '%s'", fl.label(), value)
			}
			values[fl.name] = "true"
			continue
		}
		if !joined {
			if i+1 == len(args) || strings.HasPrefix(args[i+1], "--") {
				return nil, fmt.Errorf("argument %s: expected one argument", fl.label())
			}
			i++
			value = args[i]
		}
		if values[fl.name], err = fl.check(value); err != nil {
			return nil, err
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("unrecognized arguments: %s", strings.Join(unknown, " "))
	}
	return values, nil
}

// findFlag finds a flag by a spelling or an unambiguous head of one; nil where there is none.
func findFlag(name string) (*flag, error) {
	if !strings.HasPrefix(name, "--") || name == "--" {
		return nil, nil
	}
	var found *flag
	var heads []string
	for i := range flagTable {
		for spelling := range strings.FieldsSeq(flagTable[i].spell) {
			if spelling == name {
				return &flagTable[i], nil
			}
			if strings.HasPrefix(spelling, name) {
				found = &flagTable[i]
				heads = append(heads, spelling)
			}
		}
	}
	if len(heads) > 1 {
		return nil, fmt.Errorf("ambiguous option: %s could match %s", name, strings.Join(heads, ", "))
	}
	return found, nil
}

// label is the flag in argparse's messages.
func (f *flag) label() string { return strings.Join(strings.Fields(f.spell), "/") }

// check tells whether the flag takes a value, and returns it.
func (f *flag) check(value string) (string, error) {
	switch f.kind {
	case intFlag:
		if _, err := strconv.Atoi(value); err != nil {
			return "", fmt.Errorf("argument %s: invalid int value: '%s'", f.label(), value)
		}
	case floatFlag:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "", fmt.Errorf("argument %s: invalid float value: '%s'", f.label(), value)
		}
	case textFlag:
		if choices := strings.Fields(f.choices); len(choices) > 0 && !slices.Contains(choices, value) {
			return "", fmt.Errorf("argument %s: invalid choice: '%s' (choose from %s)", f.label(), value, strings.Join(choices, ", "))
		}
	}
	return value, nil
}
