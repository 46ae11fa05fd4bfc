package load

import (
	"context"
	"net/netip"
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
		if k.singing { // from here: what it is late by, all is late by that comes while this thread sleeps
			k.canary.sing(k.start)
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
	if k.perch, err = openSocket(k.canary.address().AddrPort(), netip.Addr{}); err != nil {
		return // then it is not heard, and the client says so
	}
	k.singing = true
	if k.canary.perched() == nil {
		k.watch(k.perch.fd, theCanary, unix.EPOLLIN, unix.EPOLL_CTL_ADD)
	}
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

// rest is how long to sleep before the next drain.
func (k *kernel) rest() time.Duration {
	if k.inFlight < fewStreams {
		return 0
	}
	end := int64(never)
	if !k.turns() {
		return k.nap.length(k.now(), end, maxNap)
	}
	for len(k.ends) > 0 && k.records[k.ends[0].prompt].DoneNS >= 0 {
		k.ends.pop()
	}
	if len(k.ends) > 0 {
		end = k.ends[0].at
	}
	return k.nap.length(k.now(), end, maxTurn)
}

// turns reports whether the end of a request may bring the next.
func (k *kernel) turns() bool { return !k.todo.open() || len(k.todo.follow) > 0 }

// foresee notes when the request's last token is to be expected, once that is the next.
func (k *kernel) foresee(i int, rec *Record, chunks int) {
	if chunks == rec.RequestedTokens-1 && k.turns() {
		k.ends.push(rec.LastTokenNS+k.nap.gap*7/8, i)
	}
}

// wait sleeps until something may have come or a send is due, and drains the sockets.
func (k *kernel) wait() {
	left := time.Duration(min(k.due, k.timeout) - k.now())
	if nap := k.rest(); k.busy && nap > 0 { // what comes meanwhile is stamped all the same
		if d := min(left-spin, nap); d > 0 {
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

// The two waits below are short, and do not tell Go's scheduler that the thread
// blocks: it would take the thread's processor away each time, and then look every
// 20 us for another to take, for more CPU than all else where chunks are few. A
// collection of garbage waits for them, and there is none in a run. Where Go has one
// processor only, others need it, and are told.

// sleep is for a ms at most. A signal may end it early.
func (k *kernel) sleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	if k.alone {
		_ = unix.Nanosleep(&ts, nil)
		return
	}
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// ready waits at most so long for something to come, and says what has; maybe less.
func (k *kernel) ready(wait time.Duration) []unix.EpollEvent {
	if k.alone {
		n, _ := unix.EpollWait(k.poll, k.events[:], int(wait.Milliseconds())) // an error is a signal
		return k.events[:max(n, 0)]
	}
	wait = min(wait, 5*time.Millisecond)
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(k.poll), uintptr(unsafe.Pointer(&k.events)), uintptr(len(k.events)), uintptr(wait.Milliseconds()), 0, 0)
	if errno != 0 {
		return nil
	}
	return k.events[:n]
}

// drain waits at most so long for something to come, and takes all that has, one
// read a socket. What becomes due meanwhile is sent in between.
func (k *kernel) drain(wait time.Duration) {
	events := k.ready(wait)
	k.wall.sample()
	k.busy = len(events) > 0
	for _, e := range events {
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
