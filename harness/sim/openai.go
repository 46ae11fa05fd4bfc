package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// An openaiBody is a request for /v1/completions or /v1/chat/completions.
type openaiBody struct {
	Model    string          `json:"model"`
	Prompt   json.RawMessage `json:"prompt"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	InputIDs            json.RawMessage `json:"input_ids"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	IgnoreEOS           bool            `json:"ignore_eos"`
	Temperature         *float64        `json:"temperature"`
	N                   *int            `json:"n"`
	Stream              bool            `json:"stream"`
	StreamOptions       struct {
		IncludeUsage    bool `json:"include_usage"`
		ContinuousUsage bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
}

// sampling reads the body's, with the interface's own default length.
func (b *openaiBody) sampling(maxNew int) (sampling, error) {
	p := sampling{maxNew: maxNew, ignoreEOS: b.IgnoreEOS, temperature: 1}
	if b.MaxTokens != nil {
		p.maxNew = *b.MaxTokens
	}
	if b.MaxCompletionTokens != nil {
		p.maxNew = *b.MaxCompletionTokens
	}
	if (b.MaxTokens != nil || b.MaxCompletionTokens != nil) && p.maxNew < 1 {
		return p, badRequest("max_tokens must be positive, got " + strconv.Itoa(p.maxNew))
	}
	if b.Temperature != nil {
		p.temperature = *b.Temperature
	}
	if b.N != nil && *b.N != 1 {
		return p, badRequest("n must be 1: the simulator gives one answer a request")
	}
	return p, nil
}

// completions continues a prompt.
func (h *server) completions(w http.ResponseWriter, r *http.Request) {
	h.openai(w, r, completionShape, func(b *openaiBody) (*sequence, error) {
		p, err := b.sampling(16)
		if err != nil {
			return nil, err
		}
		ids, text, err := h.prompt(b.Prompt)
		if err != nil {
			return nil, err
		}
		return h.sequence(ids, text, p)
	})
}

// chat answers a conversation. Where no length is asked for it may fill the context.
func (h *server) chat(w http.ResponseWriter, r *http.Request) {
	h.openai(w, r, chatShape, func(b *openaiBody) (*sequence, error) {
		p, err := b.sampling(-1)
		if err != nil {
			return nil, err
		}
		if len(b.Messages) == 0 && len(b.InputIDs) == 0 {
			return nil, badRequest("messages: the list must not be empty")
		}
		if len(b.InputIDs) > 0 {
			ids, text, err := h.prompt(b.InputIDs)
			if err != nil {
				return nil, err
			}
			return h.sequence(ids, text, p)
		}
		conversation, err := b.conversation()
		if err != nil {
			return nil, err
		}
		return h.sequence(tokenize(conversation, h.s.model.vocab), true, p)
	})
}

// conversation applies a template: each message under its role.
func (b *openaiBody) conversation() (string, error) {
	var text strings.Builder
	for _, m := range b.Messages {
		text.WriteString("<|" + m.Role + "|>\n")
		var s string
		var parts []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}
		switch {
		case json.Unmarshal(m.Content, &s) == nil:
			text.WriteString(s)
		case json.Unmarshal(m.Content, &parts) == nil:
			for _, p := range parts {
				if p.Type != "text" {
					return "", badRequest("messages: content of type " + strconv.Quote(p.Type) + " is not served by this model")
				}
				text.WriteString(p.Text)
			}
		default:
			return "", badRequest("messages: content must be a text or a list of parts")
		}
		text.WriteString("\n")
	}
	return text.String() + "<|assistant|>\n", nil
}

// openai answers a request in one of the two shapes.
func (h *server) openai(w http.ResponseWriter, r *http.Request, shape openaiShape, prepare func(*openaiBody) (*sequence, error)) {
	var body openaiBody
	err := readBody(r, &body)
	var q *sequence
	if err == nil {
		q, err = prepare(&body)
	}
	if err != nil {
		openaiError(w, http.StatusBadRequest, "BadRequestError", err.Error())
		return
	}
	name := h.name
	if body.Model != "" {
		name = body.Model
	}
	d := &openaiDoc{shape: shape, model: quoted(name), created: h.born, continuous: body.StreamOptions.ContinuousUsage, report: h.s.flags.on("enable_cache_report")}
	d.answer.q = q
	if body.Stream {
		h.openaiStream(w, r, d, body.StreamOptions.IncludeUsage)
		return
	}
	var e emission
	if err := h.follow(r.Context(), q, last(&e)); err != nil {
		if err == errStopped {
			openaiError(w, http.StatusServiceUnavailable, "InternalServerError", err.Error())
		}
		return
	}
	d.answer.grow(e.tokens)
	w.Header().Set("Content-Type", "application/json")
	w.Write(d.whole(nil, e))
}

// openaiStream sends a chunk for each emission, the usage if asked for, and [DONE].
func (h *server) openaiStream(w http.ResponseWriter, r *http.Request, d *openaiDoc, usage bool) {
	d.answer.q.stream = true
	out := newEventStream(w)
	out.send() // headers go out before the first token
	var end emission
	first := true
	err := h.follow(r.Context(), d.answer.q, func(batch []emission) error {
		for _, e := range batch {
			if first && d.shape.role != "" {
				out.buf = d.chunk(out.buf, d.shape.role, emission{cached: e.cached})
			}
			first = false
			d.answer.cut()
			d.answer.grow(e.tokens)
			out.buf = d.chunk(out.buf, d.shape.before+string(d.answer.text)+d.shape.after, e)
			end = e
		}
		return out.send()
	})
	if err != nil {
		return
	}
	if usage {
		out.buf = d.usageChunk(out.buf, end)
	}
	out.done()
}

// openaiError answers with SGLang's OpenAI error document.
func openaiError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]any{"object": "error", "message": message, "type": kind, "param": nil, "code": status})
}
