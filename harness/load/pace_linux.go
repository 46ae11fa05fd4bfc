package load

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// pace waits until due (ns from start, or never), or until ctx ends or wake brings
// something.
//
// Go's timers wake through epoll, whose timeout is in whole ms: a request would be
// sent 0.9 ms late at the median. The last stretch is therefore slept by nanosleep,
// in naps so that wake is seen, and the end of that spun away, which is late by a
// few us. The caller holds its OS thread.
func pace(ctx context.Context, wake <-chan struct{}, start time.Time, due int64) {
	const (
		coarse = 3 * time.Millisecond
		nap    = 300 * time.Microsecond
		spin   = 150 * time.Microsecond
	)
	left := func() time.Duration { return time.Duration(due) - time.Since(start) }
	if d := left(); d > coarse {
		t := time.NewTimer(d - coarse + time.Millisecond)
		defer t.Stop()
		select {
		case <-t.C:
		case <-wake:
			return
		case <-ctx.Done():
			return
		}
	}
	for d := left() - spin; d > 0; d = left() - spin {
		ts := unix.NsecToTimespec(int64(min(d, nap)))
		_ = unix.Nanosleep(&ts, nil) // woken early by a signal: one more
		select {
		case <-wake:
			return
		default:
		}
	}
	for left() > 0 { // yielding here would hand the thread over, and lose more than the spin
	}
}
