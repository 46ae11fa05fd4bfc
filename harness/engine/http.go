package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"harness/space"
)

// maxBody bounds what is read of an answer: /server_info of a large server is about
// 100 kB, /metrics of a busy one 1 MB.
const maxBody = 16 << 20

// client asks one thing at a time: no proxy, no redirects, and no
// connection kept that could hold up a server's shutdown.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// call makes one request to an endpoint and returns the body of a 200 answer that
// matches what the endpoint expects.
func call(ctx context.Context, base string, header http.Header, e space.Endpoint, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	method := e.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, base+e.Path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, e.Path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: HTTP %d: %s", method, e.Path, resp.StatusCode, firstLine(string(body)))
	}
	if e.Expect != "" {
		if ok, err := regexp.Match(e.Expect, body); err != nil || !ok {
			return nil, fmt.Errorf("%s %s: the answer %q does not match %q", method, e.Path, firstLine(string(body)), e.Expect)
		}
	}
	return body, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	const most = 200
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}
