//go:build !linux

package load

import (
	"context"
	"time"
)

// pace waits until due (ns from start, or never), or until ctx ends or wake brings
// something.
func pace(ctx context.Context, wake <-chan struct{}, start time.Time, due int64) {
	d := time.Duration(due) - time.Since(start)
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}
