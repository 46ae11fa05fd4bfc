package load

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A plain transport has a goroutine for each stream and reads by package net, with
// TLS or without; a time is the clock's right after a read has returned.
type plain struct {
	*runner
	pool   pool
	closed func()

	mu       sync.Mutex // guards the agenda while the run goes on
	inFlight int
	wake     chan struct{} // holds one: a request has ended
}

func plainTransport(r *runner) (transport, error) {
	p := &plain{runner: r, pool: pool{all: map[*stream]struct{}{}}, wake: make(chan struct{}, 1)}
	done := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(done)
		p.pool.close()
	})
	p.closed = func() {
		if stop() {
			p.pool.close()
		} else {
			<-done
		}
	}
	return p, nil
}

func (p *plain) close() { p.closed() }

func (p *plain) report(c *Client) {
	c.Stamps = "user"
	c.CPUShare = c.CPUSeconds / time.Since(p.start).Seconds() / float64(runtime.GOMAXPROCS(0))
}

// connect fails only if no connection can be made: a server that takes fewer shows
// that in the records.
func (p *plain) connect() error {
	var made atomic.Int64
	var g errgroup.Group
	g.SetLimit(64)
	for range p.opts.Connections {
		g.Go(func() error {
			s, err := p.dial()
			if err == nil {
				made.Add(1)
				p.pool.put(s)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil && made.Load() == 0 {
		return fmt.Errorf("cannot reach the server: %w", err)
	}
	return nil
}

func (p *plain) dial() (*stream, error) {
	conn, err := p.end.dial(p.ctx, p.opts.Timeouts.Connect)
	if err != nil {
		return nil, err
	}
	s := &stream{conn: conn}
	if !p.start.IsZero() {
		s.idleFrom = int64(time.Since(p.start))
	}
	p.pool.add(s)
	return s, nil
}

// serve starts each request when it is due, and waits for the last to end.
func (p *plain) serve(todo *agenda) {
	runtime.LockOSThread() // see pace
	defer runtime.UnlockOSThread()
	defer p.listen()()
	var all sync.WaitGroup
	defer all.Wait()
	for p.ctx.Err() == nil {
		now := int64(time.Since(p.start))
		p.mu.Lock()
		i, due := todo.next(now)
		over := due == never && p.inFlight == 0
		if i >= 0 && due <= now {
			todo.take(i, due)
			p.inFlight++
		}
		p.mu.Unlock()
		switch {
		case over:
			return
		case i < 0 || due > now:
			pace(p.ctx, p.wake, p.start, due)
		default:
			rec := p.begin(i, due, now, false)
			all.Go(func() {
				p.request(i)
				p.ended(i)
				p.mu.Lock()
				todo.ended(i, rec.OK(), rec.DoneNS)
				p.inFlight--
				p.mu.Unlock()
				select {
				case p.wake <- struct{}{}:
				default:
				}
			})
		}
	}
}

// listen has a canary sing and hears it, until stop is called.
func (p *plain) listen() (stop func()) {
	if p.canary == nil {
		return func() {}
	}
	conn, err := net.DialTCP("tcp", nil, p.canary.address())
	if err != nil {
		return func() {} // then it is not heard, and the client says so
	}
	if p.canary.perched() != nil {
		conn.Close()
		return func() {}
	}
	ended := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		tick := time.NewTicker(canaryPeriod + time.Millisecond) // never before the period has passed
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.canary.sing(p.start)
			case <-ended:
				return
			}
		}
	})
	both.Go(func() {
		b := make([]byte, 64)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			ns := int64(time.Since(p.start))
			p.canary.heard(b[:n], stamp{ns, ns})
		}
	})
	return func() {
		close(ended)
		conn.Close()
		both.Wait()
	}
}

// request makes one request on a pooled connection, or on a new one.
func (p *plain) request(i int) {
	rec := &p.records[i]
	var s *stream
	if !p.opts.FreshConnections {
		s = p.pool.get()
	}
	for {
		stale := s != nil && rec.DispatchNS-s.idleFrom >= staleNS
		reused := s != nil && s.served > 0
		if s == nil {
			var err error
			if s, err = p.dial(); err != nil {
				p.failConnect(rec, err)
				return
			}
		}
		rec.begin(rec.DispatchNS)
		rec.ConnReadyNS = int64(time.Since(p.start))
		if s.exchange(p.ctx, &p.calls[i], p.limits, p.start, rec) && !p.hangsUp.Load() && !p.opts.FreshConnections {
			p.pool.put(s)
			return
		}
		p.pool.drop(s)
		if !p.again(rec, reused, stale) {
			return
		}
		s = nil
	}
}
