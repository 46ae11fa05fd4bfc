package mock

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// stamp is the mock field of an event.
type stamp struct {
	Mock *struct {
		Request int
		I       int
		TWrite  int64 `json:"t_write_ns"`
	}
}

// client is one whose connections end with the test.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{MaxIdleConnsPerHost: 1000}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

// fetch posts a request and returns the stamps of the answer's events.
func fetch(c *http.Client, url, body string) (stamps []stamp, err error) {
	resp, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		b, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var s stamp
		if err := json.Unmarshal([]byte(data), &s); err != nil || s.Mock == nil {
			return nil, fmt.Errorf("event %q: %v, or no stamp", data, err)
		}
		stamps = append(stamps, s)
	}
	return stamps, lines.Err()
}

func TestEveryAPITellsTheTruth(t *testing.T) {
	const n = 6
	for path, body := range map[string]string{
		"/v1/completions":      `{"prompt":[1,2,3],"max_tokens":6,"stream":true,"stream_options":{"include_usage":true}}`,
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"a b c"}],"max_completion_tokens":6,"stream":true}`,
		"/generate":            `{"input_ids":[1,2,3],"sampling_params":{"max_new_tokens":6},"stream":true}`,
		"/completion":          `{"prompt":[1,2,3],"n_predict":6,"stream":true}`,
	} {
		t.Run(path, func(t *testing.T) {
			s := Start(t, Options{Plan: Plan{First: 5 * time.Millisecond, Gap: time.Millisecond}})
			c := client(t)
			before := time.Now().UnixNano()
			for range 2 {
				stamps, err := fetch(c, s.URL+path, body)
				if err != nil {
					t.Fatal(err)
				}
				truth := s.Truth()
				r := truth.Requests[len(truth.Requests)-1]
				var written []int64
				for _, st := range stamps {
					if st.Mock.Request != len(truth.Requests)-1 {
						t.Errorf("an event of request %d came with request %d", st.Mock.Request, len(truth.Requests)-1)
					}
					if st.Mock.I >= 0 {
						written = append(written, st.Mock.TWrite)
					}
				}
				if fmt.Sprint(written) != fmt.Sprint(r.WriteNS) || len(written) != n {
					t.Errorf("stamps in the events %v, in the record %v: want the same %d", written, r.WriteNS, n)
				}
				if r.PromptTokens != 3 || r.Tokens != n || !r.Streamed || r.Conn != 0 {
					t.Errorf("record %+v: want 3 and %d tokens, streamed on connection 0", r, n)
				}
				if r.ArrivalNS < before || r.ReadNS < r.ArrivalNS {
					t.Errorf("arrival %d, read %d: want them in this order, after %d", r.ArrivalNS, r.ReadNS, before)
				}
				for i, w := range r.WriteNS {
					if due := s.opts.due(truth.Requests[0].ArrivalNS, r.ArrivalNS, 0, i); w < due {
						t.Errorf("event %d was written %v early", i, time.Duration(due-w))
					}
				}
				if r.EndNS < r.WriteNS[n-1] {
					t.Errorf("the end %d is before the last write", r.EndNS)
				}
			}
			if got := s.Truth(); got.Connections != 1 || got.LateMaxSeconds <= 0 {
				t.Errorf("%d connections, at most %v s late: want 1, and some", got.Connections, got.LateMaxSeconds)
			}
		})
	}
}

func TestArrivalsAreStampedByTheKernel(t *testing.T) {
	s := Start(t, Options{})
	c := client(t)
	until(t, func() bool { // the kernel begins to stamp a little after it is first asked to
		if _, err := fetch(c, s.URL+"/completion", `{"prompt":"a","n_predict":1,"stream":true}`); err != nil {
			t.Fatal(err)
		}
		requests := s.Truth().Requests
		last := requests[len(requests)-1]
		return last.ArrivalNS < last.ReadNS
	})
}

func TestManyStreamsAtOnce(t *testing.T) {
	const streams, n = 200, 20
	s := Start(t, Options{Plan: Plan{First: 20 * time.Millisecond, Gap: 2 * time.Millisecond, Mode: LockStep, PerEvent: 2}})
	c := client(t)
	var wg sync.WaitGroup
	for range streams {
		wg.Go(func() {
			stamps, err := fetch(c, s.URL+"/v1/completions", fmt.Sprintf(`{"prompt":"a","max_tokens":%d,"stream":true}`, 2*n))
			if err != nil || len(stamps) != n {
				t.Errorf("%d events, %v; want %d", len(stamps), err, n)
			}
		})
	}
	wg.Wait()
	if got := s.Truth(); len(got.Requests) != streams || got.Refused != 0 {
		t.Errorf("%d requests, %d refused; want %d", len(got.Requests), got.Refused, streams)
	}
}

func TestTruthOverHTTPAndReset(t *testing.T) {
	s := Start(t, Options{Plan: Plan{First: time.Millisecond}})
	c := client(t)
	const requests, n = 10, 20000
	for range requests {
		resp, err := c.Post(s.URL+"/completion", "", strings.NewReader(fmt.Sprintf(`{"prompt":"a","n_predict":%d,"stream":true}`, n)))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	resp, err := c.Get(s.URL + "/truth") // of a size that no socket takes at once
	if err != nil {
		t.Fatal(err)
	}
	var got Truth
	err = json.NewDecoder(resp.Body).Decode(&got)
	resp.Body.Close()
	if err != nil || len(got.Requests) != requests || len(got.Requests[0].WriteNS) != n {
		t.Errorf("truth of %d requests, %v", len(got.Requests), err)
	}
	if resp, err = c.Post(s.URL+"/reset", "", nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("reset: %v, %v", resp, err)
	}
	resp.Body.Close()
	if got := s.Truth(); len(got.Requests) != 0 {
		t.Errorf("%d requests after a reset", len(got.Requests))
	}
}

func TestControlEndpoints(t *testing.T) {
	s := Start(t, Options{})
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v1/models", "", 200, `"id":"mock"`},
		{"/health", "", 200, "ok"},
		{"/server_info", "", 200, "internal_states"},
		{"/flush_cache", "{}", 200, "success"},
		{"/tokenize", `{"prompt":"a b"}`, 200, `"count":2`},
		{"/tokenize", `{"content":"a b c"}`, 200, `"count":3`},
		{"/tokenize", `{`, 400, "request body"},
		{"/nowhere", "", 404, "no such endpoint"},
		{"/generate", "", 405, "takes a POST"},
		{"/generate", `{"text":"a","sampling_params":{"max_new_tokens":0}}`, 400, "0 tokens asked for"},
		{"/generate", `{"text":"a","sampling_params":{"max_new_tokens":3}}`, 200, " word word word"},
	} {
		method := "POST"
		if tt.body == "" {
			method = "GET"
		}
		req, _ := http.NewRequest(method, s.URL+tt.path, strings.NewReader(tt.body))
		resp, err := client(t).Do(req)
		if err != nil {
			t.Fatalf("%s: %v", tt.path, err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.Contains(string(b), tt.want) {
			t.Errorf("%s %s: %d %s; want %d with %s", tt.path, tt.body, resp.StatusCode, b, tt.status, tt.want)
		}
	}
}

// dial opens a raw connection that ends with the test.
func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func TestRawConnections(t *testing.T) {
	const health = "GET /health HTTP/1.1\r\n\r\n"
	for _, tt := range []struct {
		name, send string
		answers    int
	}{
		{"two requests in one segment", health + "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 2},
		{"a request after a stream's", "POST /completion HTTP/1.1\r\nContent-Length: 44\r\n\r\n" + `{"prompt":"a","n_predict":2,"stream":true  }` +
			"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 2},
		{"a stream that is to close", "POST /completion HTTP/1.1\r\nConnection: close\r\nContent-Length: 44\r\n\r\n" + `{"prompt":"a","n_predict":2,"stream":true  }`, 1},
		{"no HTTP", "hello\r\n\r\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Start(t, Options{Plan: Plan{Gap: time.Millisecond}})
			c := dial(t, s)
			io.WriteString(c, tt.send)
			b, err := io.ReadAll(c) // the server closes
			if got := strings.Count(string(b), "HTTP/1.1 "); err != nil || got != tt.answers {
				t.Errorf("%d answers, %v; want %d and the end:\n%s", got, err, tt.answers, b)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	s := Start(t, Options{Plan: Plan{First: time.Hour}, MaxStreams: 1})
	open := dial(t, s)
	const ask = `{"prompt":"a","max_tokens":5,"stream":true}`
	fmt.Fprintf(open, "POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(ask), ask)
	until(t, func() bool { return len(s.Truth().Requests) == 1 })
	if _, err := fetch(client(t), s.URL+"/v1/completions", ask); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a second stream: %v; want status 503", err)
	}
	if err := s.Reset(); err == nil {
		t.Error("reset with a stream open is taken")
	}
	open.Close() // the client hangs up: its place is free
	until(t, func() bool { return s.Reset() == nil })
}

func TestAClientThatDoesNotReadIsDropped(t *testing.T) {
	s := Start(t, Options{})
	c := dial(t, s)
	const ask = `{"prompt":"a","max_tokens":1000000,"stream":true}`
	fmt.Fprintf(c, "POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(ask), ask)
	until(t, func() bool { return len(s.Truth().Requests) == 1 && s.Reset() == nil })
}

func TestCloseEndsOpenStreams(t *testing.T) {
	s, err := Listen(Options{Plan: Plan{First: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	io.WriteString(c, "POST /completion HTTP/1.1\r\nContent-Length: 29\r\n\r\n"+`{"prompt":"a","stream": true}`)
	until(t, func() bool { return len(s.Truth().Requests) == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second close: %v", err)
	}
	if b, _ := io.ReadAll(c); len(b) > 0 {
		t.Errorf("got %q from a closed server", b)
	}
}

func TestListenSaysWhyNot(t *testing.T) {
	s := Start(t, Options{})
	addr := strings.TrimPrefix(s.URL, "http://")
	if _, err := Listen(Options{Addr: addr}); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("a taken port: %v; want an error with it", err)
	}
}

// until waits for what another thread does, without a guess of how long that takes.
func until(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited 10 s in vain")
		}
	}
}
