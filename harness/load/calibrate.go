package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Calibrate finds out what our words cost in the server's tokens, so that text
// prompts have the lengths that are asked for: word by word through POST /tokenize
// (vLLM, SGLang, llama.cpp), or where there is none, on the average, through the
// prompt_tokens that two small generations report. What a prompt has beside its
// words (begin of text, chat template) is what one generation reports beyond them.
// how says which way it was.
func Calibrate(ctx context.Context, t Target) (cost *TextCost, how string, err error) {
	few, all := strings.Join(words[:16], " "), strings.Join(words, " ")
	small, err := promptTokens(ctx, t, few)
	if err != nil {
		return nil, "", err
	}
	c := &TextCost{}
	how = "POST /tokenize"
	if c.Words, err = wordTokens(ctx, t); err == nil {
		c.Overhead = float64(small)
		for i := range 16 {
			c.Overhead -= c.Words[i]
		}
	} else {
		how = "prompt_tokens of two generations (" + err.Error() + ")"
		large, err := promptTokens(ctx, t, all)
		if err != nil {
			return nil, "", err
		}
		each := float64(large-small) / float64(len(words)-16)
		c.Words, c.Overhead = []float64{each}, float64(small)-16*each
	}
	c.Overhead = math.Round(max(0, c.Overhead))
	if err := c.validate(); err != nil {
		return nil, "", fmt.Errorf("the server's count of tokens makes no sense: %w: use an API that takes token ids, or a workload file with its text_cost", err)
	}
	return c, how, nil
}

// promptTokens is the server's count of a prompt, by a generation of one token.
func promptTokens(ctx context.Context, t Target, text string) (int, error) {
	rec, err := Probe(ctx, t, Prompt{Text: text, OutputTokens: 1})
	if err == nil && rec.PromptTokens < 0 {
		err = errors.New("the server does not say how many tokens a prompt has, so that text cannot be made to length: use an API that takes token ids")
	}
	return rec.PromptTokens, err
}

// wordTokens counts each of our words, after others.
func wordTokens(ctx context.Context, t Target) ([]float64, error) {
	const before = "the number of"
	base, err := t.tokenize(ctx, before)
	if err != nil {
		return nil, err
	}
	counts := make([]float64, len(words))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, w := range words {
		g.Go(func() error {
			n, err := t.tokenize(ctx, before+" "+w)
			counts[i] = float64(n - base)
			return err
		})
	}
	return counts, g.Wait()
}

// tokenize counts a text's tokens through the server's tokenizer. The one body suits
// all: vLLM and SGLang read prompt, llama.cpp reads content.
func (t Target) tokenize(ctx context.Context, text string) (int, error) {
	body, err := json.Marshal(map[string]any{"model": t.Model, "prompt": text, "content": text})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	base := strings.TrimSuffix(strings.TrimRight(t.URL, "/"), "/v1")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/tokenize", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for name, values := range t.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if t.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+string(t.APIKey))
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: t.TLS, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // headers may be secret
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxEvent))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("POST /tokenize: HTTP %d", resp.StatusCode)
	}
	var answer struct {
		Count  *int
		Tokens []json.RawMessage
	}
	if err := json.Unmarshal(reply, &answer); err != nil || answer.Count == nil && answer.Tokens == nil {
		return 0, errors.New("POST /tokenize: the answer holds no tokens")
	}
	if answer.Count != nil {
		return *answer.Count, nil
	}
	return len(answer.Tokens), nil
}
