package load

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A kernel transport serves all streams from one thread, which drains every socket
// that has something at each wake-up. The kernel stamps what comes in, so that the
// thread need not wake for each chunk: it sleeps a little between drains, which
// costs no accuracy, and saves most wake-ups.
type kernel struct {
	*runner
	addr    netip.AddrPort
	poll    int // epoll
	bell    int // eventfd: the run's context has ended
	release func()

	conns  []*conn // by their number; nil is vacant
	vacant []int
	ports  int     // that one local address has for the server
	idle   []*conn // the one used last is used first, so that few grow old
	todo   *agenda // nil before the run
	wall   wallClock
	in     receiver
	events [512]unix.EpollEvent

	dialling  int      // connections
	dialErr   error    // of the last that failed before the run
	inFlight  int      // requests
	due       int64    // when the agenda must be asked again, at the latest
	timeout   int64    // when a request may be timed out, at the earliest
	nap       nap      // between two drains
	ends      timeline // when answers are expected to end that have one token to come
	busy      bool     // the last drain brought something
	alone     bool     // Go has one processor
	perch     socket   // the canary's other end,
	singing   bool     // where there is one
	cpu       float64  // of the thread, as a share of the run's time,
	waited    float64  // and how long it waited for a core, likewise
	unstamped int      // reads whose stamp was missing or could not be true
}

// What epoll knows these two by; connections have numbers from 0.
const (
	theBell   = -1
	theCanary = -2
)

func kernelTransport(r *runner) (transport, error) {
	if r.end.tls != nil || strconv.IntSize < 64 {
		return plainTransport(r)
	}
	k := &kernel{runner: r, ports: localPorts(), nap: nap{part: leastPart}, timeout: never}
	var err error
	if k.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	if k.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(k.poll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	k.watch(k.bell, theBell, unix.EPOLLIN, unix.EPOLL_CTL_ADD)
	rung := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(rung)
		unix.Write(k.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	k.release = func() {
		if !stop() {
			<-rung
		}
	}
	return k, nil
}

func (k *kernel) report(c *Client) {
	c.Stamps = "kernel"
	c.CPUShare, c.WaitShare = k.cpu, k.waited
	c.Unstamped, c.ClockSteps = k.unstamped, k.wall.steps
}

func (k *kernel) close() {
	k.release()
	if k.singing {
		k.perch.close()
	}
	for _, c := range k.conns {
		if c != nil {
			c.socket.close()
		}
	}
	unix.Close(k.bell)
	unix.Close(k.poll)
}

// watch tells epoll what to wait for on a descriptor. An error is a broken contract
// of the caller: the descriptor is open.
func (k *kernel) watch(fd, number int, events uint32, op int) {
	if err := unix.EpollCtl(k.poll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(number)}); err != nil {
		panic("load: epoll_ctl: " + err.Error())
	}
}

func (k *kernel) now() int64 { return int64(time.Since(k.start)) }

// connect finds the server's address, and dials the connections that the run begins
// with. It fails only if none can be made: a server that takes fewer shows that in
// the records.
func (k *kernel) connect() error {
	ctx, cancel := context.WithTimeout(k.ctx, k.opts.Timeouts.Connect)
	defer cancel()
	host, port, _ := net.SplitHostPort(k.end.addr)
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return fmt.Errorf("cannot reach the server: %w", err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("cannot reach the server: %w", err)
	}
	for _, a := range addrs {
		k.addr = netip.AddrPortFrom(a, uint16(number))
		if err = enoughPorts(a, k.opts.Connections, k.ports); err != nil {
			return err
		}
		if err = k.dialAll(1); err == nil {
			k.dialAll(k.opts.Connections - 1)
			return nil
		}
	}
	return fmt.Errorf("cannot reach the server: %w", err)
}

// dialAll makes n connections, few at a time, so that the server's queue of them
// does not overflow. It fails if none could be made.
func (k *kernel) dialAll(n int) error {
	const atOnce = 64
	k.start = time.Now() // what the deadlines of dials count from
	before := len(k.idle)
	for dialled := 0; k.ctx.Err() == nil; {
		for dialled < n && k.dialling < atOnce {
			dialled++
			k.dial(-1)
		}
		if k.dialling == 0 {
			break
		}
		k.drain(100 * time.Millisecond)
		k.timeOut(k.now())
	}
	if n > 0 && len(k.idle) == before {
		return k.dialErr
	}
	return nil
}
