package sim

import (
	"fmt"
	"maps"
	"slices"

	"harness/space"
)

// Facts gives what space.Options.Facts must know of a modelled GPU and model, so
// that a lattice fits the simulator: the GPU's compute capability and memory, and
// the model's shape and size. The number of devices is the caller's. The model is
// one of Models, or a directory with a config.json; "" means the default model.
func Facts(gpu, model string) (map[string]space.Value, error) {
	g, err := findGPU(gpu)
	if err != nil {
		return nil, err
	}
	if model == "" {
		model = defaultModel
	}
	m, err := findModel(model)
	if err != nil {
		return nil, err
	}
	return factsOf(g, m), nil
}

func factsOf(g gpu, m model) map[string]space.Value {
	n := func(i int) space.Value { return space.Int(int64(i)) }
	facts := map[string]space.Value{
		"gpu_sm": n(g.sm), "gpu_mem_mib": space.Int(g.memMiB), "gpu_free_mib": space.Int(g.memMiB - 500),
		"is_a100": space.Bool(g.name == "A100"), "has_gpu": space.Bool(true),
		"num_layers": n(m.layers), "num_attention_heads": n(m.heads), "num_kv_heads": n(m.kvHeads),
		"head_dim": n(m.headDim), "v_head_dim": n(m.headDim), "is_mla": space.Bool(false), "kv_lora_rank": n(0), "qk_rope_head_dim": n(0),
		"is_moe": space.Bool(m.experts > 0), "is_multimodal": space.Bool(false), "has_attention_sinks": space.Bool(false),
		"dp_attention_ok": space.Bool(m.experts > 0), "tbo_model_ok": space.Bool(m.experts > 0),
		"weight_mib": space.Int(int64(m.weightMiB())), "kv_elem_bytes": space.Float(2),
		"context_len": n(m.maxContext), "vocab_size": n(m.vocab),
	}
	maps.Copy(facts, m.facts)
	return facts
}

// checkRules refuses a configuration that breaks hard rules of the spec, as the
// real server refuses it before it touches a GPU. Estimates of memory are not
// asked: the simulator has its own.
func (o options) checkRules(m model) error {
	if o.rules == nil {
		return nil
	}
	spec, config := givenValues(o.rules, o.flags)
	facts := factsOf(o.gpu, m)
	facts["device_num"] = space.Int(int64(o.devices))
	facts["weight_mib"] = space.Int(1) // no rule about memory may bind
	facts["tokens_per_request"] = space.Int(1)
	facts["target_concurrency"] = space.Int(1)
	lattice, err := spec.Compile(space.Options{Facts: facts, Tune: slices.Collect(maps.Keys(config))})
	if err != nil {
		return fmt.Errorf("ValueError: %w (simulated)", err)
	}
	for _, r := range lattice.Check(config).Reasons {
		if r.Class == "hard" {
			return fmt.Errorf("ValueError: [%s] %s (simulated)", r.Rule, r.Message)
		}
	}
	return nil
}

// givenValues returns the parameters of a spec that flags give a value, and a
// copy of the spec in which each of them has its default and that value: a server
// is asked about values that no lattice lists.
func givenValues(s *space.Spec, f flagValues) (*space.Spec, space.Config) {
	asked := *s
	asked.Params = slices.Clone(s.Params)
	config := space.Config{}
	for i := range asked.Params {
		p := &asked.Params[i]
		text, given := f[p.Name]
		if !given {
			continue
		}
		v := space.ParseValue(text)
		for value, spelling := range p.ValueMap {
			if spelling == text {
				v = space.ParseValue(value)
			}
		}
		config[p.Name] = v
		p.Values = []space.Value{p.Default, v}
		if v == p.Default {
			p.Values = p.Values[:1]
		}
	}
	return &asked, config
}
