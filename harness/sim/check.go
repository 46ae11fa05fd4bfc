package sim

import "fmt"

// checkShape refuses values without which no server can be modelled, whatever
// rules are asked for: SGLang's own assertions on sizes and on the split of a model.
func checkShape(m model, f flagValues) error {
	for _, name := range []string{"tp_size", "pp_size", "dp_size", "ep_size", "page_size", "tokenizer_worker_num",
		"detokenizer_worker_num", "stream_interval", "max_prefill_tokens", "max_running_requests", "torch_compile_max_bs",
		"prefill_max_requests", "context_length", "speculative_num_draft_tokens", "speculative_num_steps"} {
		if n := f.int(name, 1); n < 1 {
			return fmt.Errorf("AssertionError: %s must be at least 1, got %d (simulated)", name, n)
		}
	}
	if f.str("schedule_policy", "") == "priority" {
		return fmt.Errorf("ValueError: Unknown schedule_policy: 'priority' (simulated)")
	}
	if n := f.int("chunked_prefill_size", -1); n == 0 || n < -1 {
		return fmt.Errorf("AssertionError: chunked_prefill_size must be positive, or -1 for off, got %d (simulated)", n)
	}
	if n := f.int("cuda_graph_max_bs", 0); n < 0 {
		return fmt.Errorf("AssertionError: cuda_graph_max_bs must not be negative, got %d (simulated)", n)
	}
	if x := f.float("mem_fraction_static", 0.5); !(x > 0 && x < 1) {
		return fmt.Errorf("ValueError: mem_fraction_static must be between 0 and 1, got %v (simulated)", x)
	}
	if x := f.float("schedule_conservativeness", 1); !(x >= 0 && x < 1e6) {
		return fmt.Errorf("AssertionError: schedule_conservativeness must be non-negative, got %v (simulated)", x)
	}
	tp, pp, dp := f.int("tp_size", 1), f.int("pp_size", 1), f.int("dp_size", 1)
	if f.on("enable_dp_attention") && dp > 1 {
		if tp%dp != 0 {
			return fmt.Errorf("AssertionError: tp_size (%d) must be divisible by dp_size (%d) (simulated)", tp, dp)
		}
		tp /= dp
	}
	if m.heads%tp != 0 || max(m.kvHeads, tp)%min(m.kvHeads, tp) != 0 {
		return fmt.Errorf("AssertionError: %d attention heads and %d key-value heads cannot be split %d ways (simulated)", m.heads, m.kvHeads, tp)
	}
	if pp > m.layers {
		return fmt.Errorf("AssertionError: pp_size (%d) exceeds the number of layers (%d) (simulated)", pp, m.layers)
	}
	if n := f.int("context_length", m.maxContext); n > m.maxContext {
		return fmt.Errorf("ValueError: User-specified context_length (%d) is greater than the derived context_length (%d) (simulated)", n, m.maxContext)
	}
	return nil
}
