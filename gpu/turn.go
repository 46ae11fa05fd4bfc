package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Names of the locks beside those of the devices. Whoever looks at locks holds the door,
// for some microseconds, so that nobody takes a look for a lease. Whoever waits for
// devices holds the turn.
const (
	doorName = "door"
	turnName = "turn"
)

// try takes the turn, if it is not taken, and then devices, if they are free. It keeps
// the turn only where it is told to, and found no devices.
func (p *Pool) try(ctx context.Context, want Want, turn **os.File, keep bool) (*Lease, error) {
	door, err := enter(ctx, p.dir)
	if err != nil {
		return nil, err
	}
	defer unlock(door)
	if *turn == nil {
		if *turn, err = lockFile(filepath.Join(p.dir, turnName)); err != nil {
			return nil, err
		}
	}
	if *turn == nil {
		return nil, fmt.Errorf("%w: another waits for its own", ErrBusy)
	}
	lease, err := p.lease(want)
	if err == nil || !keep {
		unlock(*turn)
		*turn = nil
	}
	return lease, err
}

// enter takes the door of a folder of locks.
func enter(ctx context.Context, dir string) (*os.File, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if f, err := lockFile(filepath.Join(dir, doorName)); f != nil || err != nil {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
