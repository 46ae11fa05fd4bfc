package sim

import "time"

// Costs of the Python processes around the schedulers, in seconds of one worker.
// Judgements: a worker streams about 20000 single-token events a second.
const (
	requestSec   = 180e-6 // parse, register, send on
	textTokenSec = 1.2e-6 // tokenise one token of text
	idTokenSec   = 0.06e-6
	eventSec     = 38e-6 // one event of a stream: decode JSON, format, write
	detokSec     = 12e-6 // turn one token into text
	routerSec    = 120e-6
	crowdFactor  = 0.03 // each further worker slows all by this share
)

// A frontend is the tokenizer workers: each is a queue that takes requests in and
// streams events out, one after another.
type frontend struct {
	free   []time.Duration // when each worker has done what it has
	event  time.Duration
	router time.Duration
	crowd  float64
}

func newFrontend(s *setup) *frontend {
	workers := max(1, s.tokenizers)
	f := &frontend{free: make([]time.Duration, workers), crowd: 1 + crowdFactor*float64(workers-1)}
	f.event = seconds((eventSec + detokSec/float64(max(1, s.detokenizers))) * f.crowd)
	if workers > 1 {
		f.router = seconds(routerSec)
	}
	return f
}

// accept passes a request through its worker and returns when its replica gets it.
func (f *frontend) accept(q *sequence) time.Duration {
	perToken := idTokenSec
	if q.text {
		perToken = textTokenSec
	}
	cost := seconds((requestSec + perToken*float64(q.prompt)) * f.crowd)
	return f.pass(q.worker, q.arrived, cost)
}

// stream passes an event out and returns when the client is sent it.
func (f *frontend) stream(q *sequence, now time.Duration) time.Duration {
	return f.pass(q.worker, now, f.event)
}

func (f *frontend) pass(worker int, now, cost time.Duration) time.Duration {
	f.free[worker] = max(f.free[worker], now) + cost
	return f.free[worker] + f.router
}

// delay is how far the fullest worker is behind.
func (f *frontend) delay(now time.Duration) time.Duration {
	late := time.Duration(0)
	for _, free := range f.free {
		late = max(late, free-now)
	}
	return late
}

// seconds converts base units to a Duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
