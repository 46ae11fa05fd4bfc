// Package sim is a simulated SGLang server: the HTTP interface, the flags, the log
// lines and the exit statuses of the real one, with times that come from a model
// instead of a GPU. It lets everything around a server run without one. What it
// says of speed is an estimate, and every answer, log and metric says that it is
// simulated.
//
// The flow is
//
//	flags -> setup (automatic values resolved) -> machine -> clock -> HTTP
//
// A setup is SGLang's view of a command line on a GPU and a model. A machine is the
// server without a clock, moved from event to event: a frontend of tokenizer
// workers, and for each data-parallel replica a scheduler with its KV cache. The
// clock moves it in real time: a step of 6 ms takes 6 ms, and planned times do not
// drift, because each event happens at its own time however late the process is
// woken. Everything but clock, alarm and HTTP is pure and is tested without waiting.
//
// # Time of a step
//
// A step's time on one pipeline stage is a roofline (Williams, Waterman,
// Patterson: "Roofline", CACM 52(4), 2009): for each group of products
//
//	max(2 * weights * tokens / (peak FLOP/s), weight bytes / bandwidth)
//
// of attention's and of the feed-forward block's weights, divided over the tensor
// parallel GPUs, with the peaks of the vendors' data sheets (gpu.go) and shares of
// them that are reached: 0.66 for dense products, 0.42 for experts, 0.82 of the
// bandwidth, and 3 % less of the peak for each further shard, since shards are
// narrow. Tokens are rounded up to 32. Of E experts, E*(1-(1-k/E)^tokens) are read
// when each token visits k at random.
//
// Attention of prompts costs 4*heads*headDim FLOPs for each pair of a token and one
// it attends to; decoding reads the KV cache of its context once. Each backend
// reaches its own share of the peaks (attentionRates), which is a judgement in the
// order that users report; single-token pages cost fa3, fa4 and trtllm_mha 8 %.
//
// Tensor parallelism adds two all-reduces a layer: a latency that grows with
// log2 of the GPUs, and 2(n-1)/n of the activations over a link (the ring's bound).
// Attention-data-parallelism exchanges all replicas' tokens instead, an all-to-all
// backend only each expert's. Two-batch overlap runs half batches, whose products
// read the weights twice, and hides three quarters of the shorter of computing and
// communicating; it has an effect on mixture models only. Custom all-reduce off
// multiplies the latency by 2.6.
//
// Pipeline parallelism: the stages work on as many micro-batches as there are
// stages; all decoding sequences gain one token in stages * (time of one
// micro-batch). A step of prompts fills the pipeline first, and in the steps of
// prompts alone that follow at once it is full. The pipeline drains between
// prompts and decodes, and in every mixed step (a simplification).
//
// Launching kernels costs 16 us a layer from a CUDA graph, 45 us where attention is
// launched outside of it (prefill graphs), and keeps the GPU waiting where it is
// longer than the work: 230 us a layer without graphs. Decodes run from a graph up
// to the captured batch size, rounded up to the next captured one. torch.compile
// makes 30 % of the graph's overhead go away. The output projection, gathering and
// choosing tokens come once a step; sampling (temperature above 0) costs more with
// the pytorch backend.
//
// The scheduler's own time, 0.4 ms + 0.08 ms a tensor-parallel rank + 9 us a
// sequence, plus sorting by policy, is hidden behind the GPU where the overlap
// schedule is on, and is added where it is off. Tokenizer workers are queues:
// 0.18 ms a request, 1.2 us a token of text, about 50 us a streamed event, all 3 %
// slower for each further worker, with 0.12 ms of routing where there are several.
// All numbers of this paragraph and the one before are judgements.
//
// # Scheduling
//
// As SGLang's scheduler: prompts go before decodes; a step takes prompts by policy
// within the chunk, max_prefill_tokens, the running limit, and the KV cache that
// running requests are expected to need (0.7 of their remaining tokens at first,
// falling to a tenth over 600 steps, raised by retractions); a prompt longer than
// the chunk is cut; mixed chunks let decodes ride along. When the KV cache is full
// the sequences with the least output are retracted and computed again. The prefix
// cache is a radix tree over whole pages with the given eviction policy. Requests
// go to replicas in turn. num_continuous_decode_steps is accepted and does nothing,
// as in the real server.
//
// Speculative decoding verifies its draft tokens in one step, each accepted with a
// fixed probability for the algorithm, and adds the draft's passes: judgements.
//
// # Memory
//
// Weights, KV bytes for a token, the reserve and the static fraction follow
// SGLang's formulas (memory_hook, pool_configurator of 0.5.x), from flags. What a
// step really takes beside them is modelled apart, and no lattice knows it: the
// CUDA context, workspaces of the attention backends, graphs, torch.compile, and
// 1.02 MiB for each prompt token of a step (hidden size 4096), more with deep
// pipelines, experts and torch_native, times a log-normal spread of 18 % that
// belongs to the configuration (4 % where the engine chooses all that matters) and
// one of 3 % that belongs to the seed. A server whose graphs do not fit dies at
// start; where prefill graphs are off it dies in the first step that is too large.
// These are judgements that make 4 in 100 members of the sglang lattice fail
// (Llama-8B on H100), as some do on real machines.
//
// # Noise
//
// Each launch is faster or slower as a whole by 1 % (log-normal), each step by
// 2 %, and one step in 2000 takes two to six times as long. All of it comes from
// --sim-seed and the configuration: the same seed and configuration give the same
// launch, another seed another. --sim-noise scales it; 0 turns it off, and the
// spread of memory with it.
//
// # What is not modelled
//
// Several nodes, disaggregation, multi-head latent attention, the hierarchical cache, LoRA, grammars, log
// probabilities, several prompts or answers in one request, thermal limits. Text
// is made of words drawn from a hash of the prompt; a token of text input is four bytes.
package sim
