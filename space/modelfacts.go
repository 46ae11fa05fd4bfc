package space

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ModelFacts reads facts of a model: from a directory in Hugging Face's form
// (config.json and safetensors) or from a GGUF file. It gives those that the file
// tells and no others; a Spec says which ones it needs.
func ModelFacts(path string) (map[string]Value, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if !info.IsDir() {
		if filepath.Base(path) == "config.json" {
			return configFacts(filepath.Dir(path))
		}
		return ggufFacts(path, info.Size())
	}
	return configFacts(path)
}

// modelConfig is what config.json says that matters here. Multimodal models nest
// the language model's part.
type modelConfig struct {
	Architectures    []string     `json:"architectures"`
	TextConfig       *modelConfig `json:"text_config"`
	VisionConfig     any          `json:"vision_config"`
	Layers           int64        `json:"num_hidden_layers"`
	Heads            int64        `json:"num_attention_heads"`
	KVHeads          int64        `json:"num_key_value_heads"`
	HiddenSize       int64        `json:"hidden_size"`
	HeadDim          int64        `json:"head_dim"`
	VHeadDim         int64        `json:"v_head_dim"`
	KVLoraRank       int64        `json:"kv_lora_rank"`
	QKRopeHeadDim    int64        `json:"qk_rope_head_dim"`
	VocabSize        int64        `json:"vocab_size"`
	Context          int64        `json:"max_position_embeddings"`
	SlidingWindow    *float64     `json:"sliding_window"`
	UseSlidingWindow *bool        `json:"use_sliding_window"`
	MTPLayers        int64        `json:"num_nextn_predict_layers"`
	DType            string       `json:"torch_dtype"`
	NewDType         string       `json:"dtype"` // its name since transformers 4.56
	NumExperts       int64        `json:"num_experts"`
	NumLocalExperts  int64        `json:"num_local_experts"`
	NumRoutedExperts int64        `json:"n_routed_experts"`
}

func configFacts(dir string) (map[string]Value, error) {
	file := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("model: %w (want a directory with config.json, or a .gguf file)", err)
	}
	var c modelConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("model: %s: %w", file, err)
	}
	facts := c.facts()
	if size, ok := weightBytes(dir); ok {
		facts["weight_mib"] = Int(mebibytes(size))
	}
	return facts, nil
}

// facts are those of the configuration alone.
func (c *modelConfig) facts() map[string]Value {
	text := c
	if c.TextConfig != nil && c.TextConfig.Layers > 0 {
		text = c.TextConfig
	}
	facts := map[string]Value{}
	give := func(name string, n int64) {
		if n > 0 {
			facts[name] = Int(n)
		}
	}
	kvHeads, headDim := text.KVHeads, text.HeadDim
	if kvHeads == 0 {
		kvHeads = text.Heads // multi-head attention: transformers' own default
	}
	if headDim == 0 && text.Heads > 0 {
		headDim = text.HiddenSize / text.Heads
	}
	vHeadDim := text.VHeadDim
	if vHeadDim == 0 {
		vHeadDim = headDim
	}
	give("num_layers", text.Layers)
	give("num_attention_heads", text.Heads)
	give("num_kv_heads", kvHeads)
	give("head_dim", headDim)
	give("v_head_dim", vHeadDim)
	give("hidden_size", text.HiddenSize)
	give("vocab_size", text.VocabSize)
	give("context_len", text.Context)
	give("context_train", text.Context)
	give("kv_lora_rank", text.KVLoraRank)
	give("qk_rope_head_dim", text.QKRopeHeadDim)
	facts["is_mla"] = Bool(text.KVLoraRank > 0)
	facts["is_moe"] = Bool(text.NumExperts > 1 || text.NumLocalExperts > 1 || text.NumRoutedExperts > 1)
	facts["is_multimodal"] = Bool(c.VisionConfig != nil)
	// Qwen2 carries a sliding window that use_sliding_window switches off.
	facts["is_swa"] = Bool(text.SlidingWindow != nil && (text.UseSlidingWindow == nil || *text.UseSlidingWindow))
	facts["has_mtp"] = Bool(text.MTPLayers > 0)
	if bytes, ok := elementBytes(c.DType, c.NewDType, text.DType, text.NewDType); ok {
		facts["kv_elem_bytes"] = Int(bytes)
	}
	architecture := ""
	if len(c.Architectures) > 0 {
		architecture = c.Architectures[0]
	}
	architectureFacts(architecture, facts)
	return facts
}

// architectureFacts adds what only an engine's own code of the model tells. What is
// not known to have a property is said not to have it.
func architectureFacts(architecture string, facts map[string]Value) {
	// Models of SGLang v0.5.18 that call model_forward_maybe_tbo: deepseek_v2 (V3 and Kimi-K2 derive from it),
	// qwen2_moe, qwen3_moe, glm4_moe, minimax_m2, mimo_v2.
	overlaps := []string{"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV32ForCausalLM", "DeepseekV4ForCausalLM",
		"Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "Glm4MoeForCausalLM", "Glm4MoeLiteForCausalLM",
		"MiniMaxM2ForCausalLM", "MiniMaxM3ForCausalLM", "MiMoV2ForCausalLM"}
	// SGLang's help of --enable-dp-attention (server_args.py:1148) names DeepSeek-V2 and later and the Qwen2 and Qwen3
	// MoE models; the other models' code was not looked at.
	shards := []string{"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV32ForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM"}
	facts["tbo_model_ok"] = Bool(slices.Contains(overlaps, architecture))
	facts["dp_attention_ok"] = Bool(slices.Contains(shards, architecture))
	facts["has_attention_sinks"] = Bool(architecture == "GptOssForCausalLM") // the one model of the help with sinks
	// What SGLang 0.5.23 picks for these three was seen by running its argument code; other models may have a default of
	// their own (overrides.py:603-1470).
	facts["default_attn_known"] = Bool(slices.Contains([]string{"LlamaForCausalLM", "Qwen3MoeForCausalLM", "DeepseekV2ForCausalLM"}, architecture))
	// SGLang 0.5.23 arg_groups/speculative_hook.py:1429: automatic EAGLE steps are (5, topk 4, 8) for Llama and Grok-1,
	// (3, topk 1, 4) for the rest.
	topk := int64(1)
	if architecture == "LlamaForCausalLM" || architecture == "Grok1ForCausalLM" || architecture == "Grok1ModelForCausalLM" {
		topk = 4
	}
	facts["eagle_topk_auto"] = Int(topk)
}

// elementBytes is the width of the first type that is named.
func elementBytes(types ...string) (int64, bool) {
	for _, t := range types {
		switch strings.TrimPrefix(t, "torch.") {
		case "float32":
			return 4, true
		case "bfloat16", "float16":
			return 2, true
		}
	}
	return 0, false
}

// weightBytes is the size of a checkpoint: what its index says, else the sum of
// its files.
func weightBytes(dir string) (int64, bool) {
	var index struct {
		Metadata struct {
			TotalSize float64 `json:"total_size"`
		} `json:"metadata"`
	}
	if data, err := os.ReadFile(filepath.Join(dir, "model.safetensors.index.json")); err == nil {
		if json.Unmarshal(data, &index) == nil && index.Metadata.TotalSize > 0 {
			return int64(index.Metadata.TotalSize), true
		}
	}
	for _, pattern := range []string{"*.safetensors", "pytorch_model*.bin"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		var sum int64
		for _, f := range files {
			info, err := os.Stat(f)
			if errors.Is(err, fs.ErrNotExist) {
				continue // a dangling link of a partial download
			}
			if err == nil {
				sum += info.Size()
			}
		}
		if sum > 0 {
			return sum, true
		}
	}
	return 0, false
}

func mebibytes(bytes int64) int64 { return int64(math.Ceil(float64(bytes) / (1 << 20))) }
