package sim

import "math"

// A work is what one step of one replica computes.
type work struct {
	promptTokens int     // prefill
	promptPairs  float64 // pairs of a prompt token and a token that it attends to
	prompts      int     // prompts that end in this step, each giving one token
	decodes      int     // sequences that gain a token
	decodeTokens int     // tokens that the step computes for them: decodes, or more under speculation
	contextToks  int     // KV entries that the decodes read
	sampled      int     // sequences that do not take the most likely token
	waiting      int     // requests that the scheduler sorts
}

// Efficiencies and overheads. All of them are judgements, chosen so that
// Llama-8B on one H100 decodes a single sequence in about 6.5 ms.
const (
	gemmPeak      = 0.66   // of peak FLOP/s: large dense products
	moePeak       = 0.42   // grouped products of experts
	memoryPeak    = 0.82   // of peak bandwidth: weights
	linkPeak      = 0.65   // of a link's bandwidth
	graphLayerSec = 16e-6  // kernels of one layer, replayed from a graph
	breakLayerSec = 45e-6  // the same with attention launched outside of the graph
	eagerLayerSec = 230e-6 // the same, launched from Python
	compiledShare = 0.7    // of graphLayerSec, with torch.compile
)

// attentionRates gives a backend's share of peak FLOP/s (prefill) and bandwidth (decode).
func attentionRates(backend string, sm int) (prefill, decode float64) {
	switch backend {
	case "fa3":
		return 0.62, 0.80
	case "fa4":
		if sm/10 == 10 {
			return 0.68, 0.78
		}
		return 0.58, 0.70
	case "trtllm_mha":
		return 0.64, 0.88
	case "flashinfer":
		return 0.50, 0.84
	case "triton":
		return 0.34, 0.66
	case "torch_native", "flex_attention":
		return 0.07, 0.10
	}
	return 0.45, 0.6
}

// stepSec is the time that one step of one replica takes, without noise. When
// the pipeline is full, a step of prompts need not wait for its filling.
func (s *setup) stepSec(w work, pipelineFull bool) float64 {
	t := 0.0
	switch {
	case s.pp == 1:
		t = s.stageSec(w)
	case w.promptTokens > 0 && pipelineFull && w.decodes == 0: // a decode needs its last token from the other end
		t = s.stageSec(w) + s.hopSec(w)
	case w.promptTokens > 0:
		t = float64(s.pp) * (s.stageSec(w) + s.hopSec(w))
	default: // decodes run as micro-batches, one a stage
		parts := max(1, min(s.pp, w.decodes))
		part := work{decodes: ceilDiv(w.decodes, parts), decodeTokens: ceilDiv(w.decodeTokens, parts),
			contextToks: w.contextToks / parts, sampled: ceilDiv(w.sampled, parts)}
		t = float64(s.pp) * (s.stageSec(part) + s.hopSec(part))
	}
	if s.spec.on() && w.decodes > 0 {
		plain := w
		plain.promptTokens, plain.promptPairs, plain.decodeTokens = 0, 0, w.decodes
		t += float64(s.spec.steps) * s.spec.cost * s.stageSec(plain)
	}
	cpu := s.cpuSec(w)
	if s.overlap {
		return max(t, cpu) + 60e-6
	}
	return t + cpu
}

// cpuSec is the scheduler's own work for a step: sorting, building the batch,
// telling the other ranks, taking the results.
func (s *setup) cpuSec(w work) float64 {
	t := 0.4e-3 + 80e-6*float64(s.tp) + 9e-6*float64(w.decodes+w.prompts)
	if s.attnPrefill != s.attnDecode {
		t += 60e-6
	}
	switch {
	case w.waiting == 0:
	case s.policy == "lpm" && w.waiting <= lpmQueueLimit, s.policy == "dfs-weight":
		t += 12e-6 * float64(w.waiting)
	default:
		t += 0.4e-6 * float64(w.waiting)
	}
	return t
}

// stageSec is the time of one step on one pipeline stage.
func (s *setup) stageSec(w work) float64 {
	tokens := w.promptTokens + w.decodeTokens
	layers := float64(s.stageLayers())
	graph := w.promptTokens == 0 && s.graphMaxBS > 0 && w.decodes <= s.graphMaxBS
	if graph {
		tokens = captured(w.decodes) * w.decodeTokens / max(w.decodes, 1)
	}
	busy := s.gemmSec(float64(tokens)) + s.attentionSec(w)
	comm := s.commSec(float64(tokens))
	kernels := graphLayerSec
	if s.twoBatch { // everything is done twice, for half of the tokens
		busy, comm = 2*s.gemmSec(float64(tokens)/2)+s.attentionSec(w), 2*s.commSec(float64(tokens)/2)
		busy, comm = max(busy, comm)+0.25*min(busy, comm), 0
		kernels *= 2
	}
	if graph && s.compile && w.decodes <= s.compileMaxBS {
		kernels *= compiledShare
	}
	t := busy + comm + layers*kernels
	switch {
	case graph:
	case w.promptTokens > 0 && s.prefillGraph:
		t = max(t, layers*breakLayerSec)
	default:
		t = max(t, layers*eagerLayerSec)
	}
	return t + s.headSec(w)
}

// gemmSec is the roofline of the products with the weights of one stage: the
// larger of computing and of reading the weights, for attention and for the
// feed-forward blocks apart.
func (s *setup) gemmSec(tokens float64) float64 {
	if tokens == 0 {
		return 0
	}
	layers := float64(s.stageLayers())
	padded := math.Ceil(tokens/32) * 32
	attn := s.roofline(layers*s.model.attentionParams()/float64(s.attnShards()), padded, gemmPeak)
	if s.dpAttention {
		tokens, padded = tokens*float64(s.dp), padded*float64(s.dp)
	}
	ffn := layers * s.model.expertParams() / float64(s.tp)
	if s.model.experts == 0 {
		return attn + s.roofline(ffn, padded, gemmPeak)
	}
	experts, visits := float64(s.model.experts), float64(s.model.topK)
	touched := experts * (1 - math.Pow(1-visits/experts, tokens))
	peak := moePeak * s.runnerFactor()
	if s.ep > 1 {
		peak /= 1.2 // the fullest expert's GPU is waited for
	}
	return attn + s.roofline(ffn*touched, padded*visits/touched, peak)
}

// roofline is max(FLOPs/peak, bytes/bandwidth) of a product of params weights
// with tokens columns. A narrow shard reaches less of the peak.
func (s *setup) roofline(params, tokens, peak float64) float64 {
	flops := s.gpu.flops * peak / (1 + 0.03*float64(s.tp-1))
	if s.weightBytes == 1 && s.gpu.sm >= 89 {
		flops *= 1.8
	}
	compute := 2 * params * tokens / flops
	read := params * s.weightBytes / (s.gpu.bandwidth * memoryPeak)
	return max(compute, read)
}

// runnerFactor ranks the kernels for experts.
func (s *setup) runnerFactor() float64 {
	switch s.flags.str("moe_runner_backend", "auto") {
	case "flashinfer_cutlass", "flashinfer_trtllm", "flashinfer_trtllm_routed", "cutlass":
		return 1.12
	case "deep_gemm", "triton_kernel":
		return 1.06
	case "marlin":
		return 0.9
	}
	return 1
}

// attentionSec is the time of the attention kernels of one stage.
func (s *setup) attentionSec(w work) float64 {
	m, layers := s.model, float64(s.stageLayers())
	prefill, _ := attentionRates(s.attnPrefill, s.gpu.sm)
	_, decode := attentionRates(s.attnDecode, s.gpu.sm)
	if s.page == 1 && s.attnDecode != "flashinfer" && s.attnDecode != "triton" {
		decode *= 0.92 // an indirection for each token
	}
	if s.attnDecode == "triton" { // few sequences do not fill the GPU
		splits := float64(s.flags.int("triton_attention_num_kv_splits", 8))
		decode *= 0.5 + 0.5*min(1, float64(w.decodes*max(1, m.kvHeads/s.attnShards()))*splits/132)
		decode /= 1 + splits/200
	}
	pairs := 4 * w.promptPairs * float64(m.headDim*m.heads) / float64(s.attnShards()) * layers
	read := float64(w.contextToks) * s.kvBytes()
	t := pairs/(s.gpu.flops*prefill) + read/(s.gpu.bandwidth*decode)
	if s.spec.on() { // more queries share each read
		t += 0.15 * read / (s.gpu.bandwidth * decode)
	}
	return t
}

// headSec is the time of the output projection and of choosing tokens.
func (s *setup) headSec(w work) float64 {
	rows := float64(w.prompts + w.decodeTokens)
	if rows == 0 {
		return 0
	}
	t := s.roofline(s.model.headParams()/float64(s.tp), rows, gemmPeak)
	if s.tp > 1 {
		t += s.lagSec(s.tp) + rows*float64(s.model.vocab)*2*float64(s.tp-1)/float64(s.tp)/(s.gpu.link*linkPeak)
	}
	if w.sampled > 0 {
		width := float64(s.model.vocab) / 128e3
		if s.sampling == "pytorch" { // sorts
			t += 250e-6 + 9e-6*width*float64(w.sampled)
		} else {
			t += 60e-6 + 1e-6*width*float64(w.sampled)
		}
	}
	return t + 40e-6
}

// captured is the batch size of the graph that runs n decodes: the next of 1, 2,
// 4, 8, 12, 16, 24, ... by 8 up to 256, then by 16.
func captured(n int) int {
	switch {
	case n <= 2:
		return n
	case n <= 16:
		return ceilDiv(n, 4) * 4
	case n <= 256:
		return ceilDiv(n, 8) * 8
	}
	return ceilDiv(n, 16) * 16
}
