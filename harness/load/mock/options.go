package mock

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"
)

// Options say how a server behaves.
type Options struct {
	Plan

	Addr string // IPv4 address and port to listen on; "" is a free port of 127.0.0.1

	// Incremental makes /generate send each event's own text, as SGLang does with
	// --incremental-streaming-output; otherwise each has all the text so far.
	Incremental bool

	MaxStreams int // open at once; a request beyond is answered by 503. 0 is 16384

	// Spin is how long before a due time the server stops sleeping and polls: it is
	// later without, and takes CPU from a client on the same cores with it. 0 is none.
	Spin time.Duration
}

// Validate reports every fault of the Options, or nil.
func (o Options) Validate() error {
	errs := []error{o.Plan.Validate()}
	if host, _, err := net.SplitHostPort(o.addr()); err != nil || net.ParseIP(host).To4() == nil {
		errs = append(errs, fmt.Errorf("address %q: want an IPv4 address and a port, as 127.0.0.1:8100", o.Addr))
	}
	if o.MaxStreams < 0 {
		errs = append(errs, fmt.Errorf("max streams %d: must not be negative", o.MaxStreams))
	}
	if o.Spin < 0 {
		errs = append(errs, fmt.Errorf("spin %v: must not be negative", o.Spin))
	}
	return errors.Join(errs...)
}

func (o Options) addr() string    { return cmp.Or(o.Addr, "127.0.0.1:0") }
func (o Options) maxStreams() int { return cmp.Or(o.MaxStreams, 16384) }

// Start is Listen for a test: a server that cannot start fails it, and its end closes
// the server.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
