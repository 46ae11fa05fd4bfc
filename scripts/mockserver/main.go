// The command mockserver runs the mock inference server of harness/load/mock as a
// process of its own, for scripts/bench-load. Its first line of output is its URL; on
// SIGINT or SIGTERM it says how late it was, and ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"harness/harness/load/mock"
)

func main() {
	var o mock.Options
	flag.StringVar(&o.Addr, "addr", "", "listen on `HOST:PORT` (a free port of 127.0.0.1)")
	flag.DurationVar(&o.First, "first", 200*time.Millisecond, "from a request to its first token")
	flag.DurationVar(&o.Gap, "gap", 20*time.Millisecond, "from one event with tokens to the next")
	flag.StringVar((*string)(&o.Mode), "mode", "own", "own, lockstep or staggered")
	flag.IntVar(&o.PerEvent, "per-event", 1, "tokens in each event")
	flag.BoolVar(&o.Incremental, "incremental", false, "/generate sends each event's own text alone")
	flag.DurationVar(&o.Spin, "spin", 0, "poll for so long before each due time, in place of sleeping")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "mockserver: %q: takes flags only\n", flag.Args())
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "mockserver:", err)
		os.Exit(1)
	}
}

func run(o mock.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := mock.Listen(o)
	if err != nil {
		return err
	}
	fmt.Println(s.URL)
	<-ctx.Done()
	t := s.Truth()
	fmt.Fprintf(os.Stderr, "mockserver: %d requests, %d connections; events late by %.3f ms (median), %.3f ms (p99), %.3f ms at most\n",
		len(t.Requests), t.Connections, 1e3*t.LateP50Seconds, 1e3*t.LateP99Seconds, 1e3*t.LateMaxSeconds)
	return s.Close()
}
