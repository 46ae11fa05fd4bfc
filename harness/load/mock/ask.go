package mock

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// An API is a wire format of token streams.
type API string

const (
	Completions API = "completions" // OpenAI's /v1/completions
	Chat        API = "chat"        // OpenAI's /v1/chat/completions
	Generate    API = "generate"    // SGLang's /generate
	Completion  API = "completion"  // llama.cpp's /completion
)

var apis = map[string]API{
	"/v1/completions":      Completions,
	"/v1/chat/completions": Chat,
	"/generate":            Generate,
	"/completion":          Completion,
}

// An ask is what a request for tokens wants.
type ask struct {
	api             API
	prompt          int // input tokens: ids, or words of a text
	n               int // tokens to make
	stream          bool
	usage           bool // OpenAI: an event with the usage at the end
	continuousUsage bool // OpenAI: usage in every event
}

// defaultTokens is what a request that asks for no number gets, as OpenAI's
// completions do.
const defaultTokens = 16

// maxTokens bounds one answer.
const maxTokens = 1 << 20

func readAsk(api API, body []byte) (ask, error) {
	var in struct {
		Prompt        json.RawMessage `json:"prompt"`
		Messages      json.RawMessage `json:"messages"`
		Text          json.RawMessage `json:"text"`
		InputIDs      json.RawMessage `json:"input_ids"`
		MaxTokens     *int            `json:"max_tokens"`
		MaxCompletion *int            `json:"max_completion_tokens"`
		NPredict      *int            `json:"n_predict"`
		Sampling      struct {
			MaxNewTokens *int `json:"max_new_tokens"`
		} `json:"sampling_params"`
		Stream        bool `json:"stream"`
		StreamOptions struct {
			IncludeUsage         bool `json:"include_usage"`
			ContinuousUsageStats bool `json:"continuous_usage_stats"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return ask{}, fmt.Errorf("request body: %w", err)
	}
	a := ask{api: api, n: defaultTokens, stream: in.Stream}
	for _, n := range []*int{in.MaxTokens, in.MaxCompletion, in.NPredict, in.Sampling.MaxNewTokens} {
		if n != nil {
			a.n = *n
		}
	}
	if a.n < 1 || a.n > maxTokens {
		return ask{}, fmt.Errorf("%d tokens asked for: must be 1 to %d", a.n, maxTokens)
	}
	for _, p := range []json.RawMessage{in.Prompt, in.Messages, in.Text, in.InputIDs} {
		a.prompt += countTokens(p)
	}
	a.usage, a.continuousUsage = in.StreamOptions.IncludeUsage, in.StreamOptions.ContinuousUsageStats
	return a, nil
}

// countTokens is a number near enough: the elements of a list of ids, or the words of
// whatever else the JSON holds.
func countTokens(raw json.RawMessage) int {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return 0
	case raw[0] == '[' && !bytes.ContainsAny(raw, `"`):
		return bytes.Count(raw, []byte{','}) + 1
	}
	return len(bytes.Fields(raw))
}
