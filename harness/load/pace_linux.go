package load

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// pace waits until due (ns from start), or until ctx ends.
//
// Go's timers wake through epoll, whose timeout is in whole ms: a request would be
// sent 0.9 ms late at the median. The last stretch is therefore slept by nanosleep
// and the end of that spun away, which is late by a few us. The caller holds its
// OS thread.
func pace(ctx context.Context, start time.Time, due int64) {
	const (
		coarse = 3 * time.Millisecond
		spin   = 150 * time.Microsecond
	)
	left := func() time.Duration { return time.Duration(due) - time.Since(start) }
	if d := left(); d > coarse {
		t := time.NewTimer(d - coarse + time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
	if d := left() - spin; d > 0 {
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil) // woken early by a signal: the spin is longer
	}
	for left() > 0 { // yielding here would hand the thread over, and lose more than the spin
	}
}
