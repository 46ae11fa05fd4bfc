package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// tokenTime is what a fake server takes for a token.
const tokenTime = time.Millisecond

// A completion is the part of a /v1/completions request that fakes look at.
type completion struct {
	Prompt        []int `json:"prompt"`
	MaxTokens     int   `json:"max_tokens"`
	IgnoreEOS     bool  `json:"ignore_eos"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	CachePrompt *bool `json:"cache_prompt"`
}

// readCompletion refuses what the harness never asks for.
func readCompletion(w http.ResponseWriter, r *http.Request) (completion, bool) {
	var c completion
	err := json.NewDecoder(r.Body).Decode(&c)
	if err != nil || len(c.Prompt) == 0 || c.MaxTokens < 1 || !c.IgnoreEOS {
		http.Error(w, fmt.Sprintf(`{"error":{"message":"unexpected request: %+v %v","type":"BadRequestError","code":400}}`, c, err), http.StatusBadRequest)
		return c, false
	}
	return c, true
}

// stream sends events, one a token time.
func stream(w http.ResponseWriter, r *http.Request, events []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(tokenTime)
	defer tick.Stop()
	for _, e := range events {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", e)
		w.(http.Flusher).Flush()
	}
}

// serveUntilTerm serves on the port of the command line until SIGTERM, and says bye.
func serveUntilTerm(args []string, mux *http.ServeMux, deaf bool, bye string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:"+flagOf(args, "--port"))
	if err != nil {
		logf("%v", err)
		return 1
	}
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	defer server.Close()
	<-ctx.Done()
	logf("%s", bye)
	if deaf {
		select {}
	}
	return 0
}

func answer(mux *http.ServeMux, pattern, body string) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
}

// fakeVLLM is vLLM 0.32.0 as it was seen on a CPU: log lines, stream bytes, exit
// statuses. It dies by argparse, of memory for the KV cache (exit 1), or of a port in
// use; where it is deaf, it does not end on SIGTERM. On a GPU that falls off the bus it
// dies in mid-run.
func fakeVLLM(args []string) int {
	if slices.Equal(args, []string{"--version"}) {
		fmt.Println("0.32.0")
		return 0
	}
	if slices.Equal(args, []string{"serve", "--help=all"}) {
		return fakeHelp("vllm")
	}
	launched("vllm", args)
	if len(args) < 2 || args[0] != "serve" {
		logf("vllm: error: argument subparser: invalid choice: %q", args)
		return 2
	}
	switch death(args) {
	case "argparse":
		logf("usage: vllm serve [model_tag] [options]\nvllm: error: unrecognized arguments: --performance-mode throughput")
		return 2
	case "no_memory":
		logf("(EngineCore_DP0 pid=4711) ERROR 10-02 09:12:44 [core.py:842] ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.\n" +
			"(APIServer pid=4700) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}")
		return 1
	case "port":
		logf("OSError: [Errno 98] Address already in use")
		return 1
	}
	mux := http.NewServeMux()
	answer(mux, "/health", "")
	answer(mux, "/v1/models", fmt.Sprintf(`{"object":"list","data":[{"id":%q,"object":"model","max_model_len":131072}]}`, args[1]))
	answer(mux, "/version", `{"version":"0.32.0"}`)
	if os.Getenv("VLLM_SERVER_DEV_MODE") == "1" {
		answer(mux, "POST /reset_prefix_cache", `{"success":true}`)
		answer(mux, "/server_info", `{"vllm_config":{"scheduler_config":{"max_num_seqs":256,"stream_interval":1}}}`)
	}
	var made atomic.Int64
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\",model_name=\"m\"} 0.0\n"+
			"# TYPE vllm:generation_tokens counter\nvllm:generation_tokens_total{engine=\"0\",model_name=\"m\"} %d\n", made.Load())
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		if c, ok := readCompletion(w, r); ok {
			if made.Add(int64(c.MaxTokens)) > 400 && lostGPU() {
				logf("(EngineCore_DP0 pid=4711) torch.AcceleratorError: CUDA error: unspecified launch failure")
				os.Exit(1)
			}
			stream(w, r, vllmEvents(c))
		}
	})
	logf("(APIServer pid=4700) INFO:     Application startup complete.")
	return serveUntilTerm(args, mux, death(args) == "deaf", "(APIServer pid=4700) INFO:     Application shutdown complete.")
}

// vllmEvents are the chunks of one answer. Chunks can merge: 32 tokens were seen in
// 31 chunks. The finish reason is on the last text, usage in an event of its own.
func vllmEvents(c completion) []string {
	const head = `{"id":"cmpl-b153","object":"text_completion","created":1795447086,"model":"tiny","choices":[`
	var events []string
	for i := 1; i <= c.MaxTokens; i++ {
		text, finish := " w1716", "null"
		if i+1 < c.MaxTokens && i%31 == 0 {
			text += text
			i++
		}
		if i == c.MaxTokens {
			finish = `"length"`
		}
		events = append(events, head+fmt.Sprintf(`{"index":0,"text":%q,"logprobs":null,"finish_reason":%s,"stop_reason":null}]}`, text, finish))
	}
	if c.StreamOptions.IncludeUsage {
		events = append(events, head+fmt.Sprintf(`],"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d},"system_fingerprint":"vllm-0.32.0-534efbd0"}`,
			len(c.Prompt), len(c.Prompt)+c.MaxTokens, c.MaxTokens))
	}
	return append(events, "[DONE]")
}

// fakeLlama is llama-server as b11434 was seen: it refuses what that refuses, with
// its lines and exit status 1, or dies by argparse or of a port in use.
func fakeLlama(args []string) int {
	if slices.Equal(args, []string{"--version"}) {
		fmt.Println(cmp.Or(os.Getenv("FAKE_VERSION"), "0.6.0-dev (build 0, commit unknown)"))
		return 0
	}
	if slices.Equal(args, []string{"--help"}) {
		return fakeHelp("llamacpp")
	}
	launched("llama-server", args)
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "LLAMA_ARG_") {
			logf("error: invalid argument: %s came through the environment", kv)
			return 1
		}
	}
	if line := llamaRefusal(args); line != "" {
		logf("%s", line)
		return 1
	}
	born := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		if time.Since(born) < 20*time.Millisecond { // it binds before the model is loaded
			http.Error(w, `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"status":"ok"}`)
	})
	slots := flagOf(args, "--parallel")
	if slots == "" {
		slots = "4"
	}
	answer(mux, "/props", fmt.Sprintf(`{"total_slots":%s,"model_path":%q,"build_info":"b0-unknown","default_generation_settings":{"n_ctx":8192}}`, slots, flagOf(args, "--model")))
	answer(mux, "/v1/models", `{"object":"list","data":[{"id":"m29-q8_0.gguf","object":"model","meta":{"n_ctx_train":8192}}]}`)
	var made atomic.Int64
	if slices.Contains(args, "--metrics") {
		mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "# TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total %d\n# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 0\n", made.Load())
		})
	}
	n, err := strconv.Atoi(slots)
	if err != nil {
		logf(`error while handling argument "--parallel": stoi`)
		return 1
	}
	busy := make(chan struct{}, n)
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		c, ok := readCompletion(w, r)
		if !ok {
			return
		}
		select {
		case busy <- struct{}{}: // a request has a slot to itself
		case <-r.Context().Done():
			return
		}
		defer func() { <-busy }()
		made.Add(int64(c.MaxTokens))
		stream(w, r, llamaEvents(c))
	})
	logf("main: server is listening on http://127.0.0.1:%s", flagOf(args, "--port"))
	return serveUntilTerm(args, mux, death(args) == "deaf", "srv    operator(): cleaning up before exit...")
}

// llamaRefusal is the line with which llama-server ends before it serves.
func llamaRefusal(args []string) string {
	slots, _ := strconv.Atoi(flagOf(args, "--parallel"))
	switch {
	case death(args) == "argparse":
		return "error: invalid argument: --no-ui"
	case death(args) == "port":
		return fmt.Sprintf("E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: %s\nsrv    llama_server: exiting due to HTTP server error", flagOf(args, "--port"))
	case slots > 256:
		return "E llama_init_from_model: failed to initialize the context: n_seq_max must be <= 256\nE srv    load_model: failed to load model\nmain: exiting due to model loading error"
	case flagOf(args, "--cache-type-v") == "q8_0" && flagOf(args, "--flash-attn") == "off":
		return "E llama_init_from_model: quantized V cache requires flash_attn to be enabled\nmain: exiting due to model loading error"
	}
	return ""
}

// llamaEvents are the chunks of one answer. A token that ends within a character
// makes no chunk at all; the last event carries usage and timings.
func llamaEvents(c completion) []string {
	const tail = `"created":1795445785,"model":"m29-q8_0.gguf","system_fingerprint":"b0-unknown","object":"text_completion"`
	var events []string
	for i := range c.MaxTokens {
		if i%7 == 5 {
			continue
		}
		events = append(events, `{"choices":[{"text":"ndu","index":0,"logprobs":null,"finish_reason":null}],`+tail+`,"id":"chatcmpl-klLG"}`)
	}
	cached := 0
	if c.CachePrompt == nil || *c.CachePrompt {
		cached = len(c.Prompt) - 1
	}
	events = append(events, `{"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"length"}],`+tail+
		fmt.Sprintf(`,"usage":{"completion_tokens":%d,"prompt_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d}},"id":"chatcmpl-klLG","timings":{"cache_n":%d,"prompt_n":%d,"prompt_ms":85.83,"predicted_n":%d,"predicted_ms":51.941}}`,
			c.MaxTokens, len(c.Prompt), len(c.Prompt)+c.MaxTokens, cached, cached, len(c.Prompt)-cached, c.MaxTokens))
	return append(events, "[DONE]")
}
