package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunked is one chunk of a body.
func chunked(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

func textEvent(finish string) string {
	return `data: {"choices":[{"index":0,"text":" w","finish_reason":` + finish + "}]}\n\n"
}

func usageEvent(n int) string {
	return fmt.Sprintf("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n", n)
}

// Each fault of a server lands in its class, and none is a success.
func TestFaultCatalogue(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		const done = "data: [DONE]\n\n"
		hang := func(c net.Conn) { io.Copy(io.Discard, c) } // until the client goes
		for _, tt := range []struct {
			name   string
			send   string         // the answer
			after  func(net.Conn) // after it; nil closes the connection
			class  string
			error  string // a part of it
			output int
			header string // in place of streamHead

			first, gap time.Duration // timeouts; 0 is the default, which no test meets
		}{
			{name: "no fault", send: chunked(textEvent("null")) + chunked(textEvent(`"length"`)) + chunked(usageEvent(2)) + chunked(done) + "0\r\n\r\n", output: 2},
			{name: "no fault, [DONE] missing", send: chunked(textEvent("null")) + chunked(textEvent(`"length"`)) + chunked(usageEvent(2)) + "0\r\n\r\n", output: 2},
			{name: "no fault, but the end of the body is missing", send: chunked(textEvent("null")) + chunked(textEvent(`"length"`)) + chunked(usageEvent(2)+done), output: 2},
			{name: "no fault, body until the end", header: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", send: textEvent("null") + textEvent(`"length"`) + usageEvent(2) + done, output: 2},
			{name: "no fault, but bytes after the end", send: chunked(textEvent("null")+textEvent(`"length"`)+usageEvent(2)+done) + "0\r\n\r\nHTTP/1.1 408 Request Timeout\r\n\r\n", output: 2},
			{name: "no fault, and silence after [DONE]", send: chunked(textEvent("null") + textEvent(`"length"`) + usageEvent(2) + done), after: hang, gap: 500 * time.Millisecond, output: 2},
			{name: "invalid UTF-8 is text", send: chunked("data: {\"choices\":[{\"text\":\"\xff\xfe\",\"finish_reason\":null}]}\n\n") + chunked(textEvent(`"length"`)) + chunked(usageEvent(2)+done) + "0\r\n\r\n", output: 2},
			{name: "error in the stream", send: chunked(textEvent("null")) + chunked("data: {\"error\":{\"message\":\"CUDA out\\nof memory\",\"code\":500}}\n\n"+done) + "0\r\n\r\n", class: ClassInBand, error: "CUDA out of memory", output: -1},
			{name: "error as a string", send: chunked("data: {\"error\":\"kaput\"}\n\n") + "0\r\n\r\n", class: ClassInBand, error: "kaput", output: -1},
			{name: "vLLM's older error", send: chunked("data: {\"object\":\"error\",\"message\":\"too long\"}\n\n"+done) + "0\r\n\r\n", class: ClassInBand, error: "too long", output: -1},
			{name: "aborted", send: chunked("data: {\"text\":\"\",\"meta_info\":{\"finish_reason\":{\"type\":\"abort\",\"message\":\"KV cache is full\"},\"completion_tokens\":0}}\n\n"+done) + "0\r\n\r\n", class: ClassInBand, error: "KV cache is full", output: 0},
			{name: "200 and nothing", send: "0\r\n\r\n", class: ClassTruncated, output: -1},
			{name: "200 and [DONE] only", send: chunked(done) + "0\r\n\r\n", class: ClassEmpty, output: -1},
			{name: "no token", send: chunked(`data: {"choices":[{"text":"","finish_reason":"stop"}]}`+"\n\n"+usageEvent(0)+done) + "0\r\n\r\n", class: ClassEmpty, output: 0},
			{name: "end in mid-stream", send: chunked(textEvent("null")), class: ClassTruncated, output: -1},
			{name: "end in mid-event", send: chunked(textEvent("null")) + chunked(`data: {"choices":[{"te`), class: ClassTruncated, output: -1},
			{name: "end in mid-chunk", send: chunked(textEvent("null")) + "ff\r\ndata: {", class: ClassTruncated, output: -1},
			{name: "end in the head", header: "HTTP/1.1 200 OK\r\nContent-Ty", class: ClassTruncated, output: -1},
			{name: "end before the usage", send: chunked(textEvent("null")) + chunked(textEvent(`"length"`)), class: ClassTruncated, error: "usage", output: -1},
			{name: "no usage", send: chunked(textEvent("null")) + chunked(textEvent(`"length"`)) + chunked(done) + "0\r\n\r\n", class: ClassNoUsage, output: -1},
			{name: "fewer tokens than asked for", send: chunked(textEvent(`"stop"`)) + chunked(usageEvent(1)+done) + "0\r\n\r\n", class: ClassWrongCount, error: "1 tokens, and 2", output: 1},
			{name: "more tokens than asked for", send: chunked(textEvent(`"stop"`)) + chunked(usageEvent(3)+done) + "0\r\n\r\n", class: ClassWrongCount, output: 3},
			{name: "429", header: "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\n", send: "slow", class: ClassTooMany, error: "429 Too Many Requests: slow", output: -1},
			{name: "503 with Retry-After", header: "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", class: ClassOverloaded, error: "retry after 7", output: -1},
			{name: "400 with a message", header: "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n", send: `{"error":{"message":"prompt empty"}}`, class: ClassStatus, error: "prompt empty", output: -1},
			{name: "redirect", header: "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", class: ClassStatus, error: "http://other/", output: -1},
			{name: "compressed", header: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n", send: "\x1f\x8b\ndata: x\n\n", class: ClassProtocol, error: "gzip", output: -1},
			{name: "no stream", header: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n", send: `{"text":"w"}`, class: ClassProtocol, error: "application/json", output: -1},
			{name: "no stream, but an error", header: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n", send: `{"error":"oops"}`, class: ClassInBand, error: "oops", output: -1},
			{name: "not HTTP", header: "SSH-2.0-OpenSSH_9.2\r\n", class: ClassProtocol, error: "SSH-2.0", output: -1},
			{name: "not JSON", send: chunked("data: <html>\n\n"), after: hang, class: ClassProtocol, error: "<html>", output: -1},
			{name: "bad chunk", send: "zz\r\n", after: hang, class: ClassProtocol, error: "zz", output: -1},
			{name: "huge header", header: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead), after: hang, class: ClassProtocol, error: "65536", output: -1},
			{name: "closed without an answer", header: "-", class: ClassReset, error: "before any answer", output: -1},
			{name: "reset in mid-stream", send: chunked(textEvent("null")), after: func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, class: ClassReset, output: -1},
			{name: "never answers", header: "-", after: hang, class: ClassFirstTO, error: "no token after 80ms", first: 80 * time.Millisecond, output: -1},
			{name: "headers and no token", send: chunked(": ping\n\n"), after: hang, class: ClassFirstTO, first: 80 * time.Millisecond, output: -1},
			{name: "role only", send: chunked("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"), after: hang, class: ClassFirstTO, first: 80 * time.Millisecond, output: -1},
			{name: "stops in the middle", send: chunked(textEvent("null")), after: hang, class: ClassGapTO, error: "after 1 chunk", gap: 80 * time.Millisecond, output: -1},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				url := rawServer(t, func(c net.Conn) {
					if readRequest(c) != nil {
						return
					}
					head := tt.header
					switch head {
					case "":
						head = streamHead
					case "-":
						head = ""
					}
					io.WriteString(c, head+tt.send)
					if tt.after != nil {
						tt.after(c)
					}
				})
				res := run(t, Target{URL: url, API: Completions}, Options{
					Prompts: prompts(1, 2), Concurrency: 1,
					Timeouts: Timeouts{FirstToken: tt.first, Gap: tt.gap},
				})
				rec := res.Records[0]
				if rec.Class != tt.class || !strings.Contains(rec.Error, tt.error) || rec.OutputTokens != tt.output {
					t.Errorf("class %q, error %q, output %d; want %q, ...%q..., %d", rec.Class, rec.Error, rec.OutputTokens, tt.class, tt.error, tt.output)
				}
				if (rec.Class == "") != (rec.Error == "") || strings.Contains(rec.Error, "\n") {
					t.Errorf("error %q of class %q: want one line, with a class only", rec.Error, rec.Class)
				}
				if rec.DoneNS < rec.SendNS {
					t.Errorf("done at %d, sent at %d", rec.DoneNS, rec.SendNS)
				}
			})
		}
	})
}

// Endless answers are cut off: by what was asked for, by the whole's timeout, by
// the gap's (a comment is no token), and by the bound of one event.
func TestEndlessAnswers(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		forever := func(s string) func(net.Conn) {
			return func(c net.Conn) {
				for readRequest(c) == nil {
					io.WriteString(c, streamHead)
					for {
						if _, err := io.WriteString(c, chunked(s)); err != nil {
							return
						}
					}
				}
			}
		}
		for _, tt := range []struct {
			name  string
			serve func(net.Conn)
			total time.Duration
			first time.Duration
			class string
		}{
			{"tokens", forever(textEvent("null")), time.Minute, time.Minute, ClassWrongCount},
			{"comments", forever(": ping\n\n"), time.Minute, 80 * time.Millisecond, ClassFirstTO},
			{"comments, whole", forever(": ping\n\n"), 80 * time.Millisecond, time.Minute, ClassTotalTO},
			{"one line", forever(strings.Repeat("x", 1<<20)), time.Minute, time.Minute, ClassProtocol},
		} {
			t.Run(tt.name, func(t *testing.T) {
				checkNoLeak(t)
				res := run(t, Target{URL: rawServer(t, tt.serve), API: Completions}, Options{
					Prompts: prompts(1, 2), Concurrency: 1, Timeouts: Timeouts{Total: tt.total, FirstToken: tt.first},
				})
				if rec := res.Records[0]; rec.Class != tt.class {
					t.Errorf("class %q (%s), want %q", rec.Class, rec.Error, tt.class)
				}
			})
		}
	})
}

// A head that trickles in, byte after byte, ends by the first token's timeout.
func TestSlowHeaders(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		url := rawServer(t, func(c net.Conn) {
			if readRequest(c) != nil {
				return
			}
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(c, "H"); err != nil {
					return
				}
			}
		})
		res := run(t, Target{URL: url, API: Generate}, Options{Prompts: prompts(1, 2), Concurrency: 1, Timeouts: Timeouts{FirstToken: 60 * time.Millisecond}})
		if rec := res.Records[0]; rec.Class != ClassFirstTO {
			t.Errorf("class %q (%s), want %q", rec.Class, rec.Error, ClassFirstTO)
		}
	})
}

// A connection that the server closed while it was idle costs no request: that
// is sent again on a new one.
func TestIdleConnectionClosedByServer(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		var conns atomic.Int32
		answer := streamHead + chunked(textEvent(`"length"`)) + chunked(usageEvent(1)+"data: [DONE]\n\n") + "0\r\n\r\n"
		url := rawServer(t, func(c net.Conn) {
			conns.Add(1)
			if readRequest(c) == nil {
				io.WriteString(c, answer) // and closes, without having said so
			}
		})
		target := Target{URL: url, API: Completions}
		res := run(t, target, Options{Prompts: prompts(2, 1), Rate: 1.6, Arrival: Constant, Connections: 1})
		if s := Summarize(res); s.Failed != 0 || conns.Load() != 2 {
			t.Errorf("after an idle time: %v, %d connections; want none failed, and 2", s.ByClass, conns.Load())
		}
		if rec := res.Records[1]; rec.ConnReused {
			t.Error("the second request says that its connection was reused")
		}
		// llama.cpp's server does it after each answer: no request is lost, and from the
		// second connection on none is tried twice.
		conns.Store(0)
		res = run(t, target, Options{Prompts: prompts(6, 1), Concurrency: 1})
		if s := Summarize(res); s.Failed != 0 || conns.Load() != 6 {
			t.Errorf("closed after each answer: %v, %d connections for 6 requests; want none failed, and 6", s.ByClass, conns.Load())
		}
	})
}

// A server that goes away in the run is a failed connection in the records.
func TestServerGoesAway(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			c, err := l.Accept()
			l.Close()
			if err == nil {
				readRequest(c)
				c.Close()
			}
		}()
		res := run(t, Target{URL: "http://" + l.Addr().String(), API: Generate}, Options{Prompts: prompts(3, 1), Concurrency: 1})
		<-gone
		if s := Summarize(res); s.ByClass[ClassReset] != 1 || s.ByClass[ClassConnect] != 2 {
			t.Errorf("%v, want 1 reset and 2 connect", s.ByClass)
		}
	})
}

func TestConnectTimeoutClass(t *testing.T) {
	var r runner
	r.ctx = context.Background()
	for err, want := range map[error]string{
		context.DeadlineExceeded: ClassConnectTO,
		os.ErrDeadlineExceeded:   ClassConnectTO,
		io.EOF:                   ClassConnect,
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}: ClassConnectTO,
	} {
		rec := Record{}
		r.failConnect(&rec, err)
		if rec.Class != want {
			t.Errorf("%v: class %q, want %q", err, rec.Class, want)
		}
	}
}
