package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

func TestRequestClass(t *testing.T) {
	for _, tt := range []struct{ class, message, want string }{
		{load.ClassConnect, "dial tcp 127.0.0.1:1: connect: connection refused", engine.RequestErrors},
		{load.ClassConnect, "socket: too many open files", engine.ClientOverload},
		{load.ClassConnect, "dial tcp: connect: cannot assign requested address", engine.ClientOverload},
		{load.ClassConnectTO, "", engine.HangServing},
		{load.ClassFirstTO, "", engine.HangServing},
		{load.ClassGapTO, "", engine.HangServing},
		{load.ClassTotalTO, "", engine.HangServing},
		{load.ClassReset, "", engine.RequestErrors},
		{load.ClassTruncated, "", engine.RequestErrors},
		{load.ClassTooMany, "", engine.RequestErrors},
		{load.ClassOverloaded, "", engine.RequestErrors},
		{load.ClassStatus, "400: this context is too short", engine.RequestErrors},
		{load.ClassInBand, "", engine.RequestErrors},
		{load.ClassNoUsage, "", engine.RequestErrors},
		{load.ClassEmpty, "", engine.WrongOutput},
		{load.ClassWrongCount, "", engine.WrongOutput},
	} {
		if got := requestClass(tt.class, tt.message); got != tt.want {
			t.Errorf("%s, %q: %s, want %s", tt.class, tt.message, got, tt.want)
		}
	}
}

func TestClassOfError(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("cannot reach the server: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)})
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{dial(syscall.ECONNREFUSED), engine.RequestErrors},
		{dial(syscall.EADDRNOTAVAIL), engine.ClientOverload},
		{dial(syscall.EMFILE), engine.ClientOverload},
		{dial(syscall.ETIMEDOUT), engine.HangServing},
		{fmt.Errorf("POST /flush: %w", context.DeadlineExceeded), engine.HangServing},
		{errors.New("concurrency -1: must be at least 1"), engine.HarnessError},
	} {
		if got := classOfError(tt.err); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, got, tt.want)
		}
	}
	if got := classOfFlush(errors.New("POST /flush: HTTP 400: requests are pending")); got != engine.RequestErrors {
		t.Errorf("a flush that is refused: %s", got)
	}
}

// Most requests decide; what the run's end cut off tells nothing.
func TestFailureOf(t *testing.T) {
	for _, tt := range []struct {
		classes string
		class   string
		text    string
	}{
		{"", "", "0 of 0 requests failed"},
		{"- -", "", "0 of 2 requests failed"},
		{"cancelled cancelled", "", "0 of 2 requests failed"},
		{"- reset", engine.RequestErrors, "1 of 2 requests failed, the first: reset: why"},
		{"reset timeout_gap timeout_first_token", engine.HangServing, "3 of 3"},
		{"empty wrong_count reset cancelled", engine.WrongOutput, "3 of 4 requests failed, the first: empty: why"},
		{"timeout_total reset", engine.HangServing, "2 of 2"}, // as many: by name
		{"reset timeout_total", engine.HangServing, "2 of 2"},
	} {
		var requests []results.Request
		for _, c := range strings.Fields(tt.classes) {
			requests = append(requests, results.Request{FailureClass: strings.TrimPrefix(c, "-"), Error: "why"})
		}
		class, text := failureOf(requests)
		if class != tt.class || !strings.HasPrefix(text, tt.text) {
			t.Errorf("%s: %s, %q; want %s, %q", tt.classes, class, text, tt.class, tt.text)
		}
	}
}

func TestFailureOfRun(t *testing.T) {
	for _, tt := range []struct {
		row   results.Run
		class string
	}{
		{results.Run{Failures: 1, InvalidReason: "1 of 1 requests failed"}, engine.RequestErrors},
		{results.Run{InvalidReason: slowPrefix + "x"}, engine.Slow},
		{results.Run{InvalidReason: clientPrefix + "x"}, engine.ClientOverload},
		{results.Run{InvalidReason: "9 of 10 prompt tokens came from the prefix cache", ClientFaults: "x"}, ""},
	} {
		class, text := failureOfRun(tt.row, []results.Request{{FailureClass: load.ClassReset}})
		if class != tt.class || (text == "") != (tt.class == "") {
			t.Errorf("%+v: %s, %q; want %s", tt.row, class, text, tt.class)
		}
	}
}

// make8 are n prompts of 8 output tokens.
func make8(n int) []load.Prompt {
	prompts := make([]load.Prompt, n)
	for i := range prompts {
		prompts[i].OutputTokens = 8
	}
	return prompts
}

// A server is held to what it has shown itself.
func TestSlow(t *testing.T) {
	var p pace
	c := func(n int) Point { return Point{Concurrency: n} }
	if why := p.slow(c(8), 0.1, 1000); why != "" {
		t.Errorf("without a model: %s", why)
	}
	p.warmed(8, 700)
	p.warmed(8, 800)
	p.warmed(8, 750)
	for _, tt := range []struct {
		point        Point
		tps, seconds float64
		slow         bool
	}{
		{c(8), 161, 1000, false},
		{c(8), 159, 1000, true},
		{c(8), 159, 6, false},            // 4.8 s lost: too short to tell
		{c(1), 21, 1000, false},          // an eighth of the streams, an eighth of the rate
		{c(1), 19, 1000, true},           //
		{c(16), 1, 1000, false},          // never seen so many at once
		{Point{Rate: 2}, 1, 1000, false}, // nor an open loop
		{c(8), 0, 1000, true},            // nothing at all
	} {
		if why := p.slow(tt.point, tt.tps, tt.seconds); (why != "") != tt.slow || tt.slow && !strings.HasPrefix(why, slowPrefix) {
			t.Errorf("%s, %g tokens/s, %g s: %q, want slow %v", tt.point.LoadPoint(), tt.tps, tt.seconds, why, tt.slow)
		}
	}
	for _, tt := range []struct {
		point           Point
		limit, expected time.Duration
	}{
		{c(8), 50 * time.Second, 10 * time.Second},              // 8,000 tokens at 800 a second
		{c(1), 400 * time.Second, 80 * time.Second},             // at an eighth of that
		{c(16), 50 * time.Second, 10 * time.Second},             // never seen: as in the warm-up
		{Point{Rate: 4}, 1300 * time.Second, 260 * time.Second}, // 1,000 requests in 250 s
		{Point{Concurrency: 8, RateCap: 100}, 100e9, 20e9},      //
		{Point{Stages: "r4:1m"}, 350 * time.Second, 70 * 1e9},   // 60 s of stages
	} {
		if b := p.bound(tt.point, make8(1000)); b == nil || b.limit != tt.limit || b.expected != tt.expected {
			t.Errorf("%s: %+v, want %v of %v", tt.point.LoadPoint(), b, tt.limit, tt.expected)
		}
	}
	if b := p.bound(c(8), make8(10)); b.limit != 5100*time.Millisecond {
		t.Errorf("a run of 0.1 s may take %v", b.limit)
	}
	if b := (&pace{}).bound(c(8), make8(10)); b != nil {
		t.Errorf("bounded by %v where nothing is known", b.limit)
	}
	for _, tps := range []float64{1000, 100, 1000} { // its own runs there say more than the warm-up
		p.ran(c(1), tps)
	}
	if p.slow(c(1), 199, 1000) == "" || p.slow(c(1), 201, 1000) != "" {
		t.Errorf("expected %g tokens/s, want the median of the runs", p.expected(c(1)))
	}
}
