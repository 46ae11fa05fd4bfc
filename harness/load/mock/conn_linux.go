package mock

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// maxPending bounds what is kept for a client that does not read.
const maxPending = 8 << 20

// A conn is one client's connection, serving one request at a time.
type conn struct {
	fd      int
	index   int     // since the start
	in      []byte  // of a request that is not all there
	out     []byte  // what the socket would not take yet
	stream  *stream // being served; nil none
	closing bool    // close once out is empty
	gone    bool    // closed
}

// A stream is a request for tokens being served.
type stream struct {
	answer
	conn  *conn
	event int   // the next
	due   int64 // its time
	place int   // in the queue
}

func (s *Server) accept() {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EMFILE || err == unix.ENFILE {
			s.full = s.watch(s.listener, unix.EPOLL_CTL_DEL, 0) == nil
		}
		if err != nil {
			return
		}
		if s.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil {
			unix.Close(fd)
			continue
		}
		s.conns[int32(fd)] = &conn{fd: fd, index: s.accepted}
		s.accepted++
	}
}

func (s *Server) drop(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	if c.stream != nil {
		s.queue.remove(c.stream)
	}
	delete(s.conns, int32(c.fd))
	unix.Close(c.fd)
	if s.full {
		s.full = s.watch(s.listener, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil
	}
}

// ready serves a connection that the kernel said something of.
func (s *Server) ready(c *conn, events uint32) {
	if events&unix.EPOLLOUT != 0 && !s.flush(c) {
		return
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
		return
	}
	n, controlled, _, _, err := unix.Recvmsg(c.fd, s.inbox, s.control[:], 0)
	now := time.Now().UnixNano()
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n == 0 || len(c.in) > maxHead+maxBody {
		s.drop(c)
		return
	}
	arrival := stampOf(s.control[:controlled])
	if arrival == 0 {
		arrival = now
	}
	in := s.inbox[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, in...)
		in = c.in
	}
	rest := s.requestsIn(c, in, arrival, now)
	c.in = append(c.in[:0], rest...)
}

// stampOf is the SO_TIMESTAMPNS stamp in a control message, or 0.
func stampOf(control []byte) int64 {
	if len(control) < unix.CmsgLen(16) {
		return 0
	}
	h, data, _, err := unix.ParseOneSocketControlMessage(control)
	if err != nil || h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS || len(data) < 16 {
		return 0
	}
	return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
}

// requestsIn serves the whole requests at the front of in, as long as none is a
// stream, and returns what is left.
func (s *Server) requestsIn(c *conn, in []byte, arrival, now int64) (rest []byte) {
	for len(in) > 0 && c.stream == nil && !c.closing && !c.gone {
		req, n, err := readHTTP(in)
		if err != nil {
			c.closing = true
			s.write(c, response(400, failure(err.Error())))
			break
		}
		if n == 0 {
			return in
		}
		c.closing = req.close
		s.serve(c, req, arrival, now)
		in = in[n:]
	}
	if s.closed(c) {
		return nil
	}
	return in
}

// closed closes the connection if nothing is left to be done for it, and reports
// whether it is gone.
func (s *Server) closed(c *conn) bool {
	if c.closing && c.stream == nil && len(c.out) == 0 {
		s.drop(c)
	}
	return c.gone
}

// serve answers one request, or begins to.
func (s *Server) serve(c *conn, req httpRequest, arrival, now int64) {
	api, forTokens := apis[req.path]
	switch {
	case forTokens && req.method == "POST":
		a, err := readAsk(api, req.body)
		switch {
		case err != nil:
			s.refuse(c, 400, err.Error())
		case len(s.queue) >= s.opts.maxStreams():
			s.refuse(c, 503, fmt.Sprintf("%d streams are open: no more are served", len(s.queue)))
		case s.stamps+s.opts.events(a.n) > maxStamps:
			s.refuse(c, 503, "the record of requests is full: fetch /truth, then POST /reset")
		default:
			s.begin(c, a, arrival, now)
		}
	case forTokens:
		s.write(c, response(405, failure(req.path+" takes a POST")))
	case req.path == "/truth":
		b, err := json.Marshal(s.truth())
		if err != nil { // only finite numbers and strings are in it
			b = []byte(err.Error())
		}
		s.write(c, response(200, b))
	case req.path == "/reset" && req.method == "POST":
		if err := s.reset(); err != nil {
			s.write(c, response(409, failure(err.Error())))
			return
		}
		s.write(c, response(200, map[string]any{"success": true}))
	default:
		s.write(c, response(control(req.method, req.path, req.body)))
	}
}

func (s *Server) refuse(c *conn, status int, why string) {
	s.refused++
	s.write(c, response(status, failure(why)))
}

// begin puts a new stream into the queue.
func (s *Server) begin(c *conn, a ask, arrival, now int64) {
	nth, n := len(s.requests), s.opts.events(a.n)
	s.requests = append(s.requests, Request{API: a.api, Conn: c.index, ArrivalNS: arrival, ReadNS: now,
		PromptTokens: a.prompt, Tokens: a.n, Streamed: a.stream, WriteNS: make([]int64, 0, n)})
	s.stamps += n
	st := &stream{answer: answer{ask: a, nth: nth, incremental: s.opts.Incremental}, conn: c}
	if !a.stream {
		st.event = n - 1 // all leaves with the last
	}
	st.due = s.opts.due(s.epoch(), arrival, nth, st.event)
	c.stream = st
	s.queue.push(st)
}

const streamHead = "HTTP/1.1 200 OK\r\nServer: mock\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"

// emit writes the events that are due, a bounded number of them so that the sockets
// are looked at in between.
func (s *Server) emit() {
	for range 64 {
		if len(s.queue) == 0 {
			return
		}
		st := s.queue[0]
		now := time.Now().UnixNano()
		if now < st.due {
			return
		}
		if !st.stream {
			s.finish(st, append(s.scratch[:0], response(200, st.appendWhole(nil))...))
			continue
		}
		s.emitEvent(st, now)
	}
}

// emitEvent writes the stream's next event, in an own write as a real server's would
// be, and the end of the stream in another.
func (s *Server) emitEvent(st *stream, now int64) {
	rec := &s.requests[st.nth]
	b := s.scratch[:0]
	if st.event == 0 {
		b = append(b, streamHead...)
		if st.api == Chat {
			b = append(b, chunkHead...)
			b = sealChunk(st.appendRole(b, now), len(streamHead))
			if !s.write(st.conn, b) {
				return
			}
			b = b[:0]
			now = time.Now().UnixNano()
		}
	}
	at := len(b)
	before := 0
	if st.event > 0 {
		before = s.opts.tokens(st.event-1, st.n)
	}
	upTo := s.opts.tokens(st.event, st.n)
	b = append(b, chunkHead...)
	b = sealChunk(st.appendEvent(b, st.event, before, upTo, now), at)
	s.scratch = b
	rec.WriteNS = append(rec.WriteNS, now)
	if len(st.conn.out) > 0 {
		rec.Blocked++
	}
	if !s.write(st.conn, b) {
		return
	}
	if upTo == st.n {
		b = append(b[:0], chunkHead...)
		b = sealChunk(st.appendTail(b, time.Now().UnixNano()), 0)
		s.finish(st, append(b, "0\r\n\r\n"...))
		return
	}
	st.event++
	st.due = s.opts.due(s.epoch(), rec.ArrivalNS, st.nth, st.event)
	s.queue.fix()
}

// finish writes the last bytes of an answer, and turns to what the client has sent
// meanwhile.
func (s *Server) finish(st *stream, b []byte) {
	c := st.conn
	s.queue.remove(st)
	c.stream = nil
	if !s.write(c, b) {
		return
	}
	now := time.Now().UnixNano()
	s.requests[st.nth].EndNS = now
	rest := s.requestsIn(c, c.in, now, now)
	c.in = append(c.in[:0], rest...)
}

// write sends b, or keeps for later what the socket does not take. False: the
// connection is gone.
func (s *Server) write(c *conn, b []byte) bool {
	waiting := len(c.out) > 0
	if !waiting {
		n, err := unix.Write(c.fd, b)
		if err == unix.EAGAIN || err == unix.EINTR {
			n = 0
		} else if err != nil {
			s.drop(c)
			return false
		}
		b = b[n:]
	}
	c.out = append(c.out, b...)
	if len(c.out) > maxPending && c.stream != nil {
		s.drop(c)
		return false
	}
	return waiting == (len(c.out) > 0) || s.watchWrites(c)
}

// flush sends on what was kept. False: the connection is gone.
func (s *Server) flush(c *conn) bool {
	n, err := unix.Write(c.fd, c.out)
	if err == unix.EAGAIN || err == unix.EINTR {
		return true
	}
	if err != nil {
		s.drop(c)
		return false
	}
	if c.out = c.out[n:]; len(c.out) > 0 {
		return true
	}
	return s.watchWrites(c) && !s.closed(c)
}

// watchWrites asks the kernel to say when the socket takes bytes, if any wait.
func (s *Server) watchWrites(c *conn) bool {
	events := uint32(unix.EPOLLIN)
	if len(c.out) > 0 {
		events |= unix.EPOLLOUT
	}
	if s.watch(c.fd, unix.EPOLL_CTL_MOD, events) != nil {
		s.drop(c)
	}
	return !c.gone
}
