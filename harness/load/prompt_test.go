package load

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	ids := Prompt{TokenIDs: []int32{7, 8}, OutputTokens: 4}
	text := Prompt{Text: "hello", OutputTokens: 4}
	for _, tt := range []struct {
		name   string
		target Target
		prompt Prompt
		want   string // the request's bytes from its path on
		call   call   // but for wire
	}{
		{"completions", Target{API: Completions, Model: "m"}, ids,
			`{"ignore_eos":true,"max_tokens":4,"model":"m","prompt":[7,8],"stream":true,"stream_options":{"include_usage":true},"temperature":0}`, call{requested: 4, exact: true}},
		{"completions, text", Target{API: Completions}, text,
			`{"ignore_eos":true,"max_tokens":4,"prompt":"hello","stream":true,"stream_options":{"include_usage":true},"temperature":0}`, call{requested: 4, exact: true}},
		{"chat", Target{API: Chat}, text,
			`{"ignore_eos":true,"max_completion_tokens":4,"messages":[{"role":"user","content":"hello"}],"stream":true,"stream_options":{"include_usage":true},"temperature":0}`, call{requested: 4, exact: true}},
		{"generate", Target{API: Generate, Model: "m"}, ids,
			`{"input_ids":[7,8],"sampling_params":{"ignore_eos":true,"max_new_tokens":4,"temperature":0},"stream":true}`, call{requested: 4, exact: true}},
		{"generate, text", Target{API: Generate}, text,
			`{"sampling_params":{"ignore_eos":true,"max_new_tokens":4,"temperature":0},"stream":true,"text":"hello"}`, call{requested: 4, exact: true}},
		{"completion", Target{API: Completion}, ids,
			`{"ignore_eos":true,"n_predict":4,"prompt":[7,8],"stream":true,"temperature":0}`, call{requested: 4, exact: true}},
		{"extra is merged, replaces and removes", Target{API: Generate, ExtraBody: map[string]any{
			"sampling_params": map[string]any{"top_p": 0.5, "max_new_tokens": 9.0, "ignore_eos": nil}, "rid": "x"}}, ids,
			`{"input_ids":[7,8],"rid":"x","sampling_params":{"max_new_tokens":9,"temperature":0,"top_p":0.5},"stream":true}`, call{requested: 9, exact: false}},
		{"extra of stream options", Target{API: Completions, ExtraBody: map[string]any{"stream_options": map[string]any{"continuous_usage_stats": true}}}, text,
			`{"ignore_eos":true,"max_tokens":4,"prompt":"hello","stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true},"temperature":0}`, call{requested: 4, exact: true}},
	} {
		calls, err := tt.target.calls(endpoint{}, []Prompt{tt.prompt}, false)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, body, _ := strings.Cut(string(calls[0].wire), "\r\n\r\n")
		if body != tt.want || calls[0].requested != tt.call.requested || calls[0].exact != tt.call.exact {
			t.Errorf("%s: %s, %d exact %v\nwant %s, %d exact %v", tt.name, body, calls[0].requested, calls[0].exact, tt.want, tt.call.requested, tt.call.exact)
		}
	}
}

// ExtraBody is the caller's: a request must not change it for the next.
func TestExtraBodyIsNotChanged(t *testing.T) {
	extra := map[string]any{"new": map[string]any{"a": 1}, "sampling_params": map[string]any{"b": 2}}
	target := Target{API: Generate, ExtraBody: extra}
	if _, err := target.calls(endpoint{}, prompts(2, 3), false); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"new": map[string]any{"a": 1}, "sampling_params": map[string]any{"b": 2}}
	if !reflect.DeepEqual(extra, want) {
		t.Errorf("%v, want %v", extra, want)
	}
}

func TestEndpoint(t *testing.T) {
	for _, tt := range []struct{ url, addr, head string }{
		{"http://127.0.0.1:30000", "127.0.0.1:30000", "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:30000\r\n"},
		{"http://127.0.0.1:30000/v1/", "127.0.0.1:30000", "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:30000\r\n"},
		{"http://h/proxy/v1", "h:80", "POST /proxy/v1/completions HTTP/1.1\r\nHost: h\r\n"},
		{"https://h", "h:443", "POST /v1/completions HTTP/1.1\r\nHost: h\r\n"},
		{"http://[::1]:8", "[::1]:8", "POST /v1/completions HTTP/1.1\r\nHost: [::1]:8\r\n"},
	} {
		e, err := Target{URL: tt.url, API: Completions}.endpoint()
		if err != nil || e.addr != tt.addr || !strings.HasPrefix(string(e.head), tt.head) {
			t.Errorf("%s: %q %q %v", tt.url, e.addr, e.head, err)
		}
	}
	e, err := Target{URL: "http://h", API: Generate, Header: http.Header{"Authorization": {"Bearer x"}, "Host": {"other"}, "A": {"1", "2"}}}.endpoint()
	want := "POST /generate HTTP/1.1\r\nHost: other\r\nA: 1\r\nA: 2\r\nAuthorization: Bearer x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: "
	if err != nil || string(e.head) != want {
		t.Errorf("%q %v\nwant %q", e.head, err, want)
	}
}
