package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// generate is SGLang's own interface, for one prompt.
func (h *server) generate(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Text     json.RawMessage `json:"text"`
		InputIDs json.RawMessage `json:"input_ids"`
		Stream   bool            `json:"stream"`
		RID      *string         `json:"rid"`
		Params   struct {
			MaxNewTokens *int     `json:"max_new_tokens"`
			IgnoreEOS    bool     `json:"ignore_eos"`
			Temperature  *float64 `json:"temperature"`
			N            *int     `json:"n"`
		} `json:"sampling_params"`
	}
	if err := readBody(r, &body); err != nil {
		nativeError(w, http.StatusBadRequest, err.Error())
		return
	}
	p := sampling{maxNew: 128, ignoreEOS: body.Params.IgnoreEOS, temperature: 1}
	if body.Params.MaxNewTokens != nil {
		p.maxNew = *body.Params.MaxNewTokens
	}
	if body.Params.Temperature != nil {
		p.temperature = *body.Params.Temperature
	}
	q, err := h.nativeSequence(body.Text, body.InputIDs, p, body.Params.N)
	if err != nil {
		if body.Stream { // found out only after the stream has begun
			newEventStream(w).fail(err.Error())
			return
		}
		nativeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if body.RID != nil {
		q.id = *body.RID
	}
	started := time.Now()
	if body.Stream {
		h.nativeStream(w, r, q, started)
		return
	}
	var e emission
	if h.refuse(w, h.follow(r.Context(), q, last(&e))) {
		return
	}
	a := answer{q: q}
	a.grow(e.tokens)
	w.Header().Set("Content-Type", "application/json")
	w.Write(appendNative(nil, &a, e, time.Since(started)))
}

// nativeSequence prepares the sequence of a request with either text or ids.
func (h *server) nativeSequence(text, ids json.RawMessage, p sampling, n *int) (*sequence, error) {
	given := func(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }
	raw := text
	if given(ids) {
		raw = ids
	}
	switch {
	case given(text) == given(ids):
		return nil, badRequest("Either text, input_ids or input_embeds should be provided.")
	case n != nil && *n != 1:
		return nil, badRequest("n must be 1: the simulator gives one answer a request")
	case p.maxNew < 0:
		return nil, badRequest("max_new_tokens must be at least 0, got " + strconv.Itoa(p.maxNew) + ".")
	}
	prompt, isText, err := h.prompt(raw)
	if err != nil {
		return nil, err
	}
	return h.sequence(prompt, isText, p)
}

// nativeStream answers with one event for each emission: all that was said so
// far, or what is new where the server streams incrementally.
func (h *server) nativeStream(w http.ResponseWriter, r *http.Request, q *sequence, started time.Time) {
	q.stream = true
	out := newEventStream(w)
	out.send() // headers go out before the first token
	a := answer{q: q}
	err := h.follow(r.Context(), q, func(batch []emission) error {
		for _, e := range batch {
			if h.s.incremental {
				a.cut()
			}
			a.grow(e.tokens)
			out.buf = append(out.buf, "data: "...)
			out.buf = appendNative(out.buf, &a, e, time.Since(started))
			out.buf = append(out.buf, "\n\n"...)
		}
		return out.send()
	})
	if err == nil {
		out.done()
	}
}

// appendNative appends the document of one state of an answer.
func appendNative(b []byte, a *answer, e emission, elapsed time.Duration) []byte {
	b = append(b, `{"text": "`...)
	b = append(b, a.text...)
	b = append(b, `", "output_ids": [`...)
	b = append(b, bytes.TrimPrefix(a.ids, []byte(", "))...)
	b = append(b, `], "meta_info": {"id": `...)
	b = append(b, quoted(a.q.id)...)
	b = append(b, `, "finish_reason": `...)
	switch e.finish {
	case "":
		b = append(b, "null"...)
	case "length":
		b = append(b, `{"type": "length", "length": `...)
		b = strconv.AppendInt(b, int64(e.tokens), 10)
		b = append(b, '}')
	default:
		b = append(b, `{"type": "stop", "matched": 2}`...)
	}
	b = append(b, `, "prompt_tokens": `...)
	b = strconv.AppendInt(b, int64(a.q.prompt), 10)
	b = append(b, `, "weight_version": "default", "completion_tokens": `...)
	b = strconv.AppendInt(b, int64(e.tokens), 10)
	b = append(b, `, "cached_tokens": `...)
	b = strconv.AppendInt(b, int64(e.cached), 10)
	if e.finish != "" {
		b = append(b, `, "e2e_latency": `...)
		b = strconv.AppendFloat(b, elapsed.Seconds(), 'f', 6, 64)
	}
	return append(b, `, "simulated": true}}`...)
}

// nativeError answers with SGLang's error document.
func nativeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"message": message}})
}

// refuse answers a request that was not finished; false where it was.
func (h *server) refuse(w http.ResponseWriter, err error) bool {
	if errors.Is(err, errStopped) {
		nativeError(w, http.StatusServiceUnavailable, err.Error())
	}
	return err != nil
}
