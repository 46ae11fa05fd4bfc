package load

import (
	"encoding/binary"
	"net"
	"slices"
	"time"
)

// A canary measures the load generator with what it measures servers with: a
// connection of this process to itself over loopback, on which the time is written
// every few ms, and which the transport reads beside its streams. What lies between
// the time that was written and the stamp of its arrival is an error that every stamp
// of this run may have.
type canary struct {
	listener net.Listener
	song     net.Conn // the end that is written to
	message  [8]byte
	sung     int64 // when it was written to last

	part  []byte    // of a message that came in parts
	error []float64 // of the stamps, in seconds
	delay []float64 // until the program had the bytes, in seconds
}

// canaryPeriod is from one message to the next: often enough for a p99 of a run of
// some seconds, for a third of a hundredth of a core.
const canaryPeriod = 10 * time.Millisecond

// newCanary opens what is to be dialled, at address, by who reads it. It returns nil
// where loopback cannot be had: then nothing is measured. Its port is not one of
// 127.0.0.1, where a server that is about to start may have been promised the same;
// only Linux has the other addresses of loopback without being asked.
func newCanary() *canary {
	for _, host := range []string{"127.0.0.2", "127.0.0.1"} {
		if l, err := net.Listen("tcp", host+":0"); err == nil {
			return &canary{listener: l, sung: -int64(canaryPeriod)}
		}
	}
	return nil
}

func (c *canary) address() *net.TCPAddr { return c.listener.Addr().(*net.TCPAddr) }

// perched opens the end to write to, after address has been dialled. Nobody else can
// dial it from then on.
func (c *canary) perched() (err error) {
	c.song, err = c.listener.Accept()
	c.listener.Close()
	return err
}

// sing writes the time, if a period has passed since it did.
func (c *canary) sing(start time.Time) {
	now := int64(time.Since(start))
	if c.song == nil || now-c.sung < int64(canaryPeriod) {
		return
	}
	c.sung = now
	binary.NativeEndian.PutUint64(c.message[:], uint64(time.Since(start)))
	_, _ = c.song.Write(c.message[:]) // a few bytes to a reader of this process; one that is gone hears no more
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

// close closes this end.
func (c *canary) close() {
	c.listener.Close()
	if c.song != nil {
		c.song.Close()
	}
}

// report fills in what was measured. Nobody reads the canary any more when it is called.
func (c *canary) report(to *Client) {
	slices.Sort(c.error)
	slices.Sort(c.delay)
	to.Canaries = len(c.error)
	to.ErrorP50Seconds, to.ErrorP99Seconds = rank(c.error, 0.5), rank(c.error, 0.99)
	to.CanaryP50Seconds, to.CanaryP99Seconds = rank(c.delay, 0.5), rank(c.delay, 0.99)
}
