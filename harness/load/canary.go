package load

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"time"
)

// A canary measures the load generator with what it measures servers with: a
// connection of this process to itself over loopback, on which a goroutine writes the
// time every few ms, read by the transport beside its streams. What lies between the
// time that was written and the stamp of its arrival is an error that every stamp of
// this run may have.
type canary struct {
	listener net.Listener
	stop     chan struct{}
	done     sync.WaitGroup

	part  []byte    // of a message that came in parts
	error []float64 // of the stamps, in seconds
	delay []float64 // until the program had the bytes, in seconds
}

// canaryPeriod is from one message to the next: 200 a second, for less than a
// hundredth of a core.
const canaryPeriod = 5 * time.Millisecond

// newCanary opens what will be written to; it is read by whoever dials its address.
// It returns nil where loopback cannot be had: then nothing is measured.
func newCanary() *canary {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil
	}
	return &canary{listener: l, stop: make(chan struct{})}
}

// address is where to dial.
func (c *canary) address() *net.TCPAddr { return c.listener.Addr().(*net.TCPAddr) }

// sing writes to whoever dials, from the start of a run until quiet is called.
func (c *canary) sing(start time.Time) {
	c.done.Go(func() {
		song, err := c.listener.Accept()
		if err != nil {
			return
		}
		defer song.Close()
		tick := time.NewTicker(canaryPeriod)
		defer tick.Stop()
		var b [8]byte
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
			}
			binary.NativeEndian.PutUint64(b[:], uint64(time.Since(start)))
			if _, err := song.Write(b[:]); err != nil {
				return
			}
		}
	})
}

// heard takes what a read of the other end brought.
func (c *canary) heard(b []byte, at stamp) {
	c.part = append(c.part, b...)
	for ; len(c.part) >= 8; c.part = c.part[8:] {
		wrote := int64(binary.NativeEndian.Uint64(c.part))
		c.error = append(c.error, seconds(max(at.ns-wrote, 0)))
		c.delay = append(c.delay, seconds(max(at.user-wrote, 0)))
	}
}

// quiet ends the writing. The other end has been closed before.
func (c *canary) quiet() {
	close(c.stop)
	c.listener.Close()
	c.done.Wait()
}

// report fills in what was measured. Nobody reads the canary any more when it is called.
func (c *canary) report(to *Client) {
	slices.Sort(c.error)
	slices.Sort(c.delay)
	to.Canaries = len(c.error)
	to.ErrorP50Seconds, to.ErrorP99Seconds = rank(c.error, 0.5), rank(c.error, 0.99)
	to.CanaryP50Seconds, to.CanaryP99Seconds = rank(c.delay, 0.5), rank(c.delay, 0.99)
}
