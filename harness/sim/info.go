package sim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// flagDefaults are SGLang's defaults of flags that the simulator only reports.
var flagDefaults = map[string]any{
	"model_path": defaultModel, "host": "127.0.0.1", "port": 30000, "load_format": "auto", "dtype": "auto", "device": "cuda",
	"log_level": "info", "base_gpu_id": 0, "gpu_id_step": 1, "nnodes": 1, "node_rank": 0, "kv_cache_dtype": "auto",
	"radix_eviction_policy": "lru", "moe_a2a_backend": "none", "moe_runner_backend": "auto", "swa_full_tokens_ratio": 0.8,
	"triton_attention_num_kv_splits": 8, "hicache_ratio": 2.0, "watchdog_timeout": 300.0, "decode_log_interval": logEverySteps,
}

// serverArgs are the flags as they take effect, under SGLang's names: what was
// given, with every automatic value that the server has filled in.
func (s *setup) serverArgs() map[string]any {
	args := map[string]any{
		"tp_size": s.tp, "pp_size": s.pp, "dp_size": s.dp, "ep_size": s.ep, "enable_dp_attention": s.dpAttention,
		"attention_backend": s.attnBase, "prefill_attention_backend": s.attnPrefill, "decode_attention_backend": s.attnDecode,
		"chunked_prefill_size": s.chunkFlag(), "max_prefill_tokens": s.maxPrefill, "page_size": s.page,
		"cuda_graph_max_bs": s.graphFlag, "cuda_graph_max_bs_decode": s.graphFlag, "disable_cuda_graph": s.graphMaxBS == 0,
		"enable_mixed_chunk": s.mixed, "disable_overlap_schedule": !s.overlap, "enable_torch_compile": s.compile,
		"torch_compile_max_bs": s.compileMaxBS, "enable_two_batch_overlap": s.flags.on("enable_two_batch_overlap"),
		"disable_custom_all_reduce": !s.customAllReduce, "sampling_backend": s.sampling, "schedule_policy": s.policy,
		"schedule_conservativeness": s.conservativeness, "disable_radix_cache": !s.radix, "tokenizer_worker_num": s.tokenizers,
		"detokenizer_worker_num": s.detokenizers, "stream_interval": s.streamInterval, "context_length": s.contextLen,
		"mem_fraction_static": s.mem.fraction, "num_continuous_decode_steps": s.flags.int("num_continuous_decode_steps", 1),
	}
	if s.spec.on() {
		args["speculative_num_steps"], args["speculative_num_draft_tokens"] = s.spec.steps, s.spec.draft
	}
	for _, f := range flagTable { // the rest as given, or at its default
		if _, there := args[f.name]; there || strings.HasPrefix(f.name, "sim_") {
			continue
		}
		text, given := s.flags[f.name]
		if otherwise, has := flagDefaults[f.name]; has && !given {
			args[f.name] = otherwise
			continue
		}
		switch {
		case f.kind == switchFlag:
			args[f.name] = given
		case !given:
			args[f.name] = nil
		case f.kind == intFlag:
			args[f.name] = s.flags.int(f.name, 0)
		case f.kind == floatFlag:
			args[f.name] = s.flags.float(f.name, 0)
		default:
			args[f.name] = text
		}
	}
	return args
}

// chunkFlag is the chunk as the flag spells it: -1 is off.
func (s *setup) chunkFlag() int {
	if s.chunk == 0 {
		return -1
	}
	return s.chunk
}

// argsText is serverArgs as SGLang logs them.
func (s *setup) argsText() string {
	args := s.serverArgs()
	parts := make([]string, 0, len(args))
	for _, name := range slices.Sorted(maps.Keys(args)) {
		var text string
		switch v := args[name].(type) {
		case nil:
			text = "None"
		case bool:
			text = pythonBool(v)
		case string:
			text = "'" + v + "'"
		default:
			text = fmt.Sprint(v)
		}
		parts = append(parts, name+"="+text)
	}
	return strings.Join(parts, ", ")
}

// serverInfo gives the effective configuration, memory and state.
func (h *server) serverInfo(w http.ResponseWriter, r *http.Request) {
	info := h.s.serverArgs()
	var states []any
	alive := h.clock.ask(r.Context(), func(m *machine, now time.Duration) {
		for _, rep := range m.replicas {
			states = append(states, map[string]any{
				"dp_rank": rep.index, "running": len(rep.running), "waiting": len(rep.waiting), "avg_spec_accept_length": nil,
				"effective_max_running_requests_per_dp": h.s.mem.maxRunning, "num_retractions": rep.retracts,
				"last_gen_throughput": float64(m.stats.generated) / max(now.Seconds(), 1e-9),
				"memory_usage": map[string]any{"weight": h.s.mem.weightMiB / 1024, "kvcache": h.s.mem.poolMiB / 1024,
					"token_capacity": h.s.mem.tokens, "graph": h.s.mem.dynamicMiB / 1024},
			})
		}
	})
	if !alive {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	info["internal_states"] = states
	info["max_total_num_tokens"] = h.s.mem.tokens
	info["max_req_input_len"] = h.maxInput()
	info["max_running_requests_per_dp"] = h.s.mem.maxRunning
	info["startup_time"] = map[string]float64{"scheduler_e2e": h.o.startup.Seconds()}
	info["version"] = version
	info["simulated"] = true
	info["simulated_gpu"] = h.s.gpu.name
	info["simulated_model"] = h.s.model.name
	info["simulated_devices"] = h.s.devices
	writeJSON(w, http.StatusOK, info)
}

// usage lists the flags.
func usage() string {
	var b strings.Builder
	b.WriteString("usage: launch_server.py [-h] --model-path MODEL_PATH ... (simulated)\n\n")
	b.WriteString("A simulated SGLang server: the HTTP interface with modelled speeds, no model and no GPU.\n")
	fmt.Fprintf(&b, "GPUs: %s. Models: %s.\n\n", strings.Join(GPUs(), ", "), strings.Join(Models(), ", "))
	for _, f := range flagTable {
		value := map[flagKind]string{intFlag: " N", floatFlag: " X", textFlag: " TEXT"}[f.kind]
		if f.choices != "" {
			value = " {" + strings.ReplaceAll(f.choices, " ", ",") + "}"
		}
		fmt.Fprintf(&b, "  %s%s\n", strings.Join(strings.Fields(f.spell), ", "), value)
	}
	return b.String()
}
