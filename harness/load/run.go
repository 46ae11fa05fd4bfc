package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Result is what one run gave.
type Result struct {
	Records         []Record  // one for each prompt, in their order
	Start           time.Time // of the clock that the records count from
	DurationSeconds float64   // until the last request ended
	Client          Client    // how the load generator itself fared
}

// A runner is one run in progress, as far as it is the same for both transports.
type runner struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	target   Target
	end      endpoint
	opts     Options
	calls    []call
	prompts  []Prompt // as they are sent: with what was said before them
	children map[int][]int
	records  []Record
	limits   limits
	start    time.Time
	canary   *canary // nil where there is none
	failures atomic.Int64
	asking   sync.Mutex  // one at a time asks opts.Enough
	hangsUp  atomic.Bool // the server ends a connection after each answer, without saying so
}

// A transport carries a run's requests and answers.
type transport interface {
	connect() error // dials the connections that the run begins with
	serve(*agenda)  // serves all of the agenda, into the records, and reads the canary
	report(*Client) // fills in what it alone knows
	close()         // closes what connect and serve have opened
}

// Run offers the load to the target and returns a record for each prompt, also
// for those that failed, and for those that were never sent because ctx ended or
// an option stopped the run. A failed request is no error: an error means that the
// target or the options are wrong, or that no connection could be made at all.
// When ctx ends, every stream ends at once. No goroutine is left on return.
//
// On Linux, without TLS, what comes in is stamped by the kernel.
func Run(ctx context.Context, t Target, o Options) (*Result, error) {
	return run(ctx, t, o, kernelTransport)
}

func run(ctx context.Context, t Target, o Options, carrier func(*runner) (transport, error)) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	end, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	calls, err := t.calls(end, o.Prompts, o.KeepText)
	if err != nil {
		return nil, err
	}
	r := &runner{target: t, end: end, opts: o.withDefaults(), calls: calls, records: make([]Record, len(calls))}
	r.limits = limits{int64(r.opts.Timeouts.FirstToken), int64(r.opts.Timeouts.Gap), int64(r.opts.Timeouts.Total)}
	r.converse()
	for i := range r.records {
		rec := &r.records[i]
		*rec = Record{Index: i, SchedNS: -1, RequestedTokens: calls[i].requested}
		rec.begin(-1)
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	if r.canary = newCanary(); r.canary != nil {
		defer r.canary.close()
	}
	if err := enoughFiles(r.opts.Connections); err != nil {
		return nil, err
	}
	carry, err := carrier(r)
	if err != nil {
		return nil, err
	}
	defer carry.close()
	if err := carry.connect(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	return r.offer(carry), nil
}

// offer starts the clock and serves the prompts.
func (r *runner) offer(carry transport) *Result {
	todo := newAgenda(r.opts)
	defer stopCollector()()
	health := startHealth()
	r.start = time.Now()
	carry.serve(todo)
	res := &Result{Records: r.records, Start: r.start, DurationSeconds: time.Since(r.start).Seconds()}
	for i := range r.records {
		if rec := &r.records[i]; rec.SendNS < 0 && rec.Class == "" {
			rec.fail(ClassCancelled, "never sent: "+r.why(i))
		}
	}
	res.Client = health.stop(r.records, r.opts)
	carry.report(&res.Client)
	if r.canary != nil {
		r.canary.report(&res.Client)
	}
	return res
}

// why tells why a prompt was never sent.
func (r *runner) why(i int) string {
	if err := context.Cause(r.ctx); err != nil {
		return err.Error()
	}
	if before := r.opts.Prompts[i].After; before > 0 && !r.records[before-1].OK() {
		return "the turn before it did not succeed"
	}
	if len(r.opts.Stages) > 0 {
		return "the stages were over"
	}
	return fmt.Sprintf("the run sends for %v", r.opts.StopSending)
}

// converse finds the turns that need the answer before them.
func (r *runner) converse() {
	r.children = map[int][]int{}
	for i, p := range r.opts.Prompts {
		if p.AppendAnswer {
			r.children[p.After-1] = append(r.children[p.After-1], i)
		}
	}
	if len(r.children) > 0 {
		r.prompts = append([]Prompt(nil), r.opts.Prompts...)
	}
}

// ended does what is to be done when a request has ended for good: it counts
// failures, and serialises the turns that follow. at is when the answer ended.
func (r *runner) ended(i int) {
	rec := &r.records[i]
	r.askEnough(rec)
	if !rec.OK() {
		if r.ctx.Err() == nil && r.failures.Add(1) == int64(r.opts.MaxFailures) {
			r.cancel(fmt.Errorf("%d requests failed, the last: %s: %s", r.opts.MaxFailures, rec.Class, rec.Error))
		}
		return
	}
	for _, child := range r.children[i] {
		r.prompts[child] = r.prompts[i].then(rec.Text, r.opts.Prompts[child])
		call, err := r.target.call(r.end, r.prompts[child])
		if err != nil {
			panic("load: a prompt that was serialised alone is serialised with its history: " + err.Error())
		}
		call.keep, call.whole = r.calls[child].keep, r.calls[child].whole
		r.calls[child] = call
	}
}

// askEnough ends the run where the caller has seen enough.
func (r *runner) askEnough(rec *Record) {
	if r.opts.Enough == nil || r.ctx.Err() != nil {
		return
	}
	r.asking.Lock()
	defer r.asking.Unlock()
	if why := r.opts.Enough(rec, int64(time.Since(r.start))); why != "" {
		r.cancel(errors.New(why))
	}
}

// begin makes a record ready for a request that is taken up now.
func (r *runner) begin(i int, due, now int64, kernel bool) *Record {
	rec := &r.records[i]
	rec.grow(min(rec.RequestedTokens, 8192)+4, kernel) // role, finish, usage and [DONE] beside the tokens
	rec.begin(now)
	rec.SchedNS = due
	return rec
}

// staleNS is how long a connection must have been idle for its end to be taken
// as the server's usual closing of idle ones (SGLang's and vLLM's do after 5 s).
const staleNS = 500e6

// again reports whether a request whose connection broke is to be sent once more on
// a new one, from which it then counts: when the server has closed a connection that
// was kept, without a byte of an answer. llama.cpp's server closes after each
// stream although it announces to keep alive (seen in b11549): then no connection
// is used twice.
func (r *runner) again(rec *Record, reused, stale bool) bool {
	if !(stale || reused) || rec.Class != ClassReset || rec.FirstByteNS >= 0 || r.ctx.Err() != nil {
		return false
	}
	if !stale {
		r.hangsUp.Store(true)
	}
	return true
}

func (r *runner) failConnect(rec *Record, err error) {
	rec.begin(rec.DispatchNS)
	rec.DoneNS = int64(time.Since(r.start))
	var timeout net.Error
	switch {
	case r.ctx.Err() != nil:
		rec.fail(ClassCancelled, "the run ended: "+context.Cause(r.ctx).Error())
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()):
		rec.fail(ClassConnectTO, fmt.Sprintf("no connection within %v", r.opts.Timeouts.Connect))
	case errors.Is(err, syscall.EMFILE):
		rec.fail(ClassConnect, oneLine(err.Error())+": raise the limit (ulimit -n)")
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
