package load

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// A conn is one connection of the kernel transport. It serves one request at a time.
type conn struct {
	answer
	socket socket
	number int // its place in the transport's list

	state    connState
	i        int    // the request that it serves or is dialled for; -1 is none
	out      []byte // of the request, still to be written
	blocked  bool   // epoll waits for room to write
	writeErr error
	deadline int64 // of the dial

	served   int   // requests so far
	idleFrom int64 // when the last of them ended, or the dial
	reused   bool  // the request has a connection that had served another,
	stale    bool  // or one that had been idle for long
}

type connState int8

const (
	dialling connState = iota
	idling
	serving
)

// dial begins a connection for request i; for -1 it will idle.
func (k *kernel) dial(i int) {
	c := &conn{i: i, deadline: k.now() + int64(k.opts.Timeouts.Connect)}
	c.number = len(k.conns)
	if n := len(k.vacant); n > 0 {
		c.number = k.vacant[n-1]
	}
	var err error
	if c.socket, err = openSocket(k.addr, source(k.addr.Addr(), c.number, k.ports)); err != nil {
		k.failDial(i, err)
		return
	}
	if n := len(k.vacant); n > 0 {
		k.vacant = k.vacant[:n-1]
	} else {
		k.conns = append(k.conns, nil)
	}
	k.conns[c.number] = c
	k.dialling++
	k.timeout = min(k.timeout, c.deadline)
	k.watch(c.socket.fd, c.number, unix.EPOLLOUT, unix.EPOLL_CTL_ADD)
}

// dialled goes on when a connection is there, or has failed.
func (k *kernel) dialled(c *conn, err error) {
	k.dialling--
	if err == nil {
		err = c.socket.connected()
	}
	if err != nil {
		k.drop(c)
		k.failDial(c.i, err)
		return
	}
	k.watch(c.socket.fd, c.number, unix.EPOLLIN, unix.EPOLL_CTL_MOD)
	c.idleFrom = k.now()
	if c.i < 0 {
		k.idle, c.state = append(k.idle, c), idling
		return
	}
	k.send(c, c.i)
}

// failDial is the end of a request that has no connection, or of a dial before the run.
func (k *kernel) failDial(i int, err error) {
	err = &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(k.addr), Err: err}
	if i < 0 {
		k.dialErr = err
		return
	}
	k.failConnect(&k.records[i], err)
	k.settle(i)
}

// send begins request i on a connection that is there.
func (k *kernel) send(c *conn, i int) {
	rec, now := &k.records[i], k.now()
	rec.begin(rec.DispatchNS)
	rec.ConnReadyNS = now
	c.reused, c.stale = c.served > 0, now-c.idleFrom >= staleNS
	rec.ConnReused = c.reused
	c.served++
	c.i, c.state, c.out, c.writeErr = i, serving, k.calls[i].wire, nil
	c.begin(rec, &k.calls[i], now)
	k.timeout = min(k.timeout, now+min(k.limits.first, k.limits.gap, k.limits.total))
	k.write(c)
	c.socket.delayAcks()
}

// write hands as much of the request to the system as it takes.
func (k *kernel) write(c *conn) {
	for len(c.out) > 0 {
		n, err := unix.Write(c.socket.fd, c.out)
		switch err {
		case nil:
			c.out = c.out[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			if !c.blocked {
				c.blocked = true
				k.watch(c.socket.fd, c.number, unix.EPOLLIN|unix.EPOLLOUT, unix.EPOLL_CTL_MOD)
			}
			return
		default:
			c.out, c.writeErr = nil, os.NewSyscallError("write", err) // the answer may still tell why
		}
	}
	k.records[c.i].WrittenNS = k.now()
	if c.blocked {
		c.blocked = false
		k.watch(c.socket.fd, c.number, unix.EPOLLIN, unix.EPOLL_CTL_MOD)
	}
}

// receive takes what a connection holds.
func (k *kernel) receive(c *conn) {
	b, wall, err := k.in.read(c.socket)
	if err == unix.EAGAIN {
		return
	}
	if c.state == idling { // the server has closed it, or speaks unasked
		k.drop(c)
		return
	}
	rec := &k.records[c.i]
	if err != nil || len(b) == 0 {
		if err == nil {
			err = io.EOF
		}
		k.finish(c, os.NewSyscallError("read", err), k.now())
		return
	}
	at, ok := k.wall.stamp(wall, rec.SendNS, k.now())
	if !ok {
		k.unstamped++
	}
	before, last := c.reply.chunks, rec.LastTokenNS
	err = c.read(b, at)
	if n := c.reply.chunks - before; n > 0 && last >= 0 {
		k.nap.took(n, at.ns-last)
		k.foresee(c.i, rec, c.reply.chunks)
	}
	if err != nil || c.resp.state == complete {
		k.finish(c, err, at.ns)
	}
}

// finish ends the request that a connection serves: err is what stopped it, at the
// time of its last bytes, or now.
func (k *kernel) finish(c *conn, err error, at int64) {
	i, rec := c.i, &k.records[c.i]
	if err != nil && c.writeErr != nil && rec.FirstByteNS < 0 {
		err = c.writeErr // a server that refuses early may close before it has read all: its answer counts more
	}
	whole := c.end(k.ctx, err, k.calls[i].exact, k.limits, at)
	written := c.writeErr == nil && len(c.out) == 0
	if whole && err == nil && written && !c.resp.close && !k.hangsUp.Load() && !k.opts.FreshConnections {
		c.i, c.idleFrom, c.state = -1, at, idling
		k.idle = append(k.idle, c)
	} else {
		k.drop(c)
		if k.again(rec, c.reused, c.stale) {
			k.dial(i)
			return
		}
	}
	k.settle(i)
}

// settle is what follows the end of a request.
func (k *kernel) settle(i int) {
	rec := &k.records[i]
	k.inFlight--
	k.ended(i)
	k.todo.ended(i, rec.OK(), rec.DoneNS)
	k.due = 0 // something may be due at once
}

// drop closes a connection.
func (k *kernel) drop(c *conn) {
	c.socket.close()
	k.conns[c.number] = nil
	k.vacant = append(k.vacant, c.number)
	if c.state == idling {
		for n, other := range k.idle {
			if other == c {
				k.idle = append(k.idle[:n], k.idle[n+1:]...)
				break
			}
		}
	}
}

// timeOut ends what has waited for too long. The times only move on while data
// comes, so that all are looked at only when the earliest may be due.
func (k *kernel) timeOut(now int64) {
	if now < k.timeout {
		return
	}
	k.timeout = never
	for _, c := range k.conns {
		if c == nil || c.state == idling {
			continue
		}
		due := c.deadline
		if c.state == serving {
			due = k.limits.due(&k.records[c.i])
		}
		switch {
		case due > now:
			k.timeout = min(k.timeout, due, now+k.limits.gap) // a token may come at once, and then the next must
		case c.state == serving:
			k.finish(c, os.ErrDeadlineExceeded, now)
		default:
			k.dialled(c, os.ErrDeadlineExceeded)
		}
	}
}
