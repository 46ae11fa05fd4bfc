//go:build !linux

package load

import (
	"context"
	"time"
)

// pace waits until due (ns from start), or until ctx ends.
func pace(ctx context.Context, start time.Time, due int64) {
	d := time.Duration(due) - time.Since(start)
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
