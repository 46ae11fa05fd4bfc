package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/space"
)

// tokenServer answers SGLang's /generate with as many tokens as are asked for, one
// after the other, and counts them in /metrics.
type tokenServer struct {
	*httptest.Server
	made    atomic.Int64
	extra   int64 // tokens that its metrics count beyond its answers
	cached  int
	started chan struct{} // gets a value for each request, where it is not nil
	hold    bool
}

func newTokenServer(t *testing.T) *tokenServer {
	s := &tokenServer{}
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE sglang:generation_tokens_total counter\nsglang:generation_tokens_total %d\n", s.made.Load())
	})
	mux.HandleFunc("/flush_cache", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("/generate", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			InputIDs []int `json:"input_ids"`
			Params   struct {
				N int `json:"max_new_tokens"`
			} `json:"sampling_params"`
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if s.started != nil {
			s.started <- struct{}{}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range q.Params.N {
			finish := "null"
			if i == q.Params.N-1 {
				finish = `{"type":"length"}`
			}
			if s.hold && i == 1 {
				<-r.Context().Done()
			}
			s.made.Add(1)
			fmt.Fprintf(w, "data: {\"text\":\"w\",\"meta_info\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"cached_tokens\":%d,\"finish_reason\":%s}}\n\n", len(q.InputIDs), i+1, s.cached, finish)
			w.(http.Flusher).Flush()
		}
		s.made.Add(s.extra)
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func newLive(t *testing.T, s *tokenServer, change func(*Live)) *Live {
	t.Helper()
	source, err := load.Workload{Input: "12", Output: "3", Prefix: &load.Prefix{Groups: 2, PerGroup: 4, Tokens: 8}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	l := &Live{Target: load.Target{URL: s.URL, API: load.Generate}, Source: source, Point: Point{Concurrency: 2}, Requests: 8, Lenient: true,
		Peer: engine.Peer{URL: s.URL, Spec: space.Server{Metrics: &space.Endpoint{Path: "/metrics"}, Flush: &space.Endpoint{Method: "POST", Path: "/flush_cache"}}}}
	if change != nil {
		change(l)
	}
	return l
}

// ofTheServer leaves out what a busy machine does to the times of a test.
func ofTheServer(warnings []string) []string {
	return slices.DeleteFunc(slices.Clone(warnings), func(w string) bool { return strings.Contains(w, "this machine took part") })
}

func TestLiveRun(t *testing.T) {
	s := newTokenServer(t)
	m, err := newLive(t, s, nil).Run(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Row
	if !r.Valid || !r.Flushed || r.RunID != "c2-r3" || r.Repeat != 3 || r.Block != 2 || r.Requests != 8 || r.OutputTokens != 24 || r.PromptTokens != 160 ||
		r.SharedTokens != 48 || r.CachedTokens != 0 || r.Rate != nil || r.GoodRPS != nil || r.API != "generate" || len(m.Records) != 8 {
		t.Errorf("%+v", r)
	}
	m.Warnings = ofTheServer(m.Warnings)
	if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "0 prompt tokens came from the prefix cache, and 48 could") {
		t.Errorf("warnings %q: want that nothing was cached", m.Warnings)
	}
	restored := Restore(m.Row, RequestRows(results.Request{RunID: m.Row.RunID}, m.Records), newLive(t, s, nil).Source.Workload())
	if strings.Join(ofTheServer(restored.Warnings), "\n") != strings.Join(m.Warnings, "\n") {
		t.Errorf("restored with warnings %q, want %q", restored.Warnings, m.Warnings)
	}
}

// What the server counts, and what was cached, are held against what should be.
func TestLiveChecks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*tokenServer, *Live)
		want   string // of the warnings
		valid  bool
	}{
		{"the design", func(s *tokenServer, l *Live) { s.cached = 6 }, "", true},
		{"foreign tokens", func(s *tokenServer, l *Live) { s.cached, s.extra = 6, 3 }, "count 48 output tokens during the run, and its answers 24", true},
		{"too much cached", func(s *tokenServer, l *Live) { s.cached = 12 }, "run 1 is invalid: 96 of 160 prompt tokens came from the prefix cache, and 48 could", false},
		{"cannot flush", func(s *tokenServer, l *Live) { s.cached, l.Peer.Spec.Flush.Path = 6, "/none" }, "the prefix cache was not flushed", true},
		{"prompts used up", func(s *tokenServer, l *Live) { s.cached, l.Requests, l.Duration, l.Warmup = 6, 0, time.Hour, 8 }, "were used up before the time was over", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newTokenServer(t)
			l := newLive(t, s, nil)
			tt.change(s, l)
			if l.Duration > 0 {
				l.rate = 1.0 / 3600
			}
			m, err := l.Run(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(ofTheServer(m.Warnings), "\n")
			if m.Row.Valid != tt.valid || !strings.Contains(text, tt.want) || tt.want == "" && text != "" {
				t.Errorf("valid %v, warnings %q; want %v, %q", m.Row.Valid, text, tt.valid, tt.want)
			}
		})
	}
}

// A run that is bounded by time sends until then, and what was spare is no request.
func TestLiveDuration(t *testing.T) {
	s := newTokenServer(t)
	l := newLive(t, s, func(l *Live) { l.Requests, l.Duration = 0, 50*time.Millisecond })
	if err := l.Warm(t.Context()); err != nil || l.rate <= 0 {
		t.Fatalf("warm-up: %v, %v requests/s", err, l.rate)
	}
	l.rate = 1e5 // more than it can be
	m, err := l.Run(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Records); n < 2 || n == l.prompts() || int(m.Row.Requests) != n || m.Row.Unsent != 0 || !strings.HasSuffix(m.Row.LoadPoint, "c2") {
		t.Errorf("%d records of %d prompts, row %+v", n, l.prompts(), m.Row)
	}
	l.Point = Point{Rate: 40}
	if n := l.prompts(); n != 2 {
		t.Errorf("%d prompts at 40 a second for 50 ms, want 2", n)
	}
}

// An interruption returns what was measured, marked.
func TestLiveInterrupted(t *testing.T) {
	s := newTokenServer(t)
	s.started, s.hold = make(chan struct{}, 8), true
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.started
		<-s.started
		cancel()
	}()
	m, err := newLive(t, s, nil).Run(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Row.Valid || m.Row.InvalidReason != "interrupted" || len(m.Records) != 8 {
		t.Errorf("valid %v, %q, %d records", m.Row.Valid, m.Row.InvalidReason, len(m.Records))
	}
}

// A server that fails every request of the warm-up is not measured.
func TestLiveWarmFails(t *testing.T) {
	s := newTokenServer(t)
	l := newLive(t, s, func(l *Live) { l.Target.API, l.Warmup = load.Completion, 2 })
	if err := l.Warm(t.Context()); err == nil || !strings.Contains(err.Error(), "warm-up: 2 of 2 requests failed, the first: http_status") {
		t.Errorf("%v", err)
	}
}
