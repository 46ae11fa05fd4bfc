package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An API is the wire format in which a server is asked for tokens.
type API string

const (
	// Completions is OpenAI's POST /v1/completions; token ids go in as they are.
	Completions API = "completions"
	// Chat is OpenAI's POST /v1/chat/completions; it takes text only.
	Chat API = "chat"
	// Generate is SGLang's own POST /generate; it counts tokens in every chunk.
	Generate API = "generate"
	// Completion is llama.cpp's own POST /completion; it counts tokens in every chunk.
	Completion API = "completion"
)

var paths = map[API]string{
	Completions: "/v1/completions",
	Chat:        "/v1/chat/completions",
	Generate:    "/generate",
	Completion:  "/completion",
}

// A Target is the server that is asked, and what each request to it carries.
type Target struct {
	URL    string      // http://127.0.0.1:30000, or https; a path is a prefix of the API's own, and a final /v1 is left out
	API    API         // required
	Model  string      // "model" of the OpenAI formats; "" leaves it out
	Header http.Header // added to each request; never shown in an error
	APIKey Secret      // sent as "Authorization: Bearer ..."; "" sends none

	// ExtraBody is merged into each request's JSON last: objects are merged key by
	// key, anything else replaces what was there, and nil removes it.
	ExtraBody map[string]any

	// ContinuousUsage asks the OpenAI formats for token counts in each event
	// (stream_options.continuous_usage_stats; vLLM and SGLang know it), and
	// ReturnTokenIDs for the tokens themselves (return_token_ids; vLLM knows it).
	// Either tells how many tokens each chunk holds; the first costs the server least.
	ContinuousUsage bool
	ReturnTokenIDs  bool

	TLS *tls.Config // for https; nil uses the system's roots
}

// Format prints where a Target leads, and nothing of what may be secret in it,
// whatever the verb.
func (t Target) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s of %s", t.API, t.URL)
}

// A Secret is a string that no verb of package fmt and no JSON shows.
type Secret string

// Format prints that there is a secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		io.WriteString(f, "[masked]")
	}
}

// MarshalText gives what Format prints.
func (s Secret) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }

// An endpoint is a Target made ready: where to dial and what precedes the body.
type endpoint struct {
	addr string // host:port
	tls  *tls.Config
	head []byte // request line and headers, up to the value of Content-Length
}

// Validate reports what is wrong with the Target's URL, API or headers, or nil.
func (t Target) Validate() error {
	_, err := t.endpoint()
	return err
}

func (t Target) endpoint() (endpoint, error) {
	path, ok := paths[t.API]
	if !ok {
		return endpoint{}, fmt.Errorf("unknown API %q: use completions, chat, generate or completion", t.API)
	}
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return endpoint{}, fmt.Errorf("server URL %q: want http://HOST:PORT or https://HOST:PORT", t.URL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return endpoint{}, fmt.Errorf("server URL of host %q: leave out user, query and fragment; credentials go into a header", u.Host)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, fmt.Errorf("server URL %q: port %s is not from 1 to 65535", t.URL, port)
	}
	e := endpoint{addr: net.JoinHostPort(u.Hostname(), port)}
	if u.Scheme == "https" {
		if e.tls = t.TLS.Clone(); e.tls == nil {
			e.tls = &tls.Config{}
		}
		if e.tls.ServerName == "" {
			e.tls.ServerName = u.Hostname()
		}
		e.tls.NextProtos = []string{"http/1.1"}
	}
	prefix := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/v1")
	header := t.Header
	if t.APIKey != "" {
		if header.Get("Authorization") != "" {
			return endpoint{}, errors.New("an API key and an Authorization header are both given: leave one out")
		}
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Authorization", "Bearer "+string(t.APIKey))
	}
	e.head, err = requestHead(prefix+path, u.Host, header)
	return e, err
}

// requestHead is all of a request that is the same for each prompt.
func requestHead(path, host string, extra http.Header) ([]byte, error) {
	var b bytes.Buffer
	if h := extra.Get("Host"); h != "" {
		host = h
	}
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, host)
	names := make([]string, 0, len(extra))
	for name := range extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			continue
		case "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept-Encoding":
			return nil, fmt.Errorf("header %q is set by the load generator: leave it out", name)
		}
		for _, v := range extra[name] {
			if name == "" || strings.ContainsAny(name, " :\t\r\n\x00") || strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("header %q: a name has no blanks or colons, and a value is one line", name)
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	if extra.Get("Accept") == "" {
		b.WriteString("Accept: text/event-stream\r\n")
	}
	b.WriteString("Content-Type: application/json\r\nContent-Length: ")
	return b.Bytes(), nil
}

// wire is a whole request, ready to be written by one call.
func (e endpoint) wire(body []byte) []byte {
	w := make([]byte, 0, len(e.head)+len(body)+16)
	w = append(w, e.head...)
	w = strconv.AppendInt(w, int64(len(body)), 10)
	w = append(w, "\r\n\r\n"...)
	return append(w, body...)
}

// dial opens a connection that is ready for a request. TCP_NODELAY is on, as
// always in Go.
func (e endpoint) dial(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", e.addr)
	if err != nil || e.tls == nil {
		return c, err
	}
	s := tls.Client(c, e.tls)
	if err := s.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}
