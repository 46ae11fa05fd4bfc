package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mock is an inference server that streams one token a chunk and notes when.
type mock struct {
	*httptest.Server
	api   API
	step  func(i int) // called before token i is written; nil is at once
	batch int         // tokens a chunk; 0 is 1
	usage bool        // OpenAI formats: usage in every chunk (continuous_usage_stats)

	mu       sync.Mutex
	inFlight int
	most     int
	bodies   []map[string]any
	headers  []http.Header
	remotes  map[string]int
	firsts   []time.Time // when the first token of each request was written
}

func newMock(t testing.TB, api API, change func(*mock)) *mock {
	m := &mock{api: api, remotes: map[string]int{}}
	if change != nil {
		change(m)
	}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *mock) target() Target { return Target{URL: m.URL, API: m.api} }

func (m *mock) serve(w http.ResponseWriter, req *http.Request) {
	body := map[string]any{}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || req.URL.Path != paths[m.api] {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	m.inFlight++
	m.most = max(m.most, m.inFlight)
	m.bodies = append(m.bodies, body)
	m.headers = append(m.headers, req.Header)
	m.remotes[req.RemoteAddr]++
	m.mu.Unlock()
	limits := body
	if m.api == Generate {
		limits = body["sampling_params"].(map[string]any)
	}
	n := int(limits[lengthField[m.api]].(float64))
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	batch := max(m.batch, 1)
	for i := 0; i < n; i += batch {
		if m.step != nil {
			m.step(i)
		}
		if i == 0 {
			m.mu.Lock()
			m.firsts = append(m.firsts, time.Now())
			m.mu.Unlock()
		}
		upTo := min(i+batch, n)
		if upTo == n {
			m.mu.Lock()
			m.inFlight--
			m.mu.Unlock()
		}
		io.WriteString(w, m.chunk(upTo, n))
		w.(http.Flusher).Flush()
	}
	io.WriteString(w, m.tail(n))
}

// chunk is the event that brings the count of tokens to i of n.
func (m *mock) chunk(i, n int) string {
	finish := "null"
	if i == n {
		finish = `"length"`
	}
	usage := ""
	if m.usage {
		usage = fmt.Sprintf(`,"usage":{"prompt_tokens":5,"completion_tokens":%d}`, i)
	}
	switch m.api {
	case Completions:
		return fmt.Sprintf("data: {\"choices\":[{\"text\":\" w\",\"index\":0,\"finish_reason\":%s}]%s}\n\n", finish, usage)
	case Chat:
		role := ""
		if i == 1 {
			role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
		}
		return role + fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"content\":\" w\"},\"finish_reason\":%s}]%s}\n\n", finish, usage)
	case Generate:
		if i == n {
			finish = fmt.Sprintf(`{"type":"length","length":%d}`, n)
		}
		return fmt.Sprintf("data: {\"text\":%q,\"meta_info\":{\"id\":\"x\",\"finish_reason\":%s,\"prompt_tokens\":5,\"completion_tokens\":%d,\"cached_tokens\":0}}\n\n",
			strings.Repeat(" w", i), finish, i)
	}
	return fmt.Sprintf("data: {\"index\":0,\"content\":\" w\",\"tokens\":[7],\"stop\":false,\"tokens_predicted\":%d,\"tokens_evaluated\":5}\n\n", i)
}

func (m *mock) tail(n int) string {
	switch m.api {
	case Generate:
		return "data: [DONE]\n\n"
	case Completion:
		return fmt.Sprintf("data: {\"content\":\"\",\"stop\":true,\"stop_type\":\"limit\",\"tokens_predicted\":%d,\"tokens_evaluated\":5,\"timings\":{\"cache_n\":0,\"prompt_n\":5,\"predicted_n\":%d}}\n\n", n, n)
	}
	return fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":%d,\"completion_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":0}}}\n\ndata: [DONE]\n\n", n+5, n)
}

// prompts are n small ones, with text and ids.
func prompts(n, output int) []Prompt {
	p := make([]Prompt, n)
	for i := range p {
		p[i] = Prompt{TokenIDs: []int32{int32(i), 2, 3, 4, 5}, Text: fmt.Sprintf("prompt %d", i), OutputTokens: output}
	}
	return p
}

// rawServer gives each connection to serve, which closes it by returning.
func rawServer(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

// readRequest consumes one request, so that closing the connection is no reset.
func readRequest(c net.Conn) error {
	b := make([]byte, 64<<10)
	seen := ""
	for {
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		seen += string(b[:n])
		head, body, ok := strings.Cut(seen, "\r\n\r\n")
		if !ok {
			continue
		}
		var length int
		_, after, _ := strings.Cut(head, "Content-Length: ")
		fmt.Sscan(after, &length)
		if len(body) >= length {
			return nil
		}
	}
}

// checkNoLeak fails the test if it leaves goroutines of this package's Run behind.
func checkNoLeak(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		buf := make([]byte, 1<<20)
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "load.(*plain)") || strings.Contains(g, "load.(*kernel)") || strings.Contains(g, "load.(*canary)") || strings.Contains(g, "load.(*stream)") || strings.Contains(g, "load.(*pool)") {
				t.Errorf("goroutine left behind:\n%s", g)
			}
		}
	})
}

// settled is m after all that its handlers have noted so far.
func (m *mock) settled() *mock {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m
}

// A runFunc is Run by one of the transports, on a target that must be reached.
type runFunc func(t testing.TB, target Target, o Options) *Result

func runBy(carrier func(*runner) (transport, error)) runFunc {
	return func(t testing.TB, target Target, o Options) *Result {
		t.Helper()
		res, err := run(context.Background(), target, o, carrier)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
}

// mustRun is Run.
var mustRun = runBy(kernelTransport)

// byEach runs a test once by each transport.
func byEach(t *testing.T, test func(t *testing.T, run runFunc)) {
	t.Run("kernel", func(t *testing.T) { test(t, runBy(kernelTransport)) })
	t.Run("plain", func(t *testing.T) { test(t, runBy(plainTransport)) })
}
