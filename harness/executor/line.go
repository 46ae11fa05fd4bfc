package executor

import (
	"context"

	"harness/gpu"
)

// A line is a place among the processes that wait for devices: without one, a trial that
// needs many would never find them free at once beside a harness that runs small ones.
type line struct {
	devices int
	cancel  context.CancelFunc
	result  chan result // holds the one there will be
}

type result struct {
	lease *gpu.Lease
	err   error
}

func queueUp(pool *gpu.Pool, want gpu.Want) *line {
	ctx, cancel := context.WithCancel(context.Background())
	l := &line{devices: want.Devices, cancel: cancel, result: make(chan result, 1)}
	go func() {
		lease, err := pool.Acquire(ctx, want)
		l.result <- result{lease, err}
	}()
	return l
}

// leave gives the place up, and the devices if they had just been reached.
func (l *line) leave() {
	l.cancel()
	if r := <-l.result; r.lease != nil {
		r.lease.Release()
	}
}
