package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// An answer reads what comes over a connection for one request, whichever way it
// is received, and judges it. It may be fed at any split.
type answer struct {
	resp   response
	events events
	reply  reply
	other  []byte // a body that is no stream of events, bounded
}

// limits are the timeouts of one request, in ns.
type limits struct{ first, gap, total int64 }

// due is when the request fails unless something comes until then.
func (l limits) due(rec *Record) int64 {
	due := rec.SendNS + l.first
	if rec.LastTokenNS >= 0 {
		due = rec.LastTokenNS + l.gap
	}
	return min(due, rec.SendNS+l.total)
}

// begin makes ready for the answer to a request that is sent now.
func (a *answer) begin(rec *Record, c *call, sendNS int64) {
	a.resp, a.events, a.other = response{line: a.resp.line[:0]}, events{line: a.events.line[:0], data: a.events.data[:0]}, a.other[:0]
	a.reply = newReply(rec, c)
	rec.SendNS = sendNS
}

// read takes what one read brought. It returns nil as long as the answer can be
// read on; complete is then a.resp.state.
func (a *answer) read(b []byte, at stamp) error {
	rec := a.reply.rec
	at = at.rounded()
	rec.Reads++
	if rec.FirstByteNS < 0 {
		rec.FirstByteNS = at.ns
	}
	return a.feed(b, at)
}

// end closes the record: err is what stopped the reading, nil or io.EOF where the
// server did, and now the time. It reports whether the answer came to its end.
func (a *answer) end(ctx context.Context, err error, exact bool, lim limits, now int64) (whole bool) {
	rec := a.reply.rec
	rec.DoneNS = max(now, rec.LastTokenNS)
	rec.Status = a.resp.status
	whole = a.resp.end()
	a.judge(ctx, err, whole, exact, lim)
	return whole
}

// errProtocol marks an answer that cannot be read on.
type errProtocol struct{ error }

// feed passes what a read brought through the readers.
func (a *answer) feed(b []byte, at stamp) error {
	event := func(data []byte, comment bool) {
		if comment {
			a.reply.note(0, KindComment, at)
		} else {
			a.reply.event(data, at)
		}
	}
	for len(b) > 0 {
		if a.resp.state == complete { // a server that goes on unasked is not spoken to again
			a.resp.close = true
			break
		}
		body, rest, err := a.resp.next(b)
		if err != nil {
			return errProtocol{err}
		}
		if rec := a.reply.rec; rec.HeadersNS < 0 && a.resp.state > headerLine {
			rec.HeadersNS = at.ns
		}
		if len(body) > 0 {
			if a.isStream() {
				err = a.events.feed(body, event)
			} else {
				a.other = append(a.other, body[:min(len(body), 64<<10-len(a.other))]...)
			}
		}
		if err != nil {
			return errProtocol{err}
		}
		if a.reply.cut != "" {
			return errProtocol{errors.New(a.reply.cut)}
		}
		b = rest
	}
	if a.resp.state == complete && a.isStream() {
		a.events.flush(event)
	}
	return nil
}

// isStream reports whether the body is one of events: status 200, not compressed,
// and of no other type.
func (a *answer) isStream() bool {
	r := &a.resp
	return r.status == http.StatusOK && r.encoding == "" && (r.contentType == "text/event-stream" || r.contentType == "")
}

// judge gives the record its class: what stopped the reading first, then what the
// answer itself says.
func (a *answer) judge(ctx context.Context, err error, whole, exact bool, lim limits) {
	rec, r := a.reply.rec, &a.resp
	var protocol errProtocol
	switch {
	case rec.Class != "":
		return
	case err == nil || (errors.Is(err, io.EOF) && whole):
	case a.reply.done:
		// All that was asked for has come; how the connection ends is the next one's concern.
	case ctx.Err() != nil:
		rec.fail(ClassCancelled, "the run ended: "+context.Cause(ctx).Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		rec.fail(a.late(lim))
	case errors.As(err, &protocol):
		rec.fail(ClassProtocol, oneLine(err.Error()))
	case rec.FirstByteNS < 0:
		rec.fail(ClassReset, "the connection ended before any answer: "+oneLine(err.Error()))
	case !errors.Is(err, io.EOF) && !a.reply.ended():
		rec.fail(ClassReset, "the connection broke: "+oneLine(err.Error()))
	}
	switch {
	case rec.Class != "":
	case r.status == 0:
		rec.fail(ClassTruncated, "the connection ended in the head of the answer")
	case r.status != http.StatusOK:
		rec.fail(a.refusal())
	case r.encoding != "":
		rec.fail(ClassProtocol, fmt.Sprintf("the answer is compressed (%s), which was not asked for: is a proxy in between?", r.encoding))
	case !a.isStream():
		rec.fail(a.unstreamed())
	default:
		a.reply.judge(whole, exact)
	}
}

// late tells which of the timeouts ended the request.
func (a *answer) late(lim limits) (class, message string) {
	rec := a.reply.rec
	took := func(ns int64) time.Duration { return time.Duration(ns).Round(time.Millisecond) }
	switch {
	case rec.DoneNS-rec.SendNS >= lim.total:
		return ClassTotalTO, fmt.Sprintf("no end after %v", took(lim.total))
	case rec.LastTokenNS < 0:
		return ClassFirstTO, fmt.Sprintf("no token after %v", took(lim.first))
	}
	return ClassGapTO, fmt.Sprintf("no token for %v after %d chunks", took(lim.gap), a.reply.chunks)
}

// refusal is the class and message of a status other than 200.
func (a *answer) refusal() (class, message string) {
	r := &a.resp
	message = strings.TrimSpace(fmt.Sprintf("status %d %s", r.status, r.reason))
	class = ClassStatus
	switch r.status {
	case http.StatusTooManyRequests:
		class = ClassTooMany
	case http.StatusServiceUnavailable:
		class = ClassOverloaded
	}
	if r.retryAfter != "" {
		message += ", retry after " + r.retryAfter
	}
	if r.location != "" && r.status/100 == 3 {
		message += ", to " + r.location + ": give that URL instead"
	}
	if body := a.message(); body != "" {
		message += ": " + body
	}
	return class, oneLine(message)
}

// unstreamed is the class of an answer of status 200 that is no stream of events.
func (a *answer) unstreamed() (class, message string) {
	if c, ok := parse(a.other); ok && c.failure != "" {
		return ClassInBand, oneLine(c.failure)
	}
	return ClassProtocol, oneLine(fmt.Sprintf("the answer is %s, and not a stream of events: %s", a.resp.contentType, a.message()))
}

// message is what an error's body says.
func (a *answer) message() string {
	if c, ok := parse(a.other); ok && c.failure != "" {
		return c.failure
	}
	return string(a.other[:min(len(a.other), 300)])
}
