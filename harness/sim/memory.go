package sim

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// A memory is what one GPU of a replica holds, and what that makes room for.
type memory struct {
	fraction   float64 // of the GPU for weights and KV cache together
	weightMiB  float64
	poolMiB    float64 // KV cache; not positive: there is no room for one
	dynamicMiB float64 // left for activations, graphs and workspaces
	tokens     int     // KV cache of one replica
	maxRunning int     // sequences that one replica runs at a time
}

// planMemory follows SGLang: a reserve estimated from the flags sets the static
// fraction, the KV cache takes what the weights leave of it.
func planMemory(s *setup) memory {
	total := float64(s.gpu.memMiB)
	m := memory{weightMiB: s.rankWeightMiB()}
	m.fraction = s.flags.float("mem_fraction_static", math.Floor((total-s.reserveMiB())/total*1000+0.5)/1000)
	m.dynamicMiB = total * (1 - m.fraction)
	m.poolMiB = total*m.fraction - m.weightMiB
	m.tokens = max(0, int(m.poolMiB*mib/s.kvBytes())/s.page*s.page)
	if limit := s.flags.int("max_total_tokens", 0); limit > 0 {
		m.tokens = min(m.tokens, limit/s.page*s.page)
	}
	auto := min(max(512*m.tokens/max(s.contextLen, 1), 2048), 4096)
	if s.spec.on() {
		auto = 48
	}
	m.maxRunning = auto
	if asked := s.flags.int("max_running_requests", 0); asked > 0 {
		m.maxRunning = max(1, asked/s.dp)
	}
	m.maxRunning = min(m.maxRunning, m.tokens/2)
	return m
}

// rankWeightMiB is the weights of one GPU of the longest stage.
func (s *setup) rankWeightMiB() float64 {
	m := s.model
	perLayer := m.attentionParams()/float64(s.attnShards()) + m.expertParams()*float64(max(m.experts, 1))/float64(s.tp)
	ends := 2 * m.headParams() / float64(s.tp*s.pp) // embeddings and head are on the first and the last stage
	if m.tied {
		ends /= 2
	}
	return (perLayer*float64(s.stageLayers()) + ends) * s.weightBytes / mib
}

// kvBytes is the KV cache of one token on one GPU.
func (s *setup) kvBytes() float64 {
	heads := max(1, s.model.kvHeads/s.attnShards())
	return float64(heads*2*s.model.headDim*s.stageLayers()) * s.kvElemBytes
}

// reserveMiB is SGLang's own estimate of what is needed beside weights and KV cache.
func (s *setup) reserveMiB() float64 {
	tokens := s.chunk
	if s.dpAttention {
		tokens *= s.dp
	}
	buckets := prefillBuckets(tokens)
	if tokens == 0 {
		tokens = s.maxPrefill
	}
	r := 512 + 1.5*float64(max(tokens, 2048)) + 128*float64(s.tp*s.pp) + 2*float64(s.graphMaxBS)
	if s.dpAttention {
		each := 3.0
		if s.graphMaxBS > 300 {
			each = 4.5
		}
		r += each * float64(s.graphMaxBS*s.dp)
	}
	if s.prefillGraph {
		r += 8 * float64(buckets)
	}
	if s.gpu.memMiB > 61440 {
		r = max(r, 10240)
	}
	return r
}

// prefillBuckets counts the prompt lengths for which prefill graphs are captured.
func prefillBuckets(n int) int {
	count, from := 0, 0
	for _, b := range [][2]int{{32, 4}, {256, 16}, {512, 32}, {1024, 64}, {4096, 256}, {math.MaxInt, 512}} {
		count += max(min(n, b[0])-from, 0) / b[1]
		from = b[0]
	}
	return count
}

// dynamicNeedMiB is what a step of the given number of prompt tokens really takes
// beside weights and KV cache. It is a judgement (see the package doc), and its
// spread is what an estimate made from flags cannot know.
func (s *setup) dynamicNeedMiB(tokens int, spread float64) float64 {
	need := 550.0 // CUDA context and libraries
	if s.tp*s.pp > 1 {
		need += 40 * float64(s.tp*s.pp)
	}
	for _, backend := range []string{s.attnPrefill, s.attnDecode} {
		switch backend {
		case "flashinfer", "trtllm_mha":
			need += 384
		case "torch_native":
			need += 256
		default:
			need += 64
		}
	}
	if s.compile && s.graphMaxBS > 0 {
		need += 1300
	}
	need += 1.2 * float64(s.graphMaxBS)
	perToken := 1.02 * math.Pow(float64(s.model.hidden)/4096, 0.25) * (0.85 + 0.15/float64(s.tp)) * (1 + 0.12*float64(s.pp-1))
	if s.attnPrefill == "torch_native" {
		perToken *= 1.3 // scores are materialised
	}
	if s.model.experts > 0 {
		perToken *= 1.3 // each token is copied to its experts
	}
	return (need + perToken*float64(tokens)) * spread
}

// memorySpread is log-normal: mostly a property of the configuration, a little of
// the seed. What the engine chooses by itself its authors have tried: there it is small.
func (s *setup) memorySpread(seed uint64) float64 {
	if seed == noNoise {
		return 1
	}
	config := rand.New(rand.NewPCG(s.hash(), 1)).NormFloat64()
	launch := rand.New(rand.NewPCG(s.hash(), seed)).NormFloat64()
	width := 0.04
	for _, name := range []string{"chunked_prefill_size", "mem_fraction_static", "attention_backend", "prefill_attention_backend",
		"decode_attention_backend", "pp_size", "enable_torch_compile"} {
		if text, given := s.flags[name]; given && text != "1" {
			width = 0.18
		}
	}
	return math.Exp(width*config + 0.03*launch)
}

// noNoise as a seed turns all spread and noise off.
const noNoise = math.MaxUint64

// hash identifies what the server is asked to be: flags without names and
// addresses, and the GPU and model that they meet.
func (s *setup) hash() uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, s.gpu.name, s.model.name, s.devices)
	for _, name := range slices.Sorted(maps.Keys(s.flags)) {
		switch name {
		case "host", "port", "model_path", "tokenizer_path", "served_model_name", "enable_metrics", "random_seed":
			continue
		}
		if !strings.HasPrefix(name, "sim_") {
			fmt.Fprintln(h, name, s.flags[name])
		}
	}
	return h.Sum64()
}
