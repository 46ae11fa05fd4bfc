package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// llamaConfig is the part of Llama-3.1-8B's config.json that tells its shape.
const llamaConfig = `{"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 131072,
"num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "torch_dtype": "bfloat16", "vocab_size": 128256}`

// llamaIndex is the head of its checkpoint's index.
const llamaIndex = `{"metadata": {"total_size": 16060522496}}`

func hfModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hfmodel DIR")
	}
	ts.Check(writeHFModel(ts.MkAbs(args[0])))
}

func writeHFModel(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(llamaConfig), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), []byte(llamaIndex), 0o644)
}

func ggufModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: gguf FILE [PADDING]")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(ggufHeader(), strings.Join(args[1:], "")...), 0o644))
}

// ggufHeader is a GGUF file of version 3 without tensors: magic, version, counts,
// and pairs of a key, a type (8: text, 4: uint32) and a value, little endian.
func ggufHeader() []byte {
	numbers := []struct {
		key   string
		value uint32
	}{
		{"llama.block_count", 4}, {"llama.embedding_length", 256}, {"llama.attention.head_count", 4},
		{"llama.attention.head_count_kv", 4}, {"llama.context_length", 8192}, {"llama.vocab_size", 4096},
	}
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	text := func(s string) {
		put(uint64(len(s)))
		b.WriteString(s)
	}
	b.WriteString("GGUF")
	put(uint32(3))
	put(uint64(0))
	put(uint64(1 + len(numbers)))
	text("general.architecture")
	put(uint32(8))
	text("llama")
	for _, n := range numbers {
		text(n.key)
		put(uint32(4))
		put(n.value)
	}
	return b.Bytes()
}
