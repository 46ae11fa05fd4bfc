package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxHead bounds the bytes of one line of a response's head, and of the head.
const maxHead = 64 << 10

// A response is an incremental reader of one HTTP/1.1 response: it takes the
// bytes as they come, split anywhere, and gives back the body's. The zero value
// is ready. net/http's reader wants to do the reading itself, and then the time
// of a read is known only to it.
type response struct {
	state       responseState
	status      int    // 0 until the status line is there
	reason      string // "Too Many Requests"
	contentType string // media type without parameters, lower case; "" if not said
	encoding    string // Content-Encoding, lower case; "" is identity
	location    string
	retryAfter  string

	chunked bool
	length  int64 // Content-Length; -1 is not said
	left    int64 // bytes to come of the body or of the chunk
	close   bool  // the connection ends with this response
	head    int   // bytes of head or trailer so far
	line    []byte
}

type responseState int8

const (
	statusLine responseState = iota
	headerLine
	bodyLength // a body of known length
	bodyEOF    // a body that the end of the connection ends
	chunkSize
	chunkData
	chunkEnd // the line end after a chunk
	trailer
	complete
)

// next consumes some of b and returns the bytes of the body at its front, if
// any, and what is left to consume. The caller repeats it until rest is empty or
// the response is complete. body is a part of b.
func (r *response) next(b []byte) (body, rest []byte, err error) {
	switch r.state {
	case complete:
		return nil, nil, errors.New("bytes after the end of the response")
	case bodyEOF:
		return b, nil, nil
	case bodyLength, chunkData:
		n := min(int64(len(b)), r.left)
		r.left -= n
		switch {
		case r.left > 0:
		case r.state == chunkData:
			r.state = chunkEnd
		default:
			r.state = complete
		}
		return b[:n], b[n:], nil
	}
	end := bytes.IndexByte(b, '\n')
	part := b
	if end >= 0 {
		part, rest = b[:end], b[end+1:]
	}
	if r.head += len(part) + 1; r.head > maxHead {
		return nil, nil, fmt.Errorf("response head of more than %d bytes", maxHead)
	}
	if end < 0 || len(r.line) > 0 {
		r.line = append(r.line, part...)
		part = r.line
	}
	if end < 0 {
		return nil, nil, nil
	}
	r.line = r.line[:0]
	return nil, rest, r.takeLine(bytes.TrimSuffix(part, []byte{'\r'}))
}

// takeLine takes a line without its end. line is good until the next call of next.
func (r *response) takeLine(line []byte) error {
	switch r.state {
	case statusLine:
		return r.takeStatus(string(line))
	case headerLine:
		if len(line) == 0 {
			r.startBody()
			return nil
		}
		return r.takeHeader(string(line))
	case chunkSize:
		size, _, _ := bytes.Cut(line, []byte{';'})
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 62)
		if err != nil {
			return fmt.Errorf("chunk size %s: not a hexadecimal number", shorten(string(line)))
		}
		r.head = 0
		r.left = int64(n)
		r.state = chunkData
		if n == 0 {
			r.state = trailer
		}
	case chunkEnd:
		if len(line) > 0 {
			return fmt.Errorf("after a chunk: %s in place of a line end", shorten(string(line)))
		}
		r.state = chunkSize
	case trailer:
		if len(line) == 0 {
			r.state = complete
		}
	}
	return nil
}

func (r *response) takeStatus(line string) error {
	proto, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if (proto != "HTTP/1.1" && proto != "HTTP/1.0") || err != nil || len(code) != 3 || status < 100 {
		return fmt.Errorf("status line %s: not HTTP/1.1", shorten(line))
	}
	*r = response{state: headerLine, status: status, reason: reason, length: -1, close: proto == "HTTP/1.0", head: r.head, line: r.line}
	return nil
}

func (r *response) takeHeader(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return fmt.Errorf("header line %s: no name and colon", shorten(line))
	}
	value = strings.TrimSpace(value)
	lower := strings.ToLower(value)
	switch strings.ToLower(name) {
	case "content-type":
		media, _, _ := strings.Cut(lower, ";")
		r.contentType = strings.TrimSpace(media)
	case "content-encoding":
		if lower != "identity" {
			r.encoding = lower
		}
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 62)
		if err != nil || (r.length >= 0 && r.length != int64(n)) {
			return fmt.Errorf("content length %s: not one whole number", shorten(value))
		}
		r.length = int64(n)
	case "transfer-encoding":
		if lower != "chunked" {
			return fmt.Errorf("transfer encoding %s: only chunked was expected", shorten(value))
		}
		r.chunked = true
	case "connection":
		r.close = lower == "close" || (r.close && lower != "keep-alive")
	case "location":
		r.location = value
	case "retry-after":
		r.retryAfter = value
	}
	return nil
}

func (r *response) startBody() {
	r.head = 0
	switch {
	case r.status < 200: // an interim response: the real one follows
		*r = response{line: r.line}
	case r.status == 204 || r.status == 304:
		r.state = complete
	case r.chunked:
		r.state = chunkSize
	case r.length == 0:
		r.state = complete
	case r.length > 0:
		r.state, r.left = bodyLength, r.length
	default:
		r.state, r.close = bodyEOF, true
	}
}

// end tells the response that the connection ended, and whether the response
// was whole by then.
func (r *response) end() bool {
	if r.state == bodyEOF {
		r.state = complete
	}
	return r.state == complete
}

// shorten quotes what a server sent for an error message: one line, bounded.
func shorten(s string) string {
	const most = 200
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
