package mock

import (
	"bytes"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

const (
	maxHead = 64 << 10
	maxBody = 64 << 20 // some ten million token ids
)

// An httpRequest is one HTTP/1.1 request. body is a part of what it was read from.
type httpRequest struct {
	method, path string
	body         []byte
	close        bool // the client wants no further request on the connection
}

// readHTTP reads the request at the front of b, of n bytes; n is 0 where it is not
// all there yet.
func readHTTP(b []byte) (req httpRequest, n int, err error) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		if len(b) > maxHead {
			return req, 0, fmt.Errorf("request head of more than %d bytes", maxHead)
		}
		return req, 0, nil
	}
	first, fields, _ := strings.Cut(string(head), "\r\n")
	words := strings.Split(first, " ")
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
		return req, 0, fmt.Errorf("request line %.200q: not HTTP/1.1", first)
	}
	req.method, req.close = words[0], words[2] == "HTTP/1.0"
	req.path, _, _ = strings.Cut(words[1], "?")
	length := 0
	for line := range strings.SplitSeq(fields, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		value = textproto.TrimString(value)
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(value); err != nil || length < 0 || length > maxBody {
				return req, 0, fmt.Errorf("content length %.200q: must be 0 to %d", value, maxBody)
			}
		case "transfer-encoding":
			return req, 0, fmt.Errorf("transfer encoding %.200q: send a content length", value)
		case "connection":
			req.close = req.close || strings.EqualFold(value, "close")
		}
	}
	if len(body) < length {
		return req, 0, nil
	}
	req.body = body[:length:length]
	return req, len(head) + 4 + length, nil
}
