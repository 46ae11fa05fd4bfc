package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestEndpoints(t *testing.T) {
	p := start(t, "--model-path", "llama-3.1-8b", "--context-length", "500")
	ids := strings.TrimSuffix(strings.Repeat("7,", 600), ",")
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string // regexp on the body
	}{
		{"health", "GET", "/health", "", 200, `^$`},
		{"health with a generation", "GET", "/health_generate", "", 200, `^$`},
		{"models", "GET", "/v1/models", "", 200, `"id":"llama-3.1-8b".*"max_model_len":500`},
		{"model info", "GET", "/model_info", "", 200, `"is_generation":true.*"simulated":true`},
		{"old model info", "GET", "/get_model_info", "", 200, `"model_path":"llama-3.1-8b"`},
		{"server info", "GET", "/server_info", "", 200, `"simulated":true`},
		{"old server info", "GET", "/get_server_info", "", 200, `"version":"0.5.23-sim"`},
		{"flush", "POST", "/flush_cache", "", 200, `^Cache flushed`},
		{"metrics", "GET", "/metrics", "", 200, `sglang:num_running_reqs\{.*simulated="true"`},
		{"GPUs", "GET", "/simulated_gpus", "", 200, `^\[\{"energy_j":[0-9.]+,"memory_bytes":[0-9.e+]+,"power_w":70,"temperature_c":30,"throttle_reasons":0,"utilization":0\}\]$`},
		{"no such path", "GET", "/nothing", "", 404, `"Not Found"`},
		{"wrong method", "GET", "/generate", "", 405, `"Method Not Allowed"`},

		{"generate", "POST", "/generate", `{"input_ids":[1,2,3],"sampling_params":{"max_new_tokens":2,"ignore_eos":true}}`, 200, `^\{"text": " \w+ \w+", "output_ids": \[\d+, \d+\], "meta_info": \{.*"type": "length", "length": 2\}, "prompt_tokens": 3,.*"completion_tokens": 2, "cached_tokens": 0, "e2e_latency": 0\.\d+`},
		{"generate from text", "POST", "/generate", `{"text":"eight by","sampling_params":{"max_new_tokens":1}}`, 200, `"prompt_tokens": 3,`},
		{"a list of one", "POST", "/generate", `{"input_ids":[[1,2,3]],"sampling_params":{"max_new_tokens":1}}`, 200, `"prompt_tokens": 3,`},
		{"a list of two", "POST", "/generate", `{"input_ids":[[1],[2]]}`, 400, `"error":.*one prompt`},
		{"no prompt", "POST", "/generate", `{"sampling_params":{}}`, 400, `Either text, input_ids`},
		{"two prompts", "POST", "/generate", `{"text":"a","input_ids":[1]}`, 400, `Either text, input_ids`},
		{"empty prompt", "POST", "/generate", `{"input_ids":[]}`, 400, `should not be empty`},
		{"no JSON", "POST", "/generate", `{`, 400, `"error":\{"message":`},
		{"unknown token", "POST", "/generate", `{"input_ids":[1,128256]}`, 400, `128256, which is not in the vocabulary`},
		{"negative token", "POST", "/generate", `{"input_ids":[-1]}`, 400, `not in the vocabulary`},
		{"too long", "POST", "/generate", `{"input_ids":[` + ids + `]}`, 400, `longer than the model's context length \(500 tokens\)`},
		{"too long together", "POST", "/generate", `{"input_ids":[1,2],"sampling_params":{"max_new_tokens":499}}`, 400, `total of 501 tokens: 2 tokens from the input messages and 499`},
		{"too long, streamed", "POST", "/generate", `{"input_ids":[` + ids + `],"stream":true}`, 200, `^data: \{"error": \{"message": "The input .*\n\ndata: \[DONE\]\n\n$`},
		{"bad temperature", "POST", "/generate", `{"input_ids":[1],"sampling_params":{"temperature":-1}}`, 400, `temperature must be non-negative`},
		{"negative length", "POST", "/generate", `{"input_ids":[1],"sampling_params":{"max_new_tokens":-3}}`, 400, `max_new_tokens must be at least 0`},
		{"several answers", "POST", "/generate", `{"input_ids":[1],"sampling_params":{"n":2}}`, 400, `n must be 1`},

		{"completion", "POST", "/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":2,"ignore_eos":true}`, 200, `^\{"id":"cmpl-\w+","object":"text_completion".*"model":"m","choices":\[\{"index":0,"text":" \w+ \w+","logprobs":null,"finish_reason":"length","matched_stop":null\}\],"usage":\{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2,`},
		{"completion, default length", "POST", "/v1/completions", `{"prompt":"hello","ignore_eos":true}`, 200, `"completion_tokens":16,`},
		{"completion, no prompt", "POST", "/v1/completions", `{}`, 400, `"code":400.*"object":"error"`},
		{"completion, null prompt", "POST", "/v1/completions", `{"prompt":null}`, 400, `must be a text or a list`},
		{"completion, nested too deep", "POST", "/v1/completions", `{"prompt":[[[1]]]}`, 400, `must be a text or a list`},
		{"completion of nothing", "POST", "/v1/completions", `{"prompt":[],"max_tokens":1}`, 400, `should not be empty`},
		{"completion of no tokens", "POST", "/v1/completions", `{"prompt":"a","max_tokens":0}`, 400, `max_tokens must be positive`},
		{"chat", "POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"hello"}],"max_completion_tokens":2,"ignore_eos":true}`, 200, `"object":"chat.completion".*"message":\{"role":"assistant","content":" \w+ \w+"`},
		{"chat in parts", "POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}],"max_tokens":1}`, 200, `"completion_tokens":1,`},
		{"chat with an image", "POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, `image_url`},
		{"chat without messages", "POST", "/v1/chat/completions", `{"messages":[]}`, 400, `must not be empty`},
		{"a name to be quoted", "POST", "/v1/completions", `{"model":"a\"\u0001b","prompt":"a","max_tokens":1}`, 200, `"model":"a\\"\\u0001b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := p.do(t, tt.method, tt.path, tt.body)
			if status != tt.status || !regexp.MustCompile(`(?s)`+tt.want).MatchString(body) {
				t.Errorf("%d %s, want %d %s", status, body, tt.status, tt.want)
			}
			if strings.HasPrefix(body, "{") && !json.Valid([]byte(body)) {
				t.Errorf("not JSON: %s", body)
			}
		})
	}
	if status := p.stop(); status != 0 {
		t.Errorf("exit status %d after it was told to end, want 0", status)
	}
}

// events returns the data of each server-sent event of a body.
func events(t *testing.T, body string) []string {
	t.Helper()
	var data []string
	for _, block := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		text, ok := strings.CutPrefix(block, "data: ")
		if !ok {
			t.Fatalf("not an event: %q", block)
		}
		data = append(data, text)
	}
	if last := data[len(data)-1]; last != "[DONE]" {
		t.Fatalf("the stream ends with %q", last)
	}
	return data[:len(data)-1]
}

func TestNativeStream(t *testing.T) {
	for _, incremental := range []bool{false, true} {
		var args []string
		if incremental {
			args = []string{"--incremental-streaming-output"}
		}
		p := start(t, args...)
		_, whole := p.do(t, "POST", "/generate", `{"input_ids":[5,6,7],"sampling_params":{"max_new_tokens":5,"ignore_eos":true,"temperature":0}}`)
		_, body := p.do(t, "POST", "/generate", `{"input_ids":[5,6,7],"stream":true,"sampling_params":{"max_new_tokens":5,"ignore_eos":true,"temperature":0}}`)
		type state struct {
			Text      string `json:"text"`
			OutputIDs []int  `json:"output_ids"`
			Meta      struct {
				Completion int `json:"completion_tokens"`
				Finish     *struct{ Type string }
			} `json:"meta_info"`
		}
		var want state
		if err := json.Unmarshal([]byte(whole), &want); err != nil {
			t.Fatal(err)
		}
		text, ids := "", 0
		list := events(t, body)
		if len(list) != 5 {
			t.Fatalf("%d events for 5 tokens", len(list))
		}
		for i, e := range list {
			var s state
			if err := json.Unmarshal([]byte(e), &s); err != nil {
				t.Fatal(err)
			}
			if !incremental {
				text, ids = "", 0
			}
			text += s.Text
			ids += len(s.OutputIDs)
			if s.Meta.Completion != i+1 || ids != i+1 {
				t.Errorf("event %d has %d ids and says %d", i, ids, s.Meta.Completion)
			}
		}
		if text != want.Text {
			t.Errorf("streamed %q, at once %q", text, want.Text)
		}
	}
}

func TestOpenAIStreams(t *testing.T) {
	p := start(t, "--enable-cache-report")
	_, body := p.do(t, "POST", "/v1/completions", `{"prompt":[1,2,3],"max_tokens":3,"ignore_eos":true,"stream":true}`)
	if list := events(t, body); len(list) != 3 || !strings.Contains(list[2], `"finish_reason":"length"`) || strings.Contains(body, "prompt_tokens") {
		t.Errorf("without usage: %q", list)
	}
	_, body = p.do(t, "POST", "/v1/completions", `{"prompt":[1,2,3],"max_tokens":3,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`)
	list := events(t, body)
	if len(list) != 4 || !strings.Contains(list[0], `"completion_tokens":1,`) || !strings.Contains(list[1], `"completion_tokens":2,`) ||
		!regexp.MustCompile(`"choices":\[\],"usage":\{"prompt_tokens":3,"total_tokens":6,"completion_tokens":3,"prompt_tokens_details":\{"cached_tokens":2\}\}`).MatchString(list[3]) {
		t.Errorf("with usage: %q", list)
	}
	_, body = p.do(t, "POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"hi"}],"max_tokens":2,"ignore_eos":true,"stream":true}`)
	list = events(t, body)
	if len(list) != 3 || !strings.Contains(list[0], `"delta":{"role":"assistant","content":""`) || !strings.Contains(list[2], `"finish_reason":"length"`) {
		t.Errorf("chat: %q", list)
	}
	for _, e := range list {
		if !json.Valid([]byte(e)) {
			t.Errorf("not JSON: %s", e)
		}
	}
}

// Each token is sent when it is there: the client reads the first while the last is not computed.
func TestTokensAreSentAtOnce(t *testing.T) {
	p := start(t, "--sim-fail", "slow:20")
	resp, err := http.Post(p.url+"/generate", "application/json", strings.NewReader(`{"input_ids":[1],"stream":true,"sampling_params":{"max_new_tokens":1000,"ignore_eos":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil || !strings.Contains(line, `"completion_tokens": 1,`) {
		t.Errorf("first line %q, %v", line, err)
	}
	resp.Body.Close() // the client goes away: the request is given up, and the cache can be flushed
	if status, _ := p.do(t, "POST", "/flush_cache?timeout=20", ""); status != 200 {
		t.Errorf("flush after the client has gone: %d", status)
	}
}

func TestFlushRefusesWhenBusy(t *testing.T) {
	p := start(t, "--sim-fail", "slow:20")
	resp, err := http.Post(p.url+"/generate", "application/json", strings.NewReader(`{"input_ids":[1],"stream":true,"sampling_params":{"max_new_tokens":1000,"ignore_eos":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	bufio.NewReader(resp.Body).ReadString('\n')
	if status, _ := p.do(t, "POST", "/flush_cache", ""); status != 400 {
		t.Errorf("flush of a busy server: %d, want 400", status)
	}
}

func TestMetricsCount(t *testing.T) {
	p := start(t)
	for range 2 {
		p.do(t, "POST", "/generate", `{"input_ids":[1,2,3],"sampling_params":{"max_new_tokens":4,"ignore_eos":true}}`)
	}
	_, body := p.do(t, "GET", "/metrics", "")
	for name, want := range map[string]string{"num_requests_total": "2", "prompt_tokens_total": "6", "generation_tokens_total": "8", "cached_tokens_total": "2",
		"time_to_first_token_seconds_count": "2", "num_running_reqs": "0", "num_queue_reqs": "0"} {
		if !regexp.MustCompile(`(?m)^sglang:` + name + `\{[^}]*\} ` + want + `$`).MatchString(body) {
			t.Errorf("no %s of %s in\n%s", name, want, body)
		}
	}
}

// Nothing runs on after Main has returned, however it ended.
func TestNothingIsLeft(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{}}
	before := runtime.NumGoroutine()
	for _, args := range [][]string{nil, {"--sim-fail", "crash"}, {"--sim-fail", "hang"}} {
		p := start(t, args...)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		req, _ := http.NewRequestWithContext(ctx, "POST", p.url+"/generate", strings.NewReader(`{"input_ids":[1],"stream":true}`))
		if resp, err := client.Do(req); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		cancel()
		p.stop()
		client.CloseIdleConnections()
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}

func TestModelDirectory(t *testing.T) {
	dir := t.TempDir()
	config := `{"num_hidden_layers":4,"hidden_size":256,"intermediate_size":1024,"num_attention_heads":8,"num_key_value_heads":4,"vocab_size":4096,"max_position_embeddings":8192,"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16"}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--model-path", dir)
	if _, body := p.do(t, "GET", "/v1/models", ""); !strings.Contains(body, `"max_model_len":8192`) {
		t.Errorf("models: %s", body)
	}
}

func TestUnreadableModels(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"no JSON":          {`{`, "config.json"},
		"nothing in it":    {`{}`, "must be positive"},
		"latent attention": {`{"num_hidden_layers":4,"kv_lora_rank":512}`, "not modelled"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(tt.config), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Facts("H100", dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// While it loads, the server says so.
func TestNotReady(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none")
	h := newServer(s, options{}, newClock(newMachine(s, noNoise, faults{slow: 1}), nil))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("health while loading: %d", w.Code)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	var log bytes.Buffer
	status := Main(context.Background(), []string{"--port", port, "--sim-startup-s", "0"}, io.Discard, &log)
	if status != 1 || !strings.Contains(log.String(), "address already in use") {
		t.Errorf("exit status %d, log:\n%s", status, &log)
	}
}
