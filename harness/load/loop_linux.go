package load

import (
	"context"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spin is the last stretch before a send is due, which is not slept but spun away.
const spin = 60 * time.Microsecond

// serve is the loop: send what is due, sleep, drain the sockets.
func (k *kernel) serve(todo *agenda) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // ns by which sleeps of this thread may be late
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
	k.todo, k.timeout = todo, never
	k.alone = runtime.GOMAXPROCS(0) == 1
	k.wall.begin(k.start)
	for _, c := range k.idle {
		c.idleFrom = 0
	}
	k.perchCanary()
	cpu, waited := threadSeconds()
	defer func() {
		cpuEnd, waitedEnd := threadSeconds()
		took := time.Since(k.start).Seconds()
		k.cpu, k.waited = (cpuEnd-cpu)/took, (waitedEnd-waited)/took
	}()
	for k.ctx.Err() == nil {
		k.sendDue()
		if k.inFlight == 0 && k.due == never {
			return
		}
		k.wait()
		k.timeOut(k.now())
	}
	for _, c := range k.conns {
		switch {
		case c == nil:
		case c.state == serving:
			k.finish(c, context.Cause(k.ctx), k.now())
		case c.state == dialling:
			k.dialled(c, context.Cause(k.ctx))
		}
	}
}

// perchCanary begins to read the canary, where there is one.
func (k *kernel) perchCanary() {
	if k.canary == nil {
		return
	}
	var err error
	if k.perch, err = openSocket(k.canary.address().AddrPort()); err != nil {
		return // then it is not heard, and the client says so
	}
	k.singing = true
	k.watch(k.perch.fd, theCanary, unix.EPOLLIN, unix.EPOLL_CTL_ADD)
}

// hear reads the canary.
func (k *kernel) hear() {
	b, wall, err := k.in.read(k.perch)
	if err == nil && len(b) > 0 {
		at, _ := k.wall.stamp(wall, 0, k.now())
		k.canary.heard(b, at)
	}
}

// sendDue takes up all that is due.
func (k *kernel) sendDue() {
	for k.ctx.Err() == nil {
		now := k.now()
		i, due := k.todo.next(now)
		k.due = due
		if i < 0 || due > now {
			return
		}
		k.todo.take(i, due)
		k.inFlight++
		k.begin(i, due, now, true)
		if n := len(k.idle); n > 0 && !k.opts.FreshConnections {
			c := k.idle[n-1]
			k.idle = k.idle[:n-1]
			k.send(c, i)
		} else {
			k.dial(i)
		}
	}
}

// adapt shortens the sleep between drains while many reads bring several chunks, whose
// times the sleep may have lost, and else lengthens it slowly.
func (k *kernel) adapt(shared bool) {
	const window = 256
	k.drained++
	if shared {
		k.shared++
	}
	if k.drained < window {
		return
	}
	if k.shared*100 > window {
		k.nap /= 2
	} else {
		k.nap = min(k.nap+maxNap/32, maxNap)
	}
	k.drained, k.shared = 0, 0
}

// wait sleeps until something may have come or a send is due, and drains the sockets.
func (k *kernel) wait() {
	left := time.Duration(min(k.due, k.timeout) - k.now())
	if k.ending == 0 && k.busy && k.nap > 0 { // what comes meanwhile is stamped all the same
		if d := min(left-spin, k.nap); d > 0 {
			k.sleep(d)
			left -= d
		}
		k.drain(0)
		return
	}
	if left < 2*time.Millisecond { // epoll counts in ms
		if d := min(left-spin, 100*time.Microsecond); d > 0 {
			k.sleep(d)
		}
		k.drain(0)
		return
	}
	k.drain(min(left-time.Millisecond, time.Minute))
}

// sleep is for a ms at most. It does not tell Go's scheduler that the thread blocks:
// the scheduler would take its processor away each time, and watch every 20 us for
// another one to take, which cost a tenth of all CPU. Where there is one processor
// only, others need it.
func (k *kernel) sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	if k.alone {
		_ = unix.Nanosleep(&ts, nil) // woken early by a signal: the next look comes early
		return
	}
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// drain waits at most so long for something to come, and takes all that has, one
// read a socket. What becomes due meanwhile is sent in between.
func (k *kernel) drain(wait time.Duration) {
	n, err := unix.EpollWait(k.poll, k.events[:], int(wait.Milliseconds()))
	if err != nil { // interrupted by a signal
		return
	}
	k.wall.sample()
	k.busy = n > 0
	for _, e := range k.events[:n] {
		switch e.Fd {
		case theBell: // the loop looks at the context itself
			continue
		case theCanary:
			k.hear()
			continue
		}
		c := k.conns[e.Fd]
		if c == nil {
			continue // closed by an event before
		}
		switch {
		case c.state == dialling:
			k.dialled(c, nil)
		case c.blocked && e.Events&unix.EPOLLOUT != 0:
			k.write(c)
			fallthrough
		default:
			k.receive(c)
		}
		if k.todo != nil && k.now() >= k.due {
			k.sendDue()
		}
	}
}
