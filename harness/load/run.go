package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Result is what one run gave.
type Result struct {
	Records         []Record  // one for each prompt, in their order
	Start           time.Time // of the clock that the records count from
	DurationSeconds float64   // until the last request ended
	Client          Client    // how the load generator itself fared
}

// A runner is one run in progress.
type runner struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	end      endpoint
	opts     Options
	calls    []call
	records  []Record
	pool     pool
	start    time.Time
	failures atomic.Int64
	hangsUp  atomic.Bool // the server ends a connection after each answer, without saying so
}

// Run offers the load to the target and returns a record for each prompt, also
// for those that failed, and for those that were never sent because ctx ended or
// an option stopped the run. A failed request is no error: an error means that the
// target or the options are wrong, or that no connection could be made at all.
// When ctx ends, every stream ends at once. No goroutine is left on return.
func Run(ctx context.Context, t Target, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	end, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	calls, err := t.calls(end, o.Prompts)
	if err != nil {
		return nil, err
	}
	r := &runner{end: end, opts: o.withDefaults(), calls: calls, records: make([]Record, len(calls))}
	r.pool.all = map[*stream]struct{}{}
	for i := range r.records {
		rec := &r.records[i]
		*rec = Record{Index: i, SchedNS: -1, RequestedTokens: calls[i].requested}
		rec.begin(-1)
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	closed := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(closed)
		r.pool.close()
	})
	defer func() {
		if stop() {
			r.pool.close()
		} else {
			<-closed
		}
		r.cancel(nil)
	}()
	if err := r.connect(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	return r.offer(), nil
}

// connect dials the connections that the run begins with. It fails only if none
// can be made: a server that takes fewer shows that in the records.
func (r *runner) connect() error {
	var made atomic.Int64
	var g errgroup.Group
	g.SetLimit(64)
	for range r.opts.Connections {
		g.Go(func() error {
			s, err := r.dial()
			if err == nil {
				made.Add(1)
				r.pool.put(s)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil && made.Load() == 0 {
		return fmt.Errorf("cannot reach the server: %w", err)
	}
	return nil
}

func (r *runner) dial() (*stream, error) {
	conn, err := r.end.dial(r.ctx, r.opts.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	s := &stream{conn: conn}
	if !r.start.IsZero() {
		s.idleFrom = int64(time.Since(r.start))
	}
	r.pool.add(s)
	return s, nil
}

// offer starts the clock and serves the prompts.
func (r *runner) offer() *Result {
	health := startHealth()
	r.start = time.Now()
	if r.opts.Concurrency > 0 {
		r.closedLoop()
	} else {
		r.openLoop()
	}
	res := &Result{Records: r.records, Start: r.start, DurationSeconds: time.Since(r.start).Seconds()}
	for i := range r.records {
		if rec := &r.records[i]; rec.SendNS < 0 && rec.Class == "" {
			rec.fail(ClassCancelled, "never sent: "+r.why())
		}
	}
	res.Client = health.stop(r.records)
	return res
}

func (r *runner) why() string {
	if err := context.Cause(r.ctx); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the run sends for %v", r.opts.StopSending)
}

// over reports whether no more requests are to be sent at ns.
func (r *runner) over(ns int64) bool {
	return r.ctx.Err() != nil || (r.opts.StopSending > 0 && ns > int64(r.opts.StopSending))
}

// closedLoop keeps Concurrency requests in flight.
func (r *runner) closedLoop() {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(r.opts.Concurrency, len(r.calls)) {
		wg.Go(func() {
			free := int64(0)
			for {
				i := int(next.Add(1) - 1)
				if i >= len(r.calls) || r.over(free) {
					return
				}
				r.records[i].SchedNS = free
				r.serve(i)
				free = r.records[i].DoneNS
			}
		})
	}
	wg.Wait()
}

// openLoop sends each request at its due time, whatever has become of those before.
func (r *runner) openLoop() {
	o := r.opts
	due := schedule(o.Arrival, len(r.calls), o.Rate, o.Burstiness, o.Seed, o.Pure)
	for i := range due {
		r.records[i].SchedNS = due[i]
	}
	runtime.LockOSThread() // see pace
	defer runtime.UnlockOSThread()
	var wg sync.WaitGroup
	for i := range due {
		if r.over(due[i]) {
			break
		}
		if pace(r.ctx, r.start, due[i]); r.ctx.Err() != nil {
			break
		}
		wg.Go(func() { r.serve(i) })
	}
	wg.Wait()
}

// staleNS is how long a connection must have been idle for its end to be taken
// as the server's usual closing of idle ones (SGLang's and vLLM's do after 5 s).
const staleNS = 500e6

// serve makes one request on a pooled connection, or on a new one. Where the
// server has closed a pooled connection meanwhile, without a byte of an answer, the
// request is sent once more on a new one, and counts from then. llama.cpp's server
// closes after each stream although it announces to keep alive (seen in b11549):
// then no connection is used twice.
func (r *runner) serve(i int) {
	rec := &r.records[i]
	rec.grow(min(rec.RequestedTokens, 8192)+4, false) // role, finish, usage and [DONE] beside the tokens
	rec.DispatchNS = int64(time.Since(r.start))
	lim := limits{int64(r.opts.FirstTokenTimeout), int64(r.opts.GapTimeout), int64(r.opts.TotalTimeout)}
	s := r.pool.get()
	for {
		stale := s != nil && int64(time.Since(r.start))-s.idleFrom >= staleNS
		reused := s != nil && s.served > 0
		if s == nil {
			var err error
			if s, err = r.dial(); err != nil {
				r.failConnect(rec, err)
				break
			}
		}
		rec.begin(rec.DispatchNS)
		rec.ConnReadyNS = int64(time.Since(r.start))
		if s.exchange(r.ctx, &r.calls[i], lim, r.start, rec) {
			r.giveBack(s)
			break
		}
		r.pool.drop(s)
		if !stale && !reused || rec.Class != ClassReset || rec.FirstByteNS >= 0 {
			break
		}
		if !stale {
			r.hangsUp.Store(true)
		}
		s = nil
	}
	if rec.OK() || r.ctx.Err() != nil {
		return
	}
	if n := r.failures.Add(1); n == int64(r.opts.MaxFailures) {
		r.cancel(fmt.Errorf("%d requests failed, the last: %s: %s", n, rec.Class, rec.Error))
	}
}

// giveBack keeps a connection for the next request.
func (r *runner) giveBack(s *stream) {
	if r.hangsUp.Load() {
		r.pool.drop(s)
		return
	}
	r.pool.put(s)
}

func (r *runner) failConnect(rec *Record, err error) {
	rec.begin(rec.DispatchNS)
	rec.DoneNS = int64(time.Since(r.start))
	var timeout net.Error
	switch {
	case r.ctx.Err() != nil:
		rec.fail(ClassCancelled, "the run ended: "+context.Cause(r.ctx).Error())
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()):
		rec.fail(ClassConnectTO, fmt.Sprintf("no connection within %v", r.opts.ConnectTimeout))
	default:
		rec.fail(ClassConnect, oneLine(err.Error()))
	}
}

// Probe makes one request with the default timeouts, to see whether a server
// really generates. The error says why it did not; the record is filled as far as
// the request came, and its times count from the call.
func Probe(ctx context.Context, t Target, p Prompt) (Record, error) {
	res, err := Run(ctx, t, Options{Prompts: []Prompt{p}, Concurrency: 1})
	if err != nil {
		return Record{}, err
	}
	rec := res.Records[0]
	if !rec.OK() {
		return rec, fmt.Errorf("one request to the server failed: %s: %s", rec.Class, rec.Error)
	}
	return rec, nil
}
