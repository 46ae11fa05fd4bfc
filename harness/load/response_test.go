package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readAll feeds the parts, and returns the body.
func readAll(parts ...[]byte) (r response, body []byte, err error) {
	for _, b := range parts {
		for len(b) > 0 && r.state != complete {
			part, rest, err := r.next(b)
			if err != nil {
				return r, body, err
			}
			body = append(body, part...)
			b = rest
		}
	}
	if !r.end() {
		return r, body, io.ErrUnexpectedEOF
	}
	return r, body, nil
}

var responseTable = []struct {
	name, in, body string
	status         int
	close          bool
}{
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false},
	{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false},
	{"204", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false},
	{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", 200, false},
	{"chunk extension and trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", "abc", 200, false},
	{"until the end", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, true},
	{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, true},
	{"connection: close", "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx", "x", 200, true},
	{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, false},
	{"LF alone", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x", 200, false},
	{"no reason", "HTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx", "x", 503, false},
}

func TestResponseAtEverySplit(t *testing.T) {
	for _, tt := range responseTable {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(tt.in)
			for i := range len(in) + 1 {
				r, body, err := readAll(in[:i], in[i:])
				if err != nil || string(body) != tt.body || r.status != tt.status || r.close != tt.close {
					t.Errorf("split at %d: %d, %q, close %v, %v", i, r.status, body, r.close, err)
				}
			}
		})
	}
}

func TestResponseRefuses(t *testing.T) {
	for _, in := range []string{
		"HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "hello\r\n", "\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\nbad name: x\r\n", "HTTP/1.1 200 OK\r\n: x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
	} {
		if _, _, err := readAll([]byte(in)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v, want it refused", in, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error of more than one line: %v", in, err)
		}
	}
	var r response
	r.state = complete
	if _, _, err := r.next([]byte("x")); err == nil {
		t.Error("bytes after the end were taken")
	}
}

// What net/http reads, this reads the same, at any split.
func FuzzResponse(f *testing.F) {
	for _, tt := range responseTable {
		f.Add([]byte(tt.in), uint(4), uint(20))
	}
	f.Fuzz(func(t *testing.T, in []byte, i, j uint) {
		whole, want, wholeErr := readAll(in)
		a, b := i%uint(len(in)+1), j%uint(len(in)+1)
		if a > b {
			a, b = b, a
		}
		r, body, err := readAll(in[:a], in[a:b], in[b:])
		if (err == nil) != (wholeErr == nil) || (err == nil && (r.status != whole.status || !bytes.Equal(body, want))) {
			t.Fatalf("%q: whole: %q %v; split at %d and %d: %q %v", in, want, wholeErr, a, b, body, err)
		}
		std, stdErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: "POST"})
		if stdErr != nil || wholeErr != nil || std.StatusCode < 200 || std.ProtoMinor == 0 {
			return // each is strict where the other is not; net/http gives interim responses, and knows no chunks in 1.0
		}
		stdBody, stdErr := io.ReadAll(std.Body)
		if stdErr == nil && std.StatusCode == whole.status && !bytes.Equal(stdBody, want) {
			t.Errorf("%q: body %q, net/http reads %q", in, want, stdBody)
		}
	})
}

// A chunked body, cut into chunks and reads anywhere, is what went in.
func TestChunkedProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body")
		wire := []byte(streamHead)
		for rest := body; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "chunk")
			wire = append(wire, chunked(string(rest[:n]))...)
			rest = rest[n:]
		}
		wire = append(wire, "0\r\n\r\n"...)
		var parts [][]byte
		for len(wire) > 0 {
			n := rapid.IntRange(1, len(wire)).Draw(t, "read")
			parts = append(parts, wire[:n])
			wire = wire[n:]
		}
		if _, got, err := readAll(parts...); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%q, %v; want %q", got, err, body)
		}
	})
}
