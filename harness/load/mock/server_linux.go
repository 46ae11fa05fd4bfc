package mock

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxStamps bounds the memory of a Truth: 128 MiB of write times.
const maxStamps = 16 << 20

// A Server is a running mock. One locked thread does all: it sleeps until an event is
// due or a socket is ready, by the kernel's high resolution timer and not Go's, which
// is up to a ms late.
type Server struct {
	URL string // http://127.0.0.1:PORT

	opts     Options
	epoll    int
	listener int
	wake     int // an eventfd that ends the sleep
	done     chan struct{}
	err      error // why the loop ended, once done

	// Of the loop's thread alone.
	conns   map[int32]*conn // by descriptor
	full    bool            // out of descriptors: the listener waits for one
	queue   queue
	scratch []byte // the event being written
	inbox   []byte // what one read takes
	control [64]byte

	mu       sync.Mutex // guards what follows
	closing  bool
	requests []Request
	stamps   int // promised to requests so far
	accepted int
	refused  int
	began    time.Time // of the Truth
}

// Listen starts a server; Close ends it.
func Listen(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Server{opts: o, done: make(chan struct{}), conns: map[int32]*conn{}, inbox: make([]byte, 256<<10), began: time.Now()}
	if err := s.open(); err != nil {
		s.shut()
		return nil, fmt.Errorf("mock server on %s: %w", o.addr(), err)
	}
	go s.loop()
	return s, nil
}

// open makes the descriptors.
func (s *Server) open() (err error) {
	s.epoll, s.listener, s.wake = -1, -1, -1
	addr, err := net.ResolveTCPAddr("tcp4", s.opts.addr())
	if err != nil {
		return err
	}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if s.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return err
	}
	// Accepted sockets inherit these, before a byte of theirs arrives.
	for _, opt := range [][2]int{{unix.SOL_SOCKET, unix.SO_REUSEADDR}, {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}, {unix.IPPROTO_TCP, unix.TCP_NODELAY}} {
		if err := unix.SetsockoptInt(s.listener, opt[0], opt[1], 1); err != nil {
			return err
		}
	}
	if err := unix.Bind(s.listener, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}); err != nil {
		return err
	}
	if err := unix.Listen(s.listener, 4096); err != nil {
		return err
	}
	bound, err := unix.Getsockname(s.listener)
	if err != nil {
		return err
	}
	addr.Port = bound.(*unix.SockaddrInet4).Port
	s.URL = "http://" + addr.String()
	return errors.Join(s.watch(s.wake, unix.EPOLL_CTL_ADD, unix.EPOLLIN), s.watch(s.listener, unix.EPOLL_CTL_ADD, unix.EPOLLIN))
}

func (s *Server) watch(fd, op int, events uint32) error {
	return unix.EpollCtl(s.epoll, op, fd, &unix.EpollEvent{Fd: int32(fd), Events: events})
}

// shut closes every descriptor.
func (s *Server) shut() {
	for _, c := range s.conns {
		unix.Close(c.fd)
	}
	for _, fd := range []int{s.listener, s.wake, s.epoll} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Close ends the server and every stream, and reports what went wrong in it, if
// anything did.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	s.mu.Unlock()
	<-s.done
	return s.err
}

// Truth is a copy of what the server did so far. Making it holds the server up: ask
// between runs.
func (s *Server) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.truth()
	t.Requests = slices.Clone(t.Requests)
	for i := range t.Requests {
		t.Requests[i].WriteNS = slices.Clone(t.Requests[i].WriteNS)
	}
	return t
}

func (s *Server) truth() Truth {
	t := Truth{Requests: s.requests, Connections: s.accepted, Refused: s.refused}
	t.fill(s.opts.Plan, s.epoch())
	now := time.Now()
	t.ClockStepSeconds = (now.Round(0).Sub(s.began.Round(0)) - now.Sub(s.began)).Seconds() // wall less monotonic
	return t
}

// Reset begins a new Truth. It fails while streams are open.
func (s *Server) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reset()
}

func (s *Server) reset() error {
	if n := len(s.queue); n > 0 {
		return fmt.Errorf("%d streams are open: reset when they have ended", n)
	}
	s.requests, s.stamps, s.accepted, s.refused, s.began = nil, 0, 0, 0, time.Now()
	return nil
}

func (s *Server) epoch() int64 {
	if len(s.requests) == 0 {
		return 0
	}
	return s.requests[0].ArrivalNS
}

// loop is the server's thread, until Close.
func (s *Server) loop() {
	runtime.LockOSThread() // for good: the thread's timer slack is changed
	defer close(s.done)
	defer s.shut()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // ns; without it a sleep is 50 us longer
	events := make([]unix.EpollEvent, 256)
	for {
		s.await()
		n, err := unix.EpollWait(s.epoll, events, 0)
		if err != nil && err != unix.EINTR {
			s.err = fmt.Errorf("mock server: epoll: %w", err)
			return
		}
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			return
		}
		s.emit()
		for _, e := range events[:max(n, 0)] {
			switch c := s.conns[e.Fd]; {
			case int(e.Fd) == s.listener:
				s.accept()
			case c != nil:
				s.ready(c, e.Events)
			}
			s.emit() // a burst of requests must not hold the streams up
		}
		s.mu.Unlock()
	}
}

// await sleeps until a socket is ready or the next event is almost due.
func (s *Server) await() {
	var timeout *unix.Timespec
	if len(s.queue) > 0 {
		left := s.queue[0].due - int64(s.opts.Spin) - time.Now().UnixNano()
		if left <= 0 {
			return
		}
		ts := unix.NsecToTimespec(left)
		timeout = &ts
	}
	// An interrupted sleep is a shorter one.
	_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(s.epoll), Events: unix.POLLIN}}, timeout, nil)
}
