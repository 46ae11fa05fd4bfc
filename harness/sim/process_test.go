package sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A process is a Main under test.
type process struct {
	url  string
	stop func() int // ends it, and returns its exit status
	exit chan int
	log  *logBuffer
}

// A logBuffer can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{} // holds one
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grew <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var listening = regexp.MustCompile(`Uvicorn running on (http://\S+)`)

// start runs Main on a free port until the test ends, and returns once it is ready.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{exit: make(chan int, 1), log: &logBuffer{grew: make(chan struct{}, 1)}}
	args = append([]string{"--port", "0", "--sim-startup-s", "0", "--sim-rules", "none", "--sim-noise", "0", "--enable-metrics"}, args...)
	go func() { p.exit <- Main(ctx, args, io.Discard, p.log) }()
	var once sync.Once
	var status int
	p.stop = func() int {
		once.Do(func() {
			cancel()
			status = <-p.exit
		})
		return status
	}
	t.Cleanup(func() { p.stop() })
	for !strings.Contains(p.log.String(), "ready to roll") {
		select {
		case <-p.log.grew:
		case status := <-p.exit:
			p.exit <- status
			t.Fatalf("exit status %d before it was ready:\n%s", status, p.log)
		}
	}
	p.url = listening.FindStringSubmatch(p.log.String())[1]
	return p
}

// do sends a request and returns status and body.
func (p *process) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
