package load

import (
	"context"
	"net"
	"time"
)

// A stream is one connection with the readers of what comes over it. It serves
// one request at a time.
type stream struct {
	conn net.Conn
	buf  [16 << 10]byte // most of what one read takes; a TLS record fits

	answer

	served   int   // requests so far
	idleFrom int64 // ns of the run when the last ended, or the dial
}

// exchange sends one request and reads its answer to the end, into rec. It
// reports whether the connection may serve another. start is the run's.
func (s *stream) exchange(ctx context.Context, c *call, lim limits, start time.Time, rec *Record) (keep bool) {
	s.begin(rec, c, int64(time.Since(start)))
	rec.ConnReused = s.served > 0
	s.served++

	s.conn.SetWriteDeadline(start.Add(time.Duration(rec.SendNS + min(lim.first, lim.total))))
	_, writeErr := s.conn.Write(c.wire)
	rec.WrittenNS = int64(time.Since(start))
	readErr := s.receive(lim, start)
	if readErr != nil && writeErr != nil && rec.FirstByteNS < 0 {
		readErr = writeErr // a server that refuses early may close before it has read all: its answer counts more
	}
	whole := s.end(ctx, readErr, c.exact, lim, int64(time.Since(start)))
	s.idleFrom = rec.DoneNS
	return whole && readErr == nil && writeErr == nil && !s.resp.close
}

// receive reads until the response is complete or something breaks; nil is complete.
func (s *stream) receive(lim limits, start time.Time) error {
	for s.resp.state != complete {
		s.conn.SetReadDeadline(start.Add(time.Duration(lim.due(s.reply.rec))))
		n, err := s.conn.Read(s.buf[:])
		ns := int64(time.Since(start))
		if n > 0 {
			if err := s.read(s.buf[:n], stamp{ns, ns}); err != nil {
				return err
			}
		}
		if err != nil && s.resp.state != complete {
			return err
		}
	}
	return nil
}
