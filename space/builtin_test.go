package space

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// llama8 is Llama-3.1-8B on 8 x H100 with 80 GB.
func llama8() map[string]Value {
	return map[string]Value{
		"device_num": Int(8), "gpu_sm": Int(90), "gpu_mem_mib": Int(81559), "gpu_free_mib": Int(81000),
		"cpu_physical": Int(2), "cpu_logical": Int(2), "ram_free_mib": Int(64000), "weight_mib": Int(15317),
		"num_layers": Int(32), "num_attention_heads": Int(32), "num_kv_heads": Int(8), "head_dim": Int(128), "v_head_dim": Int(128),
		"hidden_size": Int(4096), "kv_elem_bytes": Int(2), "context_len": Int(131072), "is_mla": Bool(false), "is_moe": Bool(false),
		"tokens_per_request": Int(2048), "target_concurrency": Int(64), "has_draft_model": Bool(true), "eagle_topk_auto": Int(4), "default_attn_known": Bool(true),
	}
}

// factSets are machines and models of different kinds.
func factSets() map[string]map[string]Value {
	sets := map[string]map[string]Value{"8xH100 dense": llama8()}
	vary := func(name string, changes map[string]Value) {
		f := llama8()
		for k, v := range changes {
			f[k] = v
		}
		sets[name] = f
	}
	vary("1x24GB sm89 dense", map[string]Value{"device_num": Int(1), "gpu_sm": Int(89), "gpu_mem_mib": Int(24564), "gpu_free_mib": Int(24300), "context_len": Int(8192)})
	vary("8xB200 dense", map[string]Value{"gpu_sm": Int(100), "gpu_mem_mib": Int(183359), "gpu_free_mib": Int(183000)})
	vary("8xH100 MoE", map[string]Value{"is_moe": Bool(true), "tbo_model_ok": Bool(true), "dp_attention_ok": Bool(true), "num_kv_heads": Int(4), "eagle_topk_auto": Int(1), "weight_mib": Int(58000)})
	vary("8xB200 MLA", map[string]Value{"gpu_sm": Int(100), "gpu_mem_mib": Int(183359), "gpu_free_mib": Int(183000), "is_mla": Bool(true), "is_moe": Bool(true), "tbo_model_ok": Bool(true),
		"dp_attention_ok": Bool(true), "kv_lora_rank": Int(512), "qk_rope_head_dim": Int(64), "eagle_topk_auto": Int(1), "num_kv_heads": Int(16), "num_attention_heads": Int(16), "weight_mib": Int(30000)})
	vary("8xH100 MLA", map[string]Value{"is_mla": Bool(true), "is_moe": Bool(true), "tbo_model_ok": Bool(true),
		"dp_attention_ok": Bool(true), "kv_lora_rank": Int(512), "qk_rope_head_dim": Int(64), "eagle_topk_auto": Int(1), "num_kv_heads": Int(16), "num_attention_heads": Int(16), "weight_mib": Int(30000)})
	return sets
}

func compile(tb testing.TB, spec string, o Options) *Lattice {
	tb.Helper()
	s, err := Load(spec)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := s.Compile(o)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// A valid configuration may be far from canonical, and still its canonical form
// must be a member: the condition on specs of the package comment, by sampling.
func TestBuiltinCanonIsMember(t *testing.T) {
	for _, name := range Names() {
		for set, facts := range factSets() {
			if name != "sglang" && set != "8xH100 dense" {
				continue // the rules of the others hardly look at facts
			}
			l := compile(t, name, Options{Facts: facts, Tune: []string{"all"}})
			rng := rand.New(rand.NewPCG(1, 2))
			valid, failed := 0, map[string]int{}
			var p Point
			for range 1000 {
				p = l.Unrank(l.Sample(rng), p)
				for range 1 + rng.IntN(4) { // step out of the lattice
					i := rng.IntN(len(p))
					p[i] = uint8(rng.IntN(len(l.params[i].Values)))
				}
				ok := true
				for _, r := range l.rules {
					if r.class == Hard || r.class == Memory {
						ok = ok && l.holds(r, p)
					}
				}
				if !ok {
					continue
				}
				valid++
				if c := l.Canon(p); !l.Contains(c) {
					var broken []string
					for _, r := range l.rules {
						if r.class != Soft && !l.holds(r, c) {
							broken = append(broken, r.id)
						}
					}
					key := strings.Join(broken, " ")
					if failed[key]++; failed[key] == 1 {
						t.Errorf("%s, %s: canonical form of a valid configuration is no member, it breaks %s\n%s\n%s", name, set, key, l.Config(p), l.Config(c))
					}
				}
			}
			if valid < 150 {
				t.Errorf("%s, %s: only %d valid configurations tried", name, set, valid)
			}
		}
	}
}

// decided names, for a parameter of sglang.yaml, the derived value that says all
// of its effect: not given, or given as what it would be anyway, is the same.
var decided = map[string]string{"attention_backend": "attn_base", "prefill_attention_backend": "attn_prefill",
	"decode_attention_backend": "attn_decode", "page_size": "eff_page", "chunked_prefill_size": "eff_chunk", "cuda_graph_max_bs": "eff_cg_bs"}

// effective is what the server of a canonical configuration really runs with: a
// rewrite whose target is no value of its parameter still takes place there.
func effective(l *Lattice, p Point) string {
	values := make([]Value, len(p))
	lookup := oracle{l}.lookup(p)
	for i, v := range p {
		values[i] = l.params[i].Values[v]
		if _, ok := l.spec.names[decided[l.params[i].Name]]; ok {
			values[i] = lookup(&expr{op: opName, name: decided[l.params[i].Name]})
		}
	}
	for _, r := range l.rules {
		for _, m := range r.moves {
			if _, ok := decided[l.params[m.param].Name]; !ok && m.when.eval(lookup) == Bool(true) {
				values[m.param] = m.target.eval(lookup)
			}
		}
	}
	return strings.Join(valueTexts(values), " ")
}

// No two members mean the same server: every member of some sublattices has
// effective values of its own.
func TestBuiltinMembersDiffer(t *testing.T) {
	for _, tt := range []struct {
		spec string
		sets []string
		tune []string
	}{
		{"llamacpp-cpu", []string{"8xH100 dense"}, nil},
		{"llamacpp", []string{"8xH100 dense"}, []string{"threads", "threads_batch", "parallel", "kv_unified", "cont_batching", "cache_prompt", "cache_reuse", "cache_ram"}},
		{"llamacpp", []string{"8xH100 dense"}, []string{"batch_size", "ubatch_size", "ctx_size", "parallel", "kv_unified", "cache_type_k", "cache_type_v", "flash_attn"}},
		{"sglang", []string{"8xH100 dense", "8xB200 dense"}, []string{"attention_backend", "prefill_attention_backend", "decode_attention_backend", "page_size", "kv_cache_dtype", "cuda_graph_backend_decode", "cuda_graph_backend_prefill"}},
		{"sglang", []string{"8xB200 dense"}, []string{"speculative_algorithm", "speculative_num_steps", "speculative_eagle_topk", "speculative_num_draft_tokens", "page_size", "enable_mixed_chunk", "attention_backend"}},
		{"sglang", []string{"8xB200 MLA"}, []string{"tp_size", "dp_size", "pp_size", "enable_dp_attention", "enable_dp_lm_head", "moe_dense_tp_size", "ep_size", "moe_a2a_backend", "enable_two_batch_overlap", "cuda_graph_backend_prefill", "disable_overlap_schedule"}},
		{"sglang", []string{"8xH100 dense"}, []string{"chunked_prefill_size", "max_prefill_tokens", "enable_mixed_chunk", "disable_radix_cache", "schedule_policy", "enable_hierarchical_cache", "hicache_ratio", "pp_size", "enable_dynamic_chunking"}},
		{"vllm", []string{"8xH100 dense"}, []string{"cudagraph_mode", "max_cudagraph_capture_size", "enforce_eager", "optimization_level", "performance_mode"}},
		{"vllm", []string{"8xH100 dense"}, []string{"max_num_batched_tokens", "max_num_seqs", "performance_mode", "enable_chunked_prefill", "max_cudagraph_capture_size", "api_server_count", "data_parallel_size"}},
	} {
		for _, set := range tt.sets {
			l := compile(t, tt.spec, Options{Facts: factSets()[set], Tune: tt.tune})
			if n, _ := l.Count().Uint64(); n > 60_000 {
				t.Errorf("%s %v: %d members are too many to look at", tt.spec, tt.tune, n)
				continue
			}
			seen := map[string]Point{}
			for _, p := range l.All() {
				e := effective(l, p)
				if q, ok := seen[e]; ok {
					t.Errorf("%s, %s: two members are one server\n%s\n%s", tt.spec, set, l.Config(p), l.Config(q))
					break
				}
				seen[e] = slices.Clone(p)
			}
		}
	}
}
