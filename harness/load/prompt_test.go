package load

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPromptsAreUniqueFromTheFirstToken(t *testing.T) {
	w := Workload{InputTokens: 32, OutputTokens: 4, Seed: 9}
	seen := map[int32]bool{}
	for run := range uint64(saltRuns) {
		for _, p := range w.Prompts(run, 30000/saltRuns) {
			if seen[p.TokenIDs[0]] {
				t.Fatalf("run %d: first token %d was used before", run, p.TokenIDs[0])
			}
			seen[p.TokenIDs[0]] = true
		}
	}
}

func TestTextPromptsAreUnique(t *testing.T) {
	if sorted := slices.Sorted(slices.Values(words)); len(slices.Compact(sorted)) != len(words) {
		t.Error("a word is there twice")
	}
	w := Workload{InputTokens: 12, OutputTokens: 4, Seed: 9, Text: true}
	seen := map[string]bool{}
	for run := range uint64(20) {
		for _, p := range w.Prompts(run, 200) {
			f := strings.Fields(p.Text)
			if len(f) != 12 || p.TokenIDs != nil {
				t.Fatalf("%q: want 12 words and no ids", p.Text)
			}
			start := strings.Join(f[:4], " ")
			if seen[start] {
				t.Fatalf("run %d: %q began a prompt before", run, start)
			}
			seen[start] = true
		}
	}
}

func TestPromptsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.IntRange(0, 1000).Draw(t, "low")
		w := Workload{
			InputTokens:  rapid.IntRange(1, 50).Draw(t, "input"),
			OutputTokens: rapid.IntRange(1, 50).Draw(t, "output"),
			VocabLow:     low,
			VocabHigh:    low + rapid.IntRange(1, 500).Draw(t, "vocabulary"),
			Seed:         rapid.Uint64().Draw(t, "seed"),
			Text:         rapid.Bool().Draw(t, "text"),
		}
		run := rapid.Uint64().Draw(t, "run")
		n := rapid.IntRange(0, 20).Draw(t, "n")
		got := w.Prompts(run, n)
		if len(got) != n || !reflect.DeepEqual(got, w.Prompts(run, n)) || !reflect.DeepEqual(got, w.Prompts(run, n+3)[:n]) {
			t.Fatal("the same workload and run gave other prompts")
		}
		for _, p := range got {
			for _, id := range p.TokenIDs {
				if int(id) < w.VocabLow || int(id) >= w.VocabHigh {
					t.Fatalf("token %d is outside [%d, %d)", id, w.VocabLow, w.VocabHigh)
				}
			}
			if length := len(p.TokenIDs) + len(strings.Fields(p.Text)); length != w.InputTokens || p.OutputTokens != w.OutputTokens {
				t.Fatalf("%d in, %d out", length, p.OutputTokens)
			}
		}
	})
}

func TestWorkloadHash(t *testing.T) {
	w := Workload{InputTokens: 128, OutputTokens: 32}
	if got, want := w.Hash(), (Workload{InputTokens: 128, OutputTokens: 32, VocabLow: 1000, VocabHigh: 31000}).Hash(); got != want || len(got) != 16 {
		t.Errorf("%q and %q: the default vocabulary has another hash than the same one given", got, want)
	}
	seen := map[string]bool{w.Hash(): true}
	for _, v := range []Workload{{129, 32, 0, 0, 0, false}, {128, 33, 0, 0, 0, false}, {128, 32, 1, 9, 0, false}, {128, 32, 0, 0, 1, false}, {128, 32, 0, 0, 0, true}} {
		if seen[v.Hash()] {
			t.Errorf("%+v has the hash of another", v)
		}
		seen[v.Hash()] = true
	}
}

func TestWorkloadValidate(t *testing.T) {
	for _, w := range []Workload{{}, {InputTokens: 1}, {OutputTokens: 1}, {1, 1, 5, 5, 0, false}, {1, 1, 9, 5, 0, false}, {1, 1, -1, 5, 0, false}} {
		if w.Validate() == nil {
			t.Errorf("%+v is taken for valid", w)
		}
	}
}

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
