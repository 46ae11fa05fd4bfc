package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// A stream is one connection with the readers of what comes over it. It serves
// one request at a time.
type stream struct {
	conn net.Conn
	buf  [16 << 10]byte // most of what one read takes; a TLS record fits

	resp   response
	events events
	reply  reply
	other  []byte // the body of an answer that is no stream of events, bounded

	served   int   // requests so far
	idleFrom int64 // ns of the run when the last ended, or the dial
}

// limits are the timeouts of one request, in ns.
type limits struct{ first, gap, total int64 }

// exchange sends one request and reads its answer to the end, into rec. It
// reports whether the connection may serve another. start is the run's.
func (s *stream) exchange(ctx context.Context, c *call, lim limits, start time.Time, rec *Record) (keep bool) {
	s.resp, s.events, s.other = response{}, events{line: s.events.line[:0], data: s.events.data[:0]}, s.other[:0]
	rec.SendNS = int64(time.Since(start))
	rec.ConnReused = s.served > 0
	s.served++
	s.reply = newReply(rec, c)

	s.conn.SetWriteDeadline(start.Add(time.Duration(rec.SendNS + min(lim.first, lim.total))))
	_, writeErr := s.conn.Write(c.wire)
	rec.WrittenNS = int64(time.Since(start))
	readErr := s.read(lim, start, rec)
	if readErr != nil && writeErr != nil && rec.FirstByteNS < 0 {
		readErr = writeErr // a server that refuses early may close before it has read all: its answer counts more
	}
	rec.DoneNS = max(int64(time.Since(start)), rec.LastTokenNS)
	rec.Status = s.resp.status
	s.idleFrom = rec.DoneNS

	whole := s.resp.end()
	s.judge(ctx, readErr, whole, c.exact, lim)
	return whole && readErr == nil && writeErr == nil && !s.resp.close
}

// read reads until the response is complete or something breaks; nil is complete.
func (s *stream) read(lim limits, start time.Time, rec *Record) error {
	for s.resp.state != complete {
		due := rec.SendNS + lim.first
		if rec.LastTokenNS >= 0 {
			due = rec.LastTokenNS + lim.gap
		}
		due = min(due, rec.SendNS+lim.total)
		s.conn.SetReadDeadline(start.Add(time.Duration(due)))
		n, err := s.conn.Read(s.buf[:])
		ns := int64(time.Since(start))
		if n > 0 {
			rec.Reads++
			if rec.FirstByteNS < 0 {
				rec.FirstByteNS = ns
			}
			if err := s.feed(s.buf[:n], stamp{ns, ns}); err != nil {
				return err
			}
		}
		if err != nil && s.resp.state != complete {
			return err
		}
	}
	return nil
}

// errProtocol marks an answer that cannot be read on.
type errProtocol struct{ error }

// feed passes what a read brought through the readers.
func (s *stream) feed(b []byte, at stamp) error {
	event := func(data []byte, comment bool) {
		if comment {
			s.reply.note(0, KindComment, at)
		} else {
			s.reply.event(data, at)
		}
	}
	for len(b) > 0 {
		if s.resp.state == complete { // a server that goes on unasked is not spoken to again
			s.resp.close = true
			break
		}
		body, rest, err := s.resp.next(b)
		if err != nil {
			return errProtocol{err}
		}
		if rec := s.reply.rec; rec.HeadersNS < 0 && s.resp.state > headerLine {
			rec.HeadersNS = at.ns
		}
		if len(body) > 0 {
			if s.isStream() {
				err = s.events.feed(body, event)
			} else {
				s.other = append(s.other, body[:min(len(body), 64<<10-len(s.other))]...)
			}
		}
		if err != nil {
			return errProtocol{err}
		}
		if s.reply.cut != "" {
			return errProtocol{errors.New(s.reply.cut)}
		}
		b = rest
	}
	if s.resp.state == complete && s.isStream() {
		s.events.flush(event)
	}
	return nil
}

// isStream reports whether the body is one of events: status 200, not compressed,
// and of no other type.
func (s *stream) isStream() bool {
	r := &s.resp
	return r.status == http.StatusOK && r.encoding == "" && (r.contentType == "text/event-stream" || r.contentType == "")
}

// judge gives the record its class: what stopped the reading first, then what the
// answer itself says.
func (s *stream) judge(ctx context.Context, err error, whole, exact bool, lim limits) {
	rec, r := s.reply.rec, &s.resp
	var protocol errProtocol
	switch {
	case rec.Class != "":
		return
	case err == nil || (errors.Is(err, io.EOF) && whole):
	case s.reply.done:
		// All that was asked for has come; how the connection ends is the next one's concern.
	case ctx.Err() != nil:
		rec.fail(ClassCancelled, "the run ended: "+context.Cause(ctx).Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		rec.fail(s.late(lim))
	case errors.As(err, &protocol):
		rec.fail(ClassProtocol, oneLine(err.Error()))
	case rec.FirstByteNS < 0:
		rec.fail(ClassReset, "the connection ended before any answer: "+oneLine(err.Error()))
	case !errors.Is(err, io.EOF) && !s.reply.ended():
		rec.fail(ClassReset, "the connection broke: "+oneLine(err.Error()))
	}
	switch {
	case rec.Class != "":
	case r.status == 0:
		rec.fail(ClassTruncated, "the connection ended in the head of the answer")
	case r.status != http.StatusOK:
		rec.fail(s.refusal())
	case r.encoding != "":
		rec.fail(ClassProtocol, fmt.Sprintf("the answer is compressed (%s), which was not asked for: is a proxy in between?", r.encoding))
	case !s.isStream():
		rec.fail(s.unstreamed())
	default:
		s.reply.judge(whole, exact)
	}
}

// late tells which of the timeouts ended the request.
func (s *stream) late(lim limits) (class, message string) {
	rec := s.reply.rec
	took := func(ns int64) time.Duration { return time.Duration(ns).Round(time.Millisecond) }
	switch {
	case rec.DoneNS-rec.SendNS >= lim.total:
		return ClassTotalTO, fmt.Sprintf("no end after %v", took(lim.total))
	case rec.LastTokenNS < 0:
		return ClassFirstTO, fmt.Sprintf("no token after %v", took(lim.first))
	}
	return ClassGapTO, fmt.Sprintf("no token for %v after %d chunks", took(lim.gap), s.reply.chunks)
}

// refusal is the class and message of a status other than 200.
func (s *stream) refusal() (class, message string) {
	r := &s.resp
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
	if body := s.message(); body != "" {
		message += ": " + body
	}
	return class, oneLine(message)
}

// unstreamed is the class of an answer of status 200 that is no stream of events.
func (s *stream) unstreamed() (class, message string) {
	if c, ok := parse(s.other); ok && c.failure != "" {
		return ClassInBand, oneLine(c.failure)
	}
	return ClassProtocol, oneLine(fmt.Sprintf("the answer is %s, and not a stream of events: %s", s.resp.contentType, s.message()))
}

// message is what an error's body says.
func (s *stream) message() string {
	if c, ok := parse(s.other); ok && c.failure != "" {
		return c.failure
	}
	return string(s.other[:min(len(s.other), 300)])
}
