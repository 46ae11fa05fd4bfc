package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A call is one request made ready: its bytes, and what the answer must be.
type call struct {
	wire      []byte
	requested int  // output tokens asked for, after ExtraBody
	exact     bool // ignore_eos was asked for: the server must make just as many
	keep      bool // the answer's text is wanted
	whole     bool // each event may bring all of the text so far
}

// lengthField is where each API keeps the number of tokens to make.
var lengthField = map[API]string{
	Completions: "max_tokens",
	Chat:        "max_completion_tokens",
	Generate:    "max_new_tokens",
	Completion:  "n_predict",
}

// calls serialises every prompt. keep is whether the answers' texts are wanted of all.
func (t Target) calls(e endpoint, prompts []Prompt, keep bool) ([]call, error) {
	out := make([]call, len(prompts))
	for i, p := range prompts {
		c, err := t.call(e, p)
		if err != nil {
			return nil, fmt.Errorf("prompt %d: %w", i, err)
		}
		c.keep, c.whole = keep, t.API == Generate
		out[i] = c
		if p.AppendAnswer {
			out[p.After-1].keep = true
		}
	}
	return out, nil
}

// call serialises one prompt.
func (t Target) call(e endpoint, p Prompt) (call, error) {
	body, err := t.body(p)
	if err != nil {
		return call{}, err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return call{}, fmt.Errorf("request body: %w", err)
	}
	c := call{wire: e.wire(b), requested: p.OutputTokens}
	limits := body
	if t.API == Generate {
		limits, _ = body["sampling_params"].(map[string]any)
	}
	if n, ok := asInt(limits[lengthField[t.API]]); ok {
		c.requested = n
	}
	c.exact, _ = limits["ignore_eos"].(bool)
	return c, nil
}

// body is the JSON of one request: greedy, streamed, of fixed length, with usage.
func (t Target) body(p Prompt) (map[string]any, error) {
	if len(p.TokenIDs) == 0 && p.Text == "" && (t.API != Chat || len(p.Messages) == 0) {
		return nil, errors.New("it has neither token ids nor text")
	}
	if p.OutputTokens < 1 {
		return nil, fmt.Errorf("output tokens %d: must be at least 1", p.OutputTokens)
	}
	var input any = p.Text
	if len(p.TokenIDs) > 0 {
		input = p.TokenIDs
	}
	limits := map[string]any{lengthField[t.API]: p.OutputTokens, "temperature": 0, "ignore_eos": true}
	body := limits
	switch t.API {
	case Completions, Completion:
		body["prompt"] = input
	case Chat:
		messages := p.messages()
		if len(messages) == 0 {
			return nil, errors.New("it has token ids only, and the chat API takes text: give it text, or use another API")
		}
		body["messages"] = messages
	case Generate:
		body = map[string]any{"sampling_params": limits}
		if len(p.TokenIDs) > 0 {
			body["input_ids"] = p.TokenIDs
		} else {
			body["text"] = p.Text
		}
	}
	body["stream"] = true
	if t.API == Completions || t.API == Chat {
		options := map[string]any{"include_usage": true}
		if t.ContinuousUsage {
			options["continuous_usage_stats"] = true
		}
		body["stream_options"] = options
		if t.ReturnTokenIDs {
			body["return_token_ids"] = true
		}
		if t.Model != "" {
			body["model"] = t.Model
		}
	}
	merge(body, t.ExtraBody)
	return body, nil
}

// messages are what Chat sends.
func (p Prompt) messages() []Message {
	if len(p.Messages) > 0 || p.Text == "" {
		return p.Messages
	}
	return []Message{{Role: "user", Content: p.Text}}
}

// then is the prompt that goes on with next after p and its answer: as messages for
// Chat, as one text for the other APIs.
func (p Prompt) then(answer string, next Prompt) Prompt {
	next.Messages = slices.Concat(p.messages(), []Message{{Role: "assistant", Content: answer}}, next.messages())
	next.Text = p.Text + answer + next.Text
	return next
}

// merge puts extra into dst by the rules of Target.ExtraBody.
func merge(dst, extra map[string]any) {
	for k, v := range extra {
		from, isObject := v.(map[string]any)
		into, wasObject := dst[k].(map[string]any)
		switch {
		case v == nil:
			delete(dst, k)
		case isObject && wasObject:
			merge(into, from)
		default:
			dst[k] = v
		}
	}
}

// asInt reads a whole number however a decoder of JSON or YAML has left it.
func asInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case uint64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	case json.Number:
		i, err := n.Int64()
		return int(i), err == nil
	}
	return 0, false
}
