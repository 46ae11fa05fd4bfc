package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Every API, closed loop: the counts are the server's, whatever the chunks are.
func TestRunEveryAPI(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		for _, tt := range []struct {
			api        API
			batch      int
			usage      bool
			wantChunks int
			wantTokens int32 // of the last chunk; 0 is unknown
			wantCached int
		}{
			{api: Completions, wantChunks: 8},
			{api: Completions, batch: 3, wantChunks: 3},
			{api: Completions, batch: 3, usage: true, wantChunks: 3, wantTokens: 2},
			{api: Chat, wantChunks: 8},
			{api: Chat, usage: true, wantChunks: 8, wantTokens: 1},
			{api: Generate, wantChunks: 8, wantTokens: 1},
			{api: Generate, batch: 3, wantChunks: 3, wantTokens: 2},
			{api: Completion, wantChunks: 8, wantTokens: 1},
			{api: Completion, batch: 5, wantChunks: 2, wantTokens: 3},
		} {
			t.Run(string(tt.api), func(t *testing.T) {
				checkNoLeak(t)
				m := newMock(t, tt.api, func(m *mock) { m.batch, m.usage = tt.batch, tt.usage })
				res := run(t, m.target(), Options{Prompts: prompts(6, 8), Concurrency: 2})
				fresh := 0
				for i := range res.Records {
					rec := &res.Records[i]
					if rec.Class != "" || rec.Index != i || rec.Status != 200 || rec.FinishReason != "length" {
						t.Fatalf("record %d: class %q %q, index %d, status %d, finish %q", i, rec.Class, rec.Error, rec.Index, rec.Status, rec.FinishReason)
					}
					if rec.PromptTokens != 5 || rec.OutputTokens != 8 || rec.CachedTokens != 0 || rec.RequestedTokens != 8 {
						t.Errorf("record %d: tokens %d + %d of %d, cached %d", i, rec.PromptTokens, rec.OutputTokens, rec.RequestedTokens, rec.CachedTokens)
					}
					if _, tokens := rec.TokenChunks(); len(tokens) != tt.wantChunks || tokens[len(tokens)-1] != tt.wantTokens {
						t.Errorf("record %d: chunks of tokens %v, want %d, the last of %d", i, tokens, tt.wantChunks, tt.wantTokens)
					}
					if rec.SchedNS > rec.SendNS || rec.SendNS > rec.FirstByteNS || rec.FirstByteNS > rec.FirstTokenNS ||
						rec.FirstTokenNS > rec.LastTokenNS || rec.LastTokenNS > rec.DoneNS || rec.SchedNS < 0 {
						t.Errorf("record %d: times out of order: %+v", i, rec)
					}
					if !rec.ConnReused {
						fresh++
					}
				}
				if fresh != len(m.settled().remotes) || fresh > 2 {
					t.Errorf("%d requests on fresh connections, the server saw %d for 2 workers", fresh, len(m.remotes))
				}
			})
		}
	})
}

// A token is stamped after the server wrote it, and before its next request came.
func TestStampsLieBetweenTheServers(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Generate, nil)
		res := run(t, m.target(), Options{Prompts: prompts(20, 3), Concurrency: 1})
		for i := range res.Records {
			rec := &res.Records[i]
			wrote := int64(m.settled().firsts[i].Sub(res.Start))
			if wrote < rec.SendNS || wrote > rec.FirstTokenNS {
				t.Errorf("record %d: sent %d, the server wrote %d, first token %d", i, rec.SendNS, wrote, rec.FirstTokenNS)
			}
		}
	})
}

// The closed loop has exactly C requests in flight until fewer are left. The mock
// answers nobody until C are there, so that C-1 would hang, and notes the most.
func TestClosedLoopKeepsExactlyC(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		const c, n = 5, 30
		var mu sync.Mutex
		arrived := 0
		full := make(chan struct{})
		m := newMock(t, Generate, func(m *mock) {
			m.step = func(i int) {
				if i > 0 {
					return
				}
				mu.Lock()
				arrived++
				mine := full
				if arrived%c == 0 {
					close(full)
					full = make(chan struct{})
				}
				mu.Unlock()
				<-mine
			}
		})
		res := run(t, m.target(), Options{Prompts: prompts(n, 3), Concurrency: c, Timeouts: Timeouts{Total: 10 * time.Second}})
		if s := Summarize(res); s.Failed != 0 || s.Requests != n {
			t.Fatalf("%d of %d failed: %v", s.Failed, s.Requests, s.ByClass)
		}
		if m.settled().most != c {
			t.Errorf("%d in flight at most, want %d", m.most, c)
		}
	})
}

func TestOpenLoop(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		checkNoLeak(t)
		m := newMock(t, Generate, nil)
		const n, rate = 40, 400.0
		res := run(t, m.target(), Options{Prompts: prompts(n, 2), Rate: rate, Arrival: Constant})
		for i := range res.Records {
			rec := &res.Records[i]
			if want := int64(float64(i+1) / rate * 1e9); rec.SchedNS != want {
				t.Errorf("record %d: due at %d, want %d", i, rec.SchedNS, want)
			}
			if rec.Class != "" || rec.SendNS < rec.SchedNS {
				t.Errorf("record %d: class %q %s; due %d, sent %d", i, rec.Class, rec.Error, rec.SchedNS, rec.SendNS)
			}
		}
		if d := res.DurationSeconds; d < n/rate {
			t.Errorf("took %v s, but the last was due at %v", d, n/rate)
		}
		t.Logf("lag p50 %.0f us, p99 %.0f us", res.Client.LagP50Seconds*1e6, res.Client.LagP99Seconds*1e6)
	})
}

// An open loop sends on time although the server answers nobody, and dials what
// it has not dialled before.
func TestOpenLoopDoesNotWaitForTheServer(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		const n = 20
		var mu sync.Mutex
		arrived := 0
		all := make(chan struct{})
		m := newMock(t, Completion, func(m *mock) {
			m.step = func(i int) {
				if i > 0 {
					return
				}
				mu.Lock()
				if arrived++; arrived == n {
					close(all)
				}
				mu.Unlock()
				<-all
			}
		})
		res := run(t, m.target(), Options{Prompts: prompts(n, 1), Rate: 1000, Arrival: Poisson, Seed: 3, Connections: 2, Timeouts: Timeouts{Total: 10 * time.Second}})
		if s := Summarize(res); s.Failed != 0 {
			t.Fatalf("failed: %v", s.ByClass)
		}
		if len(m.settled().remotes) != n {
			t.Errorf("%d connections, want %d", len(m.remotes), n)
		}
	})
}

// Cancelling ends every stream, and every request has its record.
func TestCancelEndsAllAtOnce(t *testing.T) {
	checkNoLeak(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the user pressed a key")
	var mu sync.Mutex
	started := 0
	over := make(chan struct{})
	m := newMock(t, Generate, func(m *mock) {
		m.step = func(i int) {
			if i == 1 {
				mu.Lock()
				if started++; started == 3 {
					cancel(why)
				}
				mu.Unlock()
				<-over
			}
		}
	})
	t.Cleanup(func() { close(over) })
	res, err := Run(ctx, m.target(), Options{Prompts: prompts(10, 4), Concurrency: 3})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(res)
	if s.Requests != 3 || s.ByClass[ClassCancelled] != 3 || s.Unsent != 7 {
		t.Errorf("%d sent, %v, %d unsent; want 3 cancelled in flight and 7 unsent", s.Requests, s.ByClass, s.Unsent)
	}
	for i := range res.Records {
		if rec := &res.Records[i]; rec.Class != ClassCancelled || rec.Error == "" || rec.Error[len(rec.Error)-len(why.Error()):] != why.Error() {
			t.Errorf("record %d: class %q, error %q", i, rec.Class, rec.Error)
		}
	}
}

func TestCancelledBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, o := range []Options{{Concurrency: 2}, {Rate: 10}} {
		o.Prompts = prompts(3, 1)
		res, err := Run(ctx, newMock(t, Generate, nil).target(), o)
		if err != nil {
			t.Fatal(err)
		}
		if s := Summarize(res); s.Unsent != 3 || s.Requests != 0 || s.DurationSeconds != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestStopSendingDrains(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Generate, nil)
		res := run(t, m.target(), Options{Prompts: prompts(1000, 2), Rate: 100, Arrival: Constant, StopSending: 55 * time.Millisecond})
		if s := Summarize(res); s.Failed != 0 || s.Requests != 5 || s.Unsent != 995 {
			t.Errorf("%d sent, %d failed, %d unsent; want the 5 that are due by 55 ms", s.Requests, s.Failed, s.Unsent)
		}
	})
}

func TestMaxFailures(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusInternalServerError)
		}))
		defer srv.Close()
		res := run(t, Target{URL: srv.URL, API: Generate}, Options{Prompts: prompts(50, 1), Concurrency: 1, MaxFailures: 4})
		if s := Summarize(res); s.ByClass[ClassStatus] != 4 || s.Unsent != 46 {
			t.Errorf("%v, %d unsent; want 4 failures and 46 unsent", s.ByClass, s.Unsent)
		}
	})
}

func TestEnoughEndsTheRun(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Generate, nil)
		seen, last := 0, int64(0) // without a lock: it is asked by one at a time
		res := run(t, m.target(), Options{Prompts: prompts(50, 2), Concurrency: 4, Enough: func(rec *Record, now int64) string {
			if !rec.OK() || now < rec.DoneNS || rec.DoneNS < 0 {
				t.Errorf("asked at %d ns with %+v", now, rec)
			}
			if seen, last = seen+1, now; seen < 5 {
				return ""
			}
			return "seen enough"
		}})
		s := Summarize(res)
		if seen < 5 || seen > 8 || s.Requests-s.Failed < 5 || s.Requests > 12 || s.Unsent < 38 {
			t.Errorf("asked %d times; %d sent, %d failed, %d unsent; want an end after 5 requests", seen, s.Requests, s.Failed, s.Unsent)
		}
		if rec := res.Records[49]; rec.Class != ClassCancelled || !strings.Contains(rec.Error, "seen enough") || last == 0 {
			t.Errorf("a request that was not sent: %+v", rec)
		}
	})
}

func TestTLS(t *testing.T) {
	m := &mock{api: Completions, remotes: map[string]int{}}
	srv := httptest.NewTLSServer(http.HandlerFunc(m.serve))
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	target := Target{URL: srv.URL, API: Completions, TLS: &tls.Config{RootCAs: roots}}
	if s := Summarize(mustRun(t, target, Options{Prompts: prompts(4, 6), Concurrency: 2})); s.Failed != 0 || s.OutputTokens != 24 {
		t.Errorf("%+v", s)
	}
	target.TLS = nil // the test's authority is not the system's
	if _, err := Run(context.Background(), target, Options{Prompts: prompts(1, 1), Concurrency: 1}); err == nil {
		t.Error("a certificate of an unknown authority was trusted")
	}
}

func TestProbe(t *testing.T) {
	m := newMock(t, Chat, nil)
	rec, err := Probe(context.Background(), m.target(), prompts(1, 3)[0])
	if err != nil || rec.OutputTokens != 3 || rec.FirstTokenNS <= 0 {
		t.Errorf("record %+v, error %v", rec, err)
	}
	m.Close()
	if _, err := Probe(context.Background(), m.target(), prompts(1, 3)[0]); err == nil {
		t.Error("no error from a server that is gone")
	}
}

func TestRunRefuses(t *testing.T) {
	good := Target{URL: "http://127.0.0.1:1", API: Generate}
	for _, tt := range []struct {
		name   string
		target Target
		o      Options
	}{
		{"no prompts", good, Options{Concurrency: 1}},
		{"neither loop", good, Options{Prompts: prompts(1, 1)}},
		{"both loops", good, Options{Prompts: prompts(1, 1), Concurrency: 1, Rate: 1}},
		{"negative rate", good, Options{Prompts: prompts(1, 1), Rate: -1}},
		{"unknown arrival", good, Options{Prompts: prompts(1, 1), Rate: 1, Arrival: "bursty"}},
		{"negative timeout", good, Options{Prompts: prompts(1, 1), Concurrency: 1, Timeouts: Timeouts{Gap: -1}}},
		{"no scheme", Target{URL: "127.0.0.1:30000", API: Generate}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"no host", Target{URL: "http://", API: Generate}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"query", Target{URL: "http://h/?a=b", API: Generate}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"unknown API", Target{URL: "http://h", API: "grpc"}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"header of two lines", Target{URL: "http://h", API: Generate, Header: http.Header{"X": {"a\r\nb"}}}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"own content length", Target{URL: "http://h", API: Generate, Header: http.Header{"Content-Length": {"1"}}}, Options{Prompts: prompts(1, 1), Concurrency: 1}},
		{"empty prompt", good, Options{Prompts: []Prompt{{OutputTokens: 1}}, Concurrency: 1}},
		{"no output", good, Options{Prompts: []Prompt{{Text: "a"}}, Concurrency: 1}},
		{"ids for chat", Target{URL: "http://h", API: Chat}, Options{Prompts: []Prompt{{TokenIDs: []int32{1}, OutputTokens: 1}}, Concurrency: 1}},
		{"nobody there", good, Options{Prompts: prompts(1, 1), Concurrency: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Run(context.Background(), tt.target, tt.o); err == nil {
				t.Error("no error")
			} else {
				t.Log(err)
			}
		})
	}
}

// The cost of a chunk with all that belongs to it but for the mock's own cost,
// which runs in this process too; ttft-error is what the client adds to the time
// between its send and the mock's first write, read-delay what the runtime says.
func BenchmarkRun(b *testing.B) {
	const streams, tokens = 64, 128
	m := newMock(b, Completions, func(m *mock) {
		m.step = func(i int) { time.Sleep(10 * time.Millisecond) }
	})
	for range b.N {
		m.firsts = nil
		res := mustRun(b, m.target(), Options{Prompts: prompts(streams, tokens), Concurrency: streams})
		s := Summarize(res)
		if s.Failed != 0 {
			b.Fatal(s.ByClass)
		}
		var late []float64
		firsts := slices.SortedFunc(slices.Values(m.settled().firsts), time.Time.Compare)
		tokens := make([]int64, 0, streams)
		for i := range res.Records {
			tokens = append(tokens, res.Records[i].FirstTokenNS)
		}
		slices.Sort(tokens)
		for i, ns := range tokens { // by rank: the mock does not know which record it served
			late = append(late, float64(ns)/1e9-firsts[i].Sub(res.Start).Seconds())
		}
		slices.Sort(late)
		b.ReportMetric(rank(late, 0.5)*1e6, "ttft-error-p50-us")
		b.ReportMetric(rank(late, 0.99)*1e6, "ttft-error-p99-us")
		b.ReportMetric(res.Client.ReadDelayP99Seconds*1e6, "read-delay-p99-us")
		b.ReportMetric(res.Client.CPUSeconds*1e6/float64(res.Client.Chunks), "cpu-us/chunk")
		b.ReportMetric(float64(res.Client.SharedChunks), "shared-chunks")
	}
}
