package sim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// neighbours are the simulated servers of one parent process. With --sim-interference
// they slow each other down, as what shares a machine's buses and cores may, so that a
// test of interference has something to find. Each holds a lock on a file of its own in
// a folder that they share; the kernel drops it with the process.
type neighbours struct {
	dir string
	own *os.File
}

func meetNeighbours() (*neighbours, error) {
	n := &neighbours{dir: filepath.Join(os.TempDir(), fmt.Sprintf("harness-sim-%d-%d", os.Getuid(), os.Getppid()))}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if n.own, err = os.CreateTemp(n.dir, "server-*"); err != nil {
		return nil, err
	}
	if err := unix.Flock(int(n.own.Fd()), unix.LOCK_EX); err != nil {
		n.own.Close()
		return nil, err
	}
	return n, nil
}

// any reports whether another server lives. The files of dead ones are removed.
func (n *neighbours) any() bool {
	files, err := filepath.Glob(filepath.Join(n.dir, "server-*"))
	if err != nil {
		return false
	}
	for _, path := range files {
		if path == n.own.Name() {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue // it ended meanwhile
		}
		held := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
		f.Close()
		if held {
			return true
		}
		os.Remove(path)
	}
	return false
}

func (n *neighbours) leave() {
	os.Remove(n.own.Name())
	n.own.Close()
	os.Remove(n.dir) // the last one's
}

// meetEvery is how often a server looks for neighbours.
const meetEvery = 20 * time.Millisecond

// disturb makes all steps take 1 + share times as long while there are neighbours,
// until ctx ends.
func (n *neighbours) disturb(ctx context.Context, c *clock, share float64) {
	tick := time.NewTicker(meetEvery)
	defer tick.Stop()
	disturbed := false
	for {
		if now := n.any(); now != disturbed {
			disturbed = now
			factor := 1.0
			if disturbed {
				factor += share
			}
			c.do(func(m *machine, _ time.Duration) { m.disturb(factor) })
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
