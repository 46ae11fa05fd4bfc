//go:build linux

package mock

import (
	"bytes"
	"strings"
	"testing"
)

func TestReadHTTP(t *testing.T) {
	const post = "POST /generate?x=1 HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 3\r\n\r\nabc"
	for cut := range len(post) {
		if _, n, err := readHTTP([]byte(post[:cut])); n != 0 || err != nil {
			t.Fatalf("of the first %d bytes: %d bytes, %v; want to wait", cut, n, err)
		}
	}
	req, n, err := readHTTP([]byte(post + "GET"))
	if err != nil || n != len(post) || req.method != "POST" || req.path != "/generate" || string(req.body) != "abc" || req.close {
		t.Errorf("read %+v, %d bytes, %v", req, n, err)
	}
	if req, _, _ = readHTTP([]byte("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")); !req.close {
		t.Error("Connection: close was not seen")
	}
	for _, bad := range []string{
		"hello\r\n\r\n",
		"GET / HTTP/2\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
		strings.Repeat("x", maxHead+1),
	} {
		if _, _, err := readHTTP([]byte(bad)); err == nil {
			t.Errorf("%.60q is taken", bad)
		}
	}
}

func FuzzReadHTTP(f *testing.F) {
	f.Add([]byte("POST /generate HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("GET /health HTTP/1.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		req, n, err := readHTTP(b)
		if n < 0 || n > len(b) || err != nil && n != 0 || !bytes.HasSuffix(b[:n], req.body) {
			t.Fatalf("%d of %d bytes, body %q, %v", n, len(b), req.body, err)
		}
	})
}
