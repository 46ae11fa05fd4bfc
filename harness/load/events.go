package load

import (
	"bytes"
	"fmt"
)

// maxEvent bounds one event's bytes, so that a server that never ends a line
// costs a request and not the client's memory. SGLang's /generate repeats the
// whole text in each event; 16 MiB is some four million tokens of it.
const maxEvent = 16 << 20

// events is an incremental reader of server-sent events (the WHATWG HTML
// standard, 9.2.6): fields other than data and a byte order mark are passed over,
// comments are told of, lines end in LF, CRLF or CR, and the data lines of one event are
// joined by LF. It takes the bytes split anywhere. The zero value is ready.
type events struct {
	line   []byte // the line so far, when it came in parts
	data   []byte // the data of the event so far
	some   bool   // data holds at least one data line
	skipLF bool   // the last line ended in CR: an LF right after belongs to it
	begun  bool   // the first line has been taken
}

// A sink takes what a stream of events brings, in order: an event's data, or a
// comment. It must not keep its argument.
type sink func(data []byte, comment bool)

// feed takes the next bytes of the stream, and calls event for each event that
// they end, and for each comment.
func (s *events) feed(b []byte, event sink) error {
	for len(b) > 0 {
		if s.skipLF {
			s.skipLF = false
			if b[0] == '\n' {
				b = b[1:]
				continue
			}
		}
		line, rest, ended := s.cut(b)
		if len(s.line)+len(line)+len(s.data) > maxEvent {
			return fmt.Errorf("an event of more than %d bytes", maxEvent)
		}
		if !ended {
			s.line = append(s.line, line...)
			return nil
		}
		if len(s.line) > 0 {
			line = append(s.line, line...)
			s.line = line[:0]
		}
		s.take(line, event)
		b = rest
	}
	return nil
}

// cut takes one line from b, without its end.
func (s *events) cut(b []byte) (line, rest []byte, ended bool) {
	end := bytes.IndexByte(b, '\n')
	line = b
	if end >= 0 {
		line, rest = b[:end], b[end+1:]
	}
	if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
		s.skipLF = true
		return line[:cr], b[cr+1:], true
	}
	return line, rest, end >= 0
}

func (s *events) take(line []byte, event sink) {
	if !s.begun {
		s.begun = true
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if len(line) == 0 {
		s.flush(event)
		return
	}
	value, ok := bytes.CutPrefix(line, []byte("data"))
	switch {
	case !ok && line[0] == ':':
		event(nil, true)
		return
	case !ok || (len(value) > 0 && value[0] != ':'):
		return // another field
	case len(value) > 1 && value[1] == ' ':
		value = value[2:]
	case len(value) > 0:
		value = value[1:]
	}
	if s.some {
		s.data = append(s.data, '\n')
	}
	s.some = true
	s.data = append(s.data, value...)
}

// flush gives the event that has been taken so far. At the end of a stream it
// also gives one whose blank line is missing, as some servers leave it out after
// the last; the standard would drop it. A line without an end is never taken.
func (s *events) flush(event sink) {
	if s.some {
		event(s.data, false)
	}
	s.data, s.some = s.data[:0], false
}
