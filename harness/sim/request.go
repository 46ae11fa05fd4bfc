package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"
)

// errStopped: the server ended while a request ran.
var errStopped = errors.New("the server has stopped")

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 20

// A badRequest is an error that the client made.
type badRequest string

func (e badRequest) Error() string { return string(e) }

// readBody decodes a request's JSON.
func readBody(r *http.Request, into any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return badRequest("cannot read the body: " + err.Error())
	case len(body) > maxBody:
		return badRequest(fmt.Sprintf("the body is longer than %d bytes", maxBody))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("the body is not the JSON expected: " + err.Error())
	}
	return nil
}

// prompt reads one prompt: text, or token ids, or a list with one of either.
func (h *server) prompt(raw json.RawMessage) (ids []int32, text bool, err error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 && (list[0][0] == '[' || list[0][0] == '"') {
		raw = list[0]
	}
	var s *string
	if json.Unmarshal(raw, &s) == nil && s != nil {
		return tokenize(*s, h.s.model.vocab), true, nil
	}
	if json.Unmarshal(raw, &ids) == nil && ids != nil {
		return ids, false, h.checkIDs(ids)
	}
	return nil, false, badRequest("the prompt must be a text or a list of token ids; the simulator takes one prompt a request")
}

// checkIDs refuses ids that the model does not have.
func (h *server) checkIDs(ids []int32) error {
	for _, id := range ids {
		if id < 0 || int(id) >= h.s.model.vocab {
			return badRequest(fmt.Sprintf("The input_ids contain the value %d, which is not in the vocabulary (vocab size %d)", id, h.s.model.vocab))
		}
	}
	return nil
}

// A sampling is what a request may say about its answer.
type sampling struct {
	maxNew      int // tokens; negative: as many as the context has room for
	ignoreEOS   bool
	temperature float64
}

// sequence checks a request against the server's limits and prepares it.
func (h *server) sequence(ids []int32, text bool, p sampling) (*sequence, error) {
	limit := h.s.contextLen
	switch {
	case len(ids) == 0:
		return nil, badRequest("input_ids should not be empty")
	case p.temperature < 0 || math.IsNaN(p.temperature):
		return nil, badRequest(fmt.Sprintf("temperature must be non-negative, got %v", p.temperature))
	case len(ids) >= limit:
		return nil, badRequest(fmt.Sprintf("The input (%d tokens) is longer than the model's context length (%d tokens).", len(ids), limit))
	case p.maxNew >= 0 && len(ids)+p.maxNew > limit:
		return nil, badRequest(fmt.Sprintf("Requested token count exceeds the model's maximum context length of %d tokens. You requested a total of %d tokens: %d tokens from the input messages and %d tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
			limit, len(ids)+p.maxNew, len(ids), p.maxNew))
	case len(ids) > h.maxInput():
		return nil, badRequest(fmt.Sprintf("Input length (%d tokens) exceeds the maximum allowed length (%d tokens). Use a shorter input or enable --allow-auto-truncate.", len(ids), h.maxInput()))
	}
	room := min(limit, h.s.mem.tokens) - len(ids) - 1
	if p.maxNew < 0 {
		p.maxNew = room
	}
	q := newSequence(ids, max(1, min(p.maxNew, room)), p.ignoreEOS)
	q.id = fmt.Sprintf("%032x", uint64(h.count.Add(1)))
	q.text, q.sampled = text, p.temperature > 0
	return q, nil
}

// maxInput is the longest prompt that fits, in tokens.
func (h *server) maxInput() int { return min(h.s.contextLen-1, h.s.mem.tokens-1) - 5 }

// follow hands a sequence in and calls each with what comes of it, in batches of
// emissions, until it is finished. It gives the sequence up when ctx ends.
func (h *server) follow(ctx context.Context, q *sequence, each func([]emission) error) error {
	box := newMailbox()
	q.sink = box.put
	h.clock.submit(q)
	var batch []emission
	for {
		select {
		case <-box.ready:
		case <-ctx.Done():
			h.giveUp(q)
			return ctx.Err()
		case <-h.clock.stopped:
			return errStopped
		}
		batch = box.take(batch[:0])
		if len(batch) == 0 {
			continue
		}
		if err := each(batch); err != nil {
			h.giveUp(q)
			return err
		}
		if batch[len(batch)-1].finish != "" {
			return nil
		}
	}
}

func (h *server) giveUp(q *sequence) {
	h.clock.do(func(m *machine, _ time.Duration) { m.abort(q) })
}

// last is an each that keeps the last emission alone.
func last(into *emission) func([]emission) error {
	return func(batch []emission) error {
		*into = batch[len(batch)-1]
		return nil
	}
}
