package load

import (
	"slices"
	"testing"
)

// Streams that real servers sent (llama.cpp's server and vLLM 0.32.0, November
// 2026), and the forms of SGLang 0.5's source; one read an event, at 10, 20, ... ns.
var recorded = []struct {
	name                   string
	requested              int
	events                 []string
	prompt, output, cached int
	chunkNS                []int64
	chunkTokens            []int32
	class                  string
}{
	{
		name: "llama.cpp, /v1/completions: usage and timings on the last chunk, which brings no token", requested: 4,
		events: []string{
			`{"choices":[{"text":"ndu","index":0,"logprobs":null,"finish_reason":null}],"created":1795445785,"model":"m29-q8_0.gguf","system_fingerprint":"b0-unknown","object":"text_completion","id":"chatcmpl-klLG"}`,
			`{"choices":[{"text":" t","index":0,"logprobs":null,"finish_reason":null}],"created":1795445785,"object":"text_completion","id":"chatcmpl-klLG"}`,
			`{"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"length"}],"created":1795445785,"usage":{"completion_tokens":4,"prompt_tokens":8,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0}},"id":"chatcmpl-klLG","timings":{"cache_n":0,"prompt_n":8,"prompt_ms":85.83,"predicted_n":4,"predicted_ms":51.941,"predicted_per_token_ms":17.313666666666666,"predicted_per_second":57.7578406268651}}`,
			`[DONE]`,
		},
		prompt: 8, output: 4, cached: 0, chunkNS: []int64{10, 20}, chunkTokens: []int32{0, 0},
	},
	{
		name: "llama.cpp, /completion: counts in each chunk, progress before the first, two tokens in the last", requested: 3,
		events: []string{
			`{"index":0,"content":"","tokens":[],"stop":false,"id_slot":-1,"tokens_predicted":0,"tokens_evaluated":3,"prompt_progress":{"total":3,"cache":0,"processed":2,"time_ms":4}}`,
			`{"index":0,"content":"nme","tokens":[3494],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":3}`,
			`{"index":0,"content":" \u00e9","tokens":[12],"stop":false,"id_slot":-1,"tokens_predicted":3,"tokens_evaluated":3}`,
			`{"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"m","tokens_predicted":3,"tokens_evaluated":3,"stop_type":"limit","tokens_cached":5,"timings":{"cache_n":2,"prompt_n":1,"predicted_n":3}}`,
		},
		prompt: 3, output: 3, cached: 2, chunkNS: []int64{20, 30}, chunkTokens: []int32{1, 2},
	},
	{
		name: "vLLM, /v1/completions: the finish reason on the last text, the usage alone, and 31 chunks may hold 32 tokens", requested: 3,
		events: []string{
			`{"id":"cmpl-b153","object":"text_completion","created":1795447086,"model":"tiny","choices":[{"index":0,"text":" w1716","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":[1,300,301,302],"token_ids":[1716]}]}`,
			`{"id":"cmpl-b153","object":"text_completion","created":1795447086,"model":"tiny","choices":[{"index":0,"text":" w1716 w12","logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":[1716,12]}]}`,
			`{"id":"cmpl-b153","object":"text_completion","created":1795447086,"model":"tiny","choices":[],"usage":{"prompt_tokens":4,"total_tokens":7,"completion_tokens":3},"system_fingerprint":"vllm-0.32.0-534efbd0"}`,
			`[DONE]`,
		},
		prompt: 4, output: 3, cached: -1, chunkNS: []int64{10, 20}, chunkTokens: []int32{1, 2},
	},
	{
		name: "vLLM, chat with continuous usage: the role comes first, with no token", requested: 2,
		events: []string{
			`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":4,"total_tokens":4,"completion_tokens":0}}`,
			`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":4,"total_tokens":5,"completion_tokens":1}}`,
			`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"length"}],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2}}`,
			`{"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":4,"total_tokens":6,"completion_tokens":2}}`,
			`[DONE]`,
		},
		prompt: 4, output: 2, cached: -1, chunkNS: []int64{20, 30}, chunkTokens: []int32{1, 1},
	},
	{
		name: "SGLang, /generate: cumulative text, an empty first event, three tokens in one", requested: 5,
		events: []string{
			`{"text":"","output_ids":[],"meta_info":{"id":"a","finish_reason":null,"prompt_tokens":16,"completion_tokens":0,"cached_tokens":1}}`,
			`{"text":" a","output_ids":[5],"meta_info":{"id":"a","finish_reason":null,"prompt_tokens":16,"completion_tokens":1,"cached_tokens":1}}`,
			`{"text":" a b c d","output_ids":[5,6,7,8],"meta_info":{"id":"a","finish_reason":null,"prompt_tokens":16,"completion_tokens":4,"cached_tokens":1}}`,
			`{"text":" a b c d e","output_ids":[5,6,7,8,9],"meta_info":{"id":"a","finish_reason":{"type":"length","length":5},"prompt_tokens":16,"completion_tokens":5,"cached_tokens":1,"e2e_latency":0.2}}`,
			`[DONE]`,
		},
		prompt: 16, output: 5, cached: 1, chunkNS: []int64{20, 30, 40}, chunkTokens: []int32{1, 3, 1},
	},
	{
		name: "a count that grows without text is a token: half a character is held back", requested: 2,
		events: []string{
			`{"text":"","meta_info":{"finish_reason":null,"prompt_tokens":1,"completion_tokens":1,"cached_tokens":0}}`,
			`{"text":"\u00e9","meta_info":{"finish_reason":{"type":"length","length":2},"prompt_tokens":1,"completion_tokens":2,"cached_tokens":0}}`,
		},
		prompt: 1, output: 2, cached: 0, chunkNS: []int64{10, 20}, chunkTokens: []int32{1, 1},
	},
	{
		name: "no text at all, and the usage says one token", requested: 1,
		events: []string{
			`{"choices":[{"text":"","finish_reason":"length"}]}`,
			`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}`,
			`[DONE]`,
		},
		prompt: 1, output: 1, cached: -1, chunkNS: []int64{20}, chunkTokens: []int32{1},
	},
	{
		name: "reasoning and a tool call are tokens", requested: 2,
		events: []string{
			`{"choices":[{"delta":{"role":"assistant","content":null,"reasoning_content":"hm"},"finish_reason":null}]}`,
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]},"finish_reason":"tool_calls"}]}`,
			`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
			`[DONE]`,
		},
		prompt: 1, output: 2, cached: -1, chunkNS: []int64{10, 20}, chunkTokens: []int32{0, 0},
	},
}

// Both stamps of a read are kept to 256 ns, never later than they were.
func TestStampsAreRounded(t *testing.T) {
	for _, ns := range []int64{0, 255, 256, 1_000_000_007} {
		at := stamp{ns: ns, user: ns + 300}.rounded()
		if at.ns%256 != 0 || at.user%256 != 0 || at.ns > ns || ns-at.ns > 255 || at.user > ns+300 || ns+300-at.user > 255 {
			t.Errorf("%d: %+v", ns, at)
		}
	}
}

func TestRecordedStreams(t *testing.T) {
	for _, tt := range recorded {
		t.Run(tt.name, func(t *testing.T) {
			rec := Record{RequestedTokens: tt.requested}
			rec.begin(0)
			p := newReply(&rec, &call{})
			for i, e := range tt.events {
				p.event([]byte(e), stamp{int64(i+1) * 10, 0})
			}
			p.judge(true, true)
			if rec.Class != tt.class {
				t.Fatalf("class %q: %s", rec.Class, rec.Error)
			}
			if rec.PromptTokens != tt.prompt || rec.OutputTokens != tt.output || rec.CachedTokens != tt.cached {
				t.Errorf("tokens %d + %d, cached %d; want %d + %d, %d", rec.PromptTokens, rec.OutputTokens, rec.CachedTokens, tt.prompt, tt.output, tt.cached)
			}
			if ns, tokens := rec.TokenChunks(); !slices.Equal(ns, tt.chunkNS) || !slices.Equal(tokens, tt.chunkTokens) {
				t.Errorf("chunks %v of %v tokens, want %v of %v", ns, tokens, tt.chunkNS, tt.chunkTokens)
			}
			if rec.FirstTokenNS != tt.chunkNS[0] || rec.LastTokenNS != tt.chunkNS[len(tt.chunkNS)-1] {
				t.Errorf("first token at %d, last at %d", rec.FirstTokenNS, rec.LastTokenNS)
			}
		})
	}
}

// The whole path, head to last event, in two reads split at every byte: always
// the same tokens, and never a token before its event is whole.
func TestRecordedStreamsAtEverySplit(t *testing.T) {
	for _, tt := range recorded {
		var wire []byte
		wire = append(wire, streamHead...)
		for i, e := range tt.events {
			end := []string{"\n\n", "\r\n\r\n"}[i%2]
			wire = append(wire, chunked(": comment"+end+"data:"+[]string{"", " "}[i%2]+e+end)...)
		}
		wire = append(wire, "0\r\n\r\n"...)
		for split := range len(wire) + 1 {
			rec := Record{RequestedTokens: tt.requested}
			rec.begin(0)
			s := answer{reply: newReply(&rec, &call{})}
			err1 := s.feed(wire[:split], stamp{ns: 1})
			before := len(rec.ChunkNS)
			err2 := s.feed(wire[split:], stamp{ns: 2})
			s.reply.judge(s.resp.end(), true)
			if err1 != nil || err2 != nil || rec.Class != tt.class || rec.OutputTokens != tt.output || !slices.Equal(tokensOf(&rec), tt.chunkTokens) {
				t.Fatalf("%s: split at %d: %v %v, class %q %s, chunks %v", tt.name, split, err1, err2, rec.Class, rec.Error, rec.ChunkTokens)
			}
			for k, ns := range rec.ChunkNS {
				if want := int64(1); k >= before {
					want = 2
					if ns != want {
						t.Fatalf("%s: split at %d: chunk %d stamped by read %d", tt.name, split, k, ns)
					}
				} else if ns != want {
					t.Fatalf("%s: split at %d: chunk %d stamped by read %d", tt.name, split, k, ns)
				}
			}
		}
	}
}

func tokensOf(rec *Record) []int32 {
	_, tokens := rec.TokenChunks()
	return tokens
}
