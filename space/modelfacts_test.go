package space

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Parts of the config.json of public models, the keys that are read.
var configs = map[string]struct {
	json string
	want map[string]Value
}{
	"Llama-3.1-8B": {`{"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
		"num_key_value_heads": 8, "max_position_embeddings": 131072, "vocab_size": 128256, "torch_dtype": "bfloat16"}`,
		map[string]Value{"num_layers": Int(32), "num_kv_heads": Int(8), "head_dim": Int(128), "v_head_dim": Int(128), "kv_elem_bytes": Int(2), "context_len": Int(131072),
			"is_mla": Bool(false), "is_moe": Bool(false), "eagle_topk_auto": Int(4), "tbo_model_ok": Bool(false), "default_attn_known": Bool(true)}},
	"Qwen3-30B-A3B": {`{"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32, "head_dim": 128,
		"num_key_value_heads": 4, "num_experts": 128, "sliding_window": null, "torch_dtype": "bfloat16"}`,
		map[string]Value{"head_dim": Int(128), "is_moe": Bool(true), "tbo_model_ok": Bool(true), "dp_attention_ok": Bool(true), "eagle_topk_auto": Int(1), "is_swa": Bool(false)}},
	"DeepSeek-V2-Lite": {`{"architectures": ["DeepseekV2ForCausalLM"], "hidden_size": 2048, "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16,
		"kv_lora_rank": 512, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64}`,
		map[string]Value{"is_mla": Bool(true), "kv_lora_rank": Int(512), "qk_rope_head_dim": Int(64), "is_moe": Bool(true), "dp_attention_ok": Bool(true)}},
	"a multimodal model": {`{"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {}, "text_config": {"num_hidden_layers": 34, "hidden_size": 2560,
		"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 1024}}`,
		map[string]Value{"num_layers": Int(34), "is_multimodal": Bool(true), "is_swa": Bool(true), "default_attn_known": Bool(false)}},
}

func TestConfigFacts(t *testing.T) {
	for name, tt := range configs {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "config.json"), tt.json)
			write(t, filepath.Join(dir, "model-00001.safetensors"), strings.Repeat("x", 3<<20))
			got, err := ModelFacts(dir)
			if err != nil {
				t.Fatal(err)
			}
			tt.want["weight_mib"] = Int(3)
			for k, v := range tt.want {
				if got[k] != v {
					t.Errorf("%s = %s, want %s", k, got[k], v)
				}
			}
			write(t, filepath.Join(dir, "model.safetensors.index.json"), `{"metadata": {"total_size": 16060522496}}`)
			if got, err = ModelFacts(filepath.Join(dir, "config.json")); err != nil || got["weight_mib"] != Int(15317) {
				t.Errorf("weight_mib = %s, %v: want 15317 from the index", got["weight_mib"], err)
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// gguf builds the header of a small model.
func gguf(version uint32, pairs ...any) []byte {
	var b bytes.Buffer
	b.WriteString("GGUF")
	put := func(x any) {
		if s, ok := x.(string); ok {
			binary.Write(&b, binary.LittleEndian, uint64(len(s)))
			b.WriteString(s)
			return
		}
		binary.Write(&b, binary.LittleEndian, x)
	}
	put(version)
	put(uint64(0))
	put(uint64(len(pairs) / 2))
	for i := 0; i < len(pairs); i += 2 {
		put(pairs[i])
		switch v := pairs[i+1].(type) {
		case string:
			put(uint32(8))
			put(v)
		case []string:
			put(uint32(9))
			put(uint32(8))
			put(uint64(len(v)))
			for _, s := range v {
				put(s)
			}
		case []uint32:
			put(uint32(9))
			put(uint32(4))
			put(uint64(len(v)))
			for _, n := range v {
				put(n)
			}
		case uint32:
			put(uint32(4))
			put(v)
		case float32:
			put(uint32(6))
			put(v)
		}
	}
	return b.Bytes()
}

func smallGGUF() []byte {
	return gguf(3, "general.architecture", "llama", "llama.block_count", uint32(4), "llama.embedding_length", uint32(256), "llama.attention.head_count", uint32(4),
		"llama.attention.head_count_kv", []uint32{2, 2, 4, 2}, "llama.context_length", uint32(8192), "llama.rope.freq_base", float32(10000),
		"tokenizer.ggml.tokens", []string{"<s>", "a", "b"})
}

func TestGGUFFacts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.gguf")
	write(t, file, string(smallGGUF()))
	got, err := ModelFacts(file)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]Value{"num_layers": Int(4), "head_dim": Int(64), "v_head_dim": Int(64), "num_kv_heads": Int(4), "context_train": Int(8192),
		"hidden_size": Int(256), "vocab_size": Int(3), "is_moe": Bool(false), "weight_mib": Int(1)} {
		if got[k] != v {
			t.Errorf("%s = %s, want %s", k, got[k], v)
		}
	}
}

func TestModelFactsErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty.gguf": "", "text.gguf": "hello, this is no model", "old.gguf": string(gguf(1)), "cut.gguf": string(smallGGUF()[:100])} {
		file := filepath.Join(dir, name)
		write(t, file, text)
		if _, err := ModelFacts(file); err == nil || !strings.Contains(err.Error(), "GGUF") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names the file and the format", name, err)
		}
	}
	if _, err := ModelFacts(dir); err == nil || !strings.Contains(err.Error(), "want a directory with config.json, or a .gguf file") {
		t.Errorf("a directory without a model: %v", err)
	}
	write(t, filepath.Join(dir, "config.json"), "{")
	if _, err := ModelFacts(dir); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("broken JSON: %v", err)
	}
	if _, err := ModelFacts(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing path is no error")
	}
}

func FuzzGGUF(f *testing.F) {
	f.Add(smallGGUF())
	f.Add(gguf(2))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pairs, err := readGGUF(bufio.NewReader(bytes.NewReader(data))); err == nil {
			factsOfGGUF(pairs)
		}
	})
}
