//go:build linux

package mock

import (
	"encoding/json"
	"strings"
	"testing"
)

// events splits a stream into the data of its events.
func eventsOf(t *testing.T, stream string) []string {
	t.Helper()
	var out []string
	for e := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(e, "data: ")
		if !ok || (data != "[DONE]" && !json.Valid([]byte(data))) {
			t.Fatalf("event %q: not the JSON of one data line", e)
		}
		out = append(out, data)
	}
	return out
}

func TestEvents(t *testing.T) {
	const stamp = `,"mock":{"request":3,"i":1,"t_write_ns":77}}`
	for _, tt := range []struct {
		name string
		a    answer
		want string // of event 1, tokens 2 and 3 of 3
	}{
		{"completions", answer{ask: ask{api: Completions}},
			`{"id":"cmpl-3","object":"text_completion","created":1700000000,"model":"mock","choices":[{"index":0,"text":" word word","logprobs":null,"finish_reason":"length"}]`},
		{"continuous usage", answer{ask: ask{api: Completions, continuousUsage: true}},
			`{"id":"cmpl-3","object":"text_completion","created":1700000000,"model":"mock","choices":[{"index":0,"text":" word word","logprobs":null,"finish_reason":"length"}]` +
				`,"usage":{"prompt_tokens":5,"total_tokens":8,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}`},
		{"chat", answer{ask: ask{api: Chat}},
			`{"id":"chatcmpl-3","object":"chat.completion.chunk","created":1700000000,"model":"mock","choices":[{"index":0,"delta":{"content":" word word"},"logprobs":null,"finish_reason":"length"}]`},
		{"generate", answer{ask: ask{api: Generate}},
			`{"text":" word word word","meta_info":{"id":"3","finish_reason":{"type":"length","length":3},"prompt_tokens":5,"completion_tokens":3,"cached_tokens":0}`},
		{"generate, incremental", answer{ask: ask{api: Generate}, incremental: true},
			`{"text":" word word","meta_info":{"id":"3","finish_reason":{"type":"length","length":3},"prompt_tokens":5,"completion_tokens":3,"cached_tokens":0}`},
		{"completion", answer{ask: ask{api: Completion}},
			`{"index":0,"content":" word word","tokens":[7],"stop":false,"id_slot":0,"tokens_predicted":3,"tokens_evaluated":5`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.a
			a.nth, a.n, a.prompt, a.usage = 3, 3, 5, true
			if got := eventsOf(t, string(a.appendEvent(nil, 1, 1, 3, 77)))[0]; got != tt.want+stamp {
				t.Errorf("event\n%s\nwant\n%s", got, tt.want+stamp)
			}
			if b := a.appendEvent(nil, 0, 0, 1, 77); strings.Contains(eventsOf(t, string(b))[0], `"length"`) {
				t.Errorf("an event before the last has a finish reason: %s", b)
			}
			tail := eventsOf(t, string(a.appendTail(nil, 78)))
			if a.api == Completion != (tail[len(tail)-1] != "[DONE]") {
				t.Errorf("tail %q: llama.cpp's own API has no [DONE], the others have", tail)
			}
			if a.api != Generate && !strings.Contains(tail[0], "predicted_n\":3") && !strings.Contains(tail[0], `"completion_tokens":3`) {
				t.Errorf("tail %q: without the usage", tail)
			}
			if b := a.appendWhole(nil); !json.Valid(b) || !strings.Contains(string(b), " word word word") {
				t.Errorf("the whole answer is %s", b)
			}
		})
	}
}

func TestReadAsk(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       ask
	}{
		{"ids", `{"prompt":[1, 2,3],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}`, ask{prompt: 3, n: 9, stream: true, usage: true}},
		{"text", `{"prompt":"a b c d"}`, ask{prompt: 4, n: defaultTokens}},
		{"chat", `{"messages":[{"role":"user","content":"a b"}],"max_tokens":1,"max_completion_tokens":5}`, ask{prompt: 2, n: 5}},
		{"generate", `{"input_ids":[4,5],"sampling_params":{"max_new_tokens":6}}`, ask{prompt: 2, n: 6}},
		{"llama.cpp", `{"prompt":[4],"n_predict":2,"stream_options":{"continuous_usage_stats":true}}`, ask{prompt: 1, n: 2, continuousUsage: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := readAsk("", []byte(tt.body)); err != nil || got != tt.want {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{``, `[]`, `{"max_tokens":0}`, `{"max_tokens":-1}`, `{"n_predict":1e9}`, `{"max_tokens":"many"}`} {
		if _, err := readAsk("", []byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	a := answer{ask: ask{api: Completions, n: 1 << 20}}
	var buf []byte
	for i := range b.N {
		buf = append(buf[:0], chunkHead...)
		buf = sealChunk(a.appendEvent(buf, i, i, i+1, 1790000000000000000), 0)
	}
	b.SetBytes(int64(len(buf)))
}
