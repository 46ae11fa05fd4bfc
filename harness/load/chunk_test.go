package load

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	none := chunk{kind: KindUsage, ids: -1, output: -1, prompt: -1, cached: -1}
	with := func(change func(*chunk)) chunk {
		c := none
		change(&c)
		return c
	}
	for _, tt := range []struct {
		name, in string
		want     chunk
	}{
		{"done", "[DONE]", with(func(c *chunk) { c.kind = KindDone })},
		{"nothing said", `{}`, none},
		{"text", `{"choices":[{"text":"a"}]}`, with(func(c *chunk) { c.kind = KindContent })},
		{"text with quotes and backslashes", `{"choices":[{"text":"\\\"}]","finish_reason":"length"}]}`, with(func(c *chunk) { c.kind = KindContent; c.finish = "length" })},
		{"empty text", `{"choices":[{"text":"","finish_reason":null}]}`, with(func(c *chunk) { c.kind = KindEmpty })},
		{"role", `{"choices":[{"delta":{"role":"assistant","content":""}}]}`, with(func(c *chunk) { c.kind = KindRole })},
		{"content null", `{"choices":[{"delta":{"role":"assistant","content":null}}]}`, with(func(c *chunk) { c.kind = KindRole })},
		{"content", `{"choices":[{"delta":{"content":"a"}}]}`, with(func(c *chunk) { c.kind = KindContent })},
		{"reasoning", `{"choices":[{"delta":{"reasoning_content":"a","content":null}}]}`, with(func(c *chunk) { c.kind = KindReasoning })},
		{"vLLM's reasoning", `{"choices":[{"delta":{"reasoning":"a"}}]}`, with(func(c *chunk) { c.kind = KindReasoning })},
		{"tool call", `{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}}]}`, with(func(c *chunk) { c.kind = KindTool })},
		{"no tool call", `{"choices":[{"delta":{"tool_calls":[],"content":null}}]}`, with(func(c *chunk) { c.kind = KindEmpty })},
		{"null tool calls and usage", `{"choices":[{"delta":{"tool_calls":null}}],"usage":null,"error":null}`, with(func(c *chunk) { c.kind = KindEmpty })},
		{"usage only", `{"choices":[],"usage":{"prompt_tokens":4,"total_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"audio_tokens":1,"cached_tokens":2}}}`,
			with(func(c *chunk) { c.prompt, c.output, c.cached = 4, 3, 2 })},
		{"details null", `{"usage":{"completion_tokens":3,"prompt_tokens_details":null}}`, with(func(c *chunk) { c.output = 3 })},
		{"generate", `{"text":" a b","output_ids":[1,2],"meta_info":{"id":"x","finish_reason":null,"prompt_tokens":9,"completion_tokens":2,"cached_tokens":8,"e2e_latency":0.1}}`,
			with(func(c *chunk) { c.kind = KindContent; c.prompt, c.output, c.cached = 9, 2, 8 })},
		{"generate, last", `{"text":"a","meta_info":{"finish_reason":{"type":"length","length":2},"completion_tokens":2}}`,
			with(func(c *chunk) { c.kind = KindContent; c.output, c.finish = 2, "length" })},
		{"generate, aborted", `{"text":"","meta_info":{"finish_reason":{"type":"abort","message":"full","status_code":503},"completion_tokens":0}}`,
			with(func(c *chunk) {
				c.kind = KindError
				c.output, c.finish, c.failure = 0, "abort", "request aborted: full"
			})},
		{"completion", `{"index":0,"content":"nme","tokens":[3494],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":3}`,
			with(func(c *chunk) { c.kind = KindContent; c.output, c.prompt = 1, 3 })},
		{"completion, progress", `{"content":"","stop":false,"tokens_predicted":0,"prompt_progress":{"total":9,"processed":4}}`, with(func(c *chunk) { c.kind = KindEmpty; c.output = 0 })},
		{"completion, stop word", `{"content":"","stop":true,"stop_type":"word","stopping_word":"x"}`, with(func(c *chunk) { c.kind = KindFinish; c.finish = "stop" })},
		{"completion, no stop type", `{"content":"","stop":true}`, with(func(c *chunk) { c.kind = KindFinish; c.finish = "stop" })},
		{"timings only", `{"timings":{"cache_n":3,"prompt_n":4,"predicted_n":5}}`, with(func(c *chunk) { c.prompt, c.output, c.cached = 7, 5, 3 })},
		{"error", `{"error":{"message":"no \u00e9","type":"x"}}`, with(func(c *chunk) { c.kind = KindError; c.failure = "no \u00e9" })},
		{"error without a message", `{"error":{"code":500}}`, with(func(c *chunk) { c.kind = KindError; c.failure = `{"code":500}` })},
		{"error as a number", `{"error":7}`, with(func(c *chunk) { c.kind = KindError; c.failure = "7" })},
		{"empty error", `{"error":""}`, with(func(c *chunk) { c.kind = KindError; c.failure = "error" })},
		{"second choice", `{"choices":[{"text":""},{"text":"b","finish_reason":"stop"}]}`, with(func(c *chunk) { c.kind = KindEmpty })},
		{"unusual kinds", `{"choices":{"text":"a"},"usage":[1],"meta_info":3,"timings":"x","tokens_predicted":"7","stop":"no"}`, with(func(c *chunk) { c.kind = KindEmpty })},
		{"count as a float", `{"usage":{"completion_tokens":3.0,"prompt_tokens":1e1}}`, with(func(c *chunk) { c.output, c.prompt = 3, 10 })},
		{"blanks", " { \"choices\" : [ { \"text\" : \"a\" } ] } \n", with(func(c *chunk) { c.kind = KindContent })},
	} {
		got, ok := parse([]byte(tt.in))
		got.text = nil // see TestParseText
		if !ok {
			t.Errorf("%s: refused", tt.name)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(chunk{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
	for _, in := range []string{"", "x", "[", "[]", "7", `"a"`, "{", `{"a"`, `{"a":`, `{"a":}`, `{"choices":[{"text":"a"}`, `{"choices":[{"text":"a`, `{} x`, `{"a":1,}`, `{,}`, "[DONE] "} {
		if _, ok := parse([]byte(in)); ok {
			t.Errorf("%q was taken for an event", in)
		}
	}
}

// The visible text is given as it is written; reasoning and arguments are not part of it.
func TestParseText(t *testing.T) {
	for in, want := range map[string]string{
		`{"choices":[{"text":"a\n"}]}`:                                     `a\n`,
		`{"choices":[{"delta":{"content":"b","reasoning_content":"no"}}]}`: "b",
		`{"choices":[{"delta":{"refusal":"c"}}]}`:                          "c",
		`{"choices":[{"delta":{"tool_calls":[{"a":1}]}}]}`:                 "",
		`{"text":"d","meta_info":{}}`:                                      "d",
		`{"content":"e","stop":false}`:                                     "e",
	} {
		if c, ok := parse([]byte(in)); !ok || string(c.text) != want {
			t.Errorf("%s: %q, want %q", in, c.text, want)
		}
	}
}

// slowParse is parse by the full decoder, for the fields of the OpenAI formats.
func slowParse(v map[string]any) chunk {
	c := chunk{kind: KindUsage, ids: -1, output: -1, prompt: -1, cached: -1}
	object := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
	full := func(v any) bool { s, _ := v.(string); return s != "" }
	number := func(v any, into *int) {
		if f, ok := v.(float64); ok && f >= 0 && f <= 1<<40 {
			*into = int(f)
		}
	}
	if list, _ := v["choices"].([]any); len(list) > 0 {
		choice := object(list[0])
		delta := object(choice["delta"])
		calls, _ := delta["tool_calls"].([]any)
		c.finish, _ = choice["finish_reason"].(string)
		if ids, ok := choice["token_ids"].([]any); ok {
			c.ids = len(ids)
		}
		c.kind = KindEmpty
		if _, ok := list[0].(map[string]any); !ok {
			c.kind = KindUsage
		}
		switch {
		case full(choice["text"]) || full(delta["content"]) || full(delta["refusal"]):
			c.kind = KindContent
		case len(calls) > 0:
			c.kind = KindTool
		case full(delta["reasoning_content"]) || full(delta["reasoning"]):
			c.kind = KindReasoning
		case c.finish != "":
			c.kind = KindFinish
		case full(delta["role"]):
			c.kind = KindRole
		}
	}
	usage := object(v["usage"])
	number(usage["completion_tokens"], &c.output)
	number(usage["prompt_tokens"], &c.prompt)
	number(object(usage["prompt_tokens_details"])["cached_tokens"], &c.cached)
	return c
}

// Whatever comes, parse ends; what is JSON it reads as the full decoder does.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"choices":[{"text":"a\"","finish_reason":"length"}],"usage":{"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}`,
		`{"choices":[{"delta":{"content":"a","tool_calls":[{}]}}]}`, `{"error":{"message":"x"}}`, `{"a":[1,{"b":null}],"c":-1.5e3}`,
		`{"text":"x","meta_info":{"finish_reason":{"type":"stop"}}}`, `[DONE]`, `{"choices":[{"text":"\\"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		parse(in)
		var v map[string]any
		if json.Unmarshal(in, &v) != nil || v == nil {
			return
		}
		for _, k := range []string{"text", "content", "meta_info", "timings", "stop", "stop_type", "tokens_predicted", "tokens_evaluated", "error", "object", "message"} {
			delete(v, k) // not OpenAI's
		}
		again, err := json.Marshal(v) // without double keys, where decoders differ
		if err != nil {
			t.Fatal(err)
		}
		got, ok := parse(again)
		got.text = nil
		if want := slowParse(v); !ok || !cmp.Equal(got, want, cmp.AllowUnexported(chunk{})) {
			t.Errorf("%s: %+v %v, want %+v", again, got, ok, want)
		}
	})
}
