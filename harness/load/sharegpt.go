package load

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Bounds of sglang.benchmark.datasets.sharegpt, which vLLM has too.
const (
	minTurnTokens   = 4
	defaultMaxInput = 1024
	defaultMaxTotal = 2048
)

// readShareGPT returns the first question and the length of its answer of each
// conversation that is within the bounds. An error names the line where the
// conversation begins that cannot be read.
func readShareGPT(f ShareGPTFile, text []byte) ([]row, error) {
	maxInput, maxTotal := f.MaxInput, f.MaxTotal
	if maxInput == 0 {
		maxInput = defaultMaxInput
	}
	if maxTotal == 0 {
		maxTotal = defaultMaxTotal
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	fail := func(err error) error {
		rest := bytes.TrimLeft(text[min(int(dec.InputOffset()), len(text)):], ", \t\r\n")
		return fmt.Errorf("%s:%d: %w", f.Path, 1+bytes.Count(text[:len(text)-len(rest)], []byte("\n")), err)
	}
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		if err == nil {
			err = fmt.Errorf("it begins with %v", open)
		}
		return nil, fail(fmt.Errorf("no JSON list of conversations: %w", err))
	}
	var rows []row
	seen := 0
	for ; dec.More(); seen++ {
		var c conversation
		if err := dec.Decode(&c); err != nil {
			return nil, fail(err)
		}
		question, answer := c.first()
		r := row{text: question, input: estimateTokens(question), output: estimateTokens(answer)}
		if r.input >= minTurnTokens && r.output >= minTurnTokens && r.input <= maxInput && r.input+r.output <= maxTotal {
			rows = append(rows, r)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, fail(err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: of %d conversations none has a question and an answer of %d to %d tokens", f.Path, seen, minTurnTokens, maxInput)
	}
	return rows, nil
}

// A conversation as such files have it: the names differ, the shape does not.
type conversation struct {
	Conversations []struct {
		From  string `json:"from"`
		Value string `json:"value"`
	} `json:"conversations"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
}

// first is the first question and its answer; "" where there is none.
func (c *conversation) first() (question, answer string) {
	for _, m := range c.Messages {
		c.Conversations = append(c.Conversations, struct {
			From  string `json:"from"`
			Value string `json:"value"`
		}{m.Role, m.Content})
	}
	for i, t := range c.Conversations {
		if (t.From == "human" || t.From == "user") && i+1 < len(c.Conversations) {
			return t.Value, c.Conversations[i+1].Value
		}
	}
	return "", ""
}
