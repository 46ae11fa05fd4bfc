package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"harness/space"
)

// A model is the shape of a decoder-only transformer with grouped-query
// attention, dense or with routed experts. Weights are BF16.
type model struct {
	name       string
	layers     int
	hidden     int
	ffn        int // intermediate size of a dense layer, or of one expert
	heads      int
	kvHeads    int
	headDim    int
	vocab      int
	experts    int // 0: dense
	topK       int // experts that a token visits
	tied       bool
	maxContext int                    // tokens
	facts      map[string]space.Value // of a directory's files; nil for a built-in model
}

// models is sorted by name. Shapes are those of the published config.json files
// (meta-llama/Llama-3.1-8B, -70B; Qwen/Qwen3-30B-A3B).
var models = []model{
	{name: "llama-3.1-70b", layers: 80, hidden: 8192, ffn: 28672, heads: 64, kvHeads: 8, headDim: 128, vocab: 128256, maxContext: 131072},
	{name: "llama-3.1-8b", layers: 32, hidden: 4096, ffn: 14336, heads: 32, kvHeads: 8, headDim: 128, vocab: 128256, maxContext: 131072},
	{name: "qwen3-30b-a3b", layers: 48, hidden: 2048, ffn: 768, heads: 32, kvHeads: 4, headDim: 128, vocab: 151936, experts: 128, topK: 8, maxContext: 40960},
}

// defaultModel serves where no model is named.
const defaultModel = "llama-3.1-8b"

// Models returns the names of the built-in models, sorted.
func Models() []string {
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.name
	}
	return names
}

// findModel takes a built-in name, also with an owner before it and in another
// case (meta-llama/Llama-3.1-8B), or a directory with a Hugging Face config.json.
func findModel(path string) (model, error) {
	base := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	if i := slices.IndexFunc(models, func(m model) bool { return base == m.name || base == m.name+"-instruct" }); i >= 0 {
		return models[i], nil
	}
	m, err := readModel(path)
	if err != nil {
		return model{}, fmt.Errorf("cannot read model %q: %w (built in: %s)", path, err, strings.Join(Models(), ", "))
	}
	return m, nil
}

// readModel reads the shape that dir/config.json gives.
func readModel(dir string) (model, error) {
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return model{}, err
	}
	var c struct {
		Layers     int  `json:"num_hidden_layers"`
		Hidden     int  `json:"hidden_size"`
		FFN        int  `json:"intermediate_size"`
		MoEFFN     int  `json:"moe_intermediate_size"`
		Heads      int  `json:"num_attention_heads"`
		KVHeads    int  `json:"num_key_value_heads"`
		HeadDim    int  `json:"head_dim"`
		Vocab      int  `json:"vocab_size"`
		Experts    int  `json:"num_experts"`
		Routed     int  `json:"n_routed_experts"`
		Local      int  `json:"num_local_experts"`
		TopK       int  `json:"num_experts_per_tok"`
		Tied       bool `json:"tie_word_embeddings"`
		MaxContext int  `json:"max_position_embeddings"`
		LatentRank int  `json:"kv_lora_rank"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return model{}, fmt.Errorf("config.json: %w", err)
	}
	if c.LatentRank > 0 {
		return model{}, fmt.Errorf("config.json: multi-head latent attention (kv_lora_rank %d) is not modelled", c.LatentRank)
	}
	facts, err := space.ModelFacts(dir)
	if err != nil {
		return model{}, err
	}
	m := model{facts: facts, name: filepath.Base(dir), layers: c.Layers, hidden: c.Hidden, ffn: c.FFN, heads: c.Heads,
		kvHeads: c.KVHeads, headDim: c.HeadDim, vocab: c.Vocab, experts: max(c.Experts, c.Routed, c.Local),
		topK: c.TopK, tied: c.Tied, maxContext: c.MaxContext}
	if m.experts > 0 && c.MoEFFN > 0 {
		m.ffn = c.MoEFFN
	}
	if m.kvHeads == 0 {
		m.kvHeads = m.heads
	}
	if m.headDim == 0 && m.heads > 0 {
		m.headDim = m.hidden / m.heads
	}
	if m.maxContext == 0 {
		m.maxContext = 4096
	}
	if m.experts > 0 && m.topK == 0 {
		m.topK = 1
	}
	if min(m.layers, m.hidden, m.ffn, m.heads, m.kvHeads, m.headDim, m.vocab) <= 0 {
		return model{}, fmt.Errorf("config.json: num_hidden_layers, hidden_size, intermediate_size, num_attention_heads and vocab_size must be positive")
	}
	return m, nil
}

// attentionParams counts one layer's projections of queries, keys, values and output.
func (m model) attentionParams() float64 {
	return float64(m.hidden) * float64(m.headDim) * float64(2*m.heads+2*m.kvHeads)
}

// expertParams counts one feed-forward block (gate, up, down): a dense layer's, or one expert's.
func (m model) expertParams() float64 { return 3 * float64(m.hidden) * float64(m.ffn) }

// headParams counts the output projection.
func (m model) headParams() float64 { return float64(m.hidden) * float64(m.vocab) }

// params counts all weights of the model.
func (m model) params() float64 {
	ffn := m.expertParams()
	if m.experts > 0 {
		ffn = ffn*float64(m.experts) + float64(m.hidden*m.experts)
	}
	embeddings := 2.0
	if m.tied {
		embeddings = 1
	}
	return float64(m.layers)*(m.attentionParams()+ffn+2*float64(m.hidden)) + embeddings*m.headParams()
}

// weightMiB is the size of the BF16 checkpoint.
func (m model) weightMiB() float64 { return 2 * m.params() / mib }

const mib = 1 << 20
