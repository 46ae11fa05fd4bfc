package load

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Options say what load one run offers: by exactly one of Concurrency, Rate, Stages
// and an Arrival of Trace.
type Options struct {
	Prompts []Prompt // one request each, sent in this order

	// Concurrency > 0 is a closed loop: so many requests are in flight until fewer
	// are left. All at once is a Concurrency of len(Prompts). Ramp spreads the start
	// of the workers evenly over a time; 0 starts all at once. RateCap > 0 lets them
	// send no more than so many requests a second together.
	Concurrency int
	Ramp        time.Duration
	RateCap     float64

	// Rate > 0 is an open loop: so many requests a second, in gaps drawn by Arrival
	// ("" is Poisson) and Seed. Burstiness is the shape of Gamma gaps; 0 is 1. The
	// times are scaled so that the last request is due at len(Prompts)/Rate exactly,
	// as vLLM does, unless Pure is set: then they are as they were drawn, and the
	// realised rate has the process's own luck. Trace needs no Rate.
	//
	// Later turns of a conversation (Prompt.After) are due by their own pauses: Rate
	// counts the prompts that follow none.
	Rate       float64
	Arrival    Arrival
	Burstiness float64
	Pure       bool
	Seed       uint64

	// Stages are a staircase: one load after another, and no request is sent after
	// the last. Prompts that are not reached are not sent.
	Stages []Stage

	// FreshConnections dials for each request, after it was due and before it is
	// sent, as SGLang's client does; Record.DispatchNS is before the dial.
	FreshConnections bool

	// KeepText keeps each answer's visible text in its record.
	KeepText bool

	// Connections are dialled before the run; more are dialled as they are needed.
	// 0 is Concurrency in a closed loop, and 64 in an open one; never more than
	// there are prompts.
	Connections int

	// StopSending ends the offer: no request is sent later than this after the
	// start, and those in flight are served to their end. 0 is no limit.
	StopSending time.Duration

	// MaxFailures ends the whole run once so many requests have failed; those in
	// flight are cancelled. 0 is never.
	MaxFailures int

	// Enough is asked whenever a request has ended, by one request at a time, with its
	// record and the ns since the start. Once it gives a reason the whole run ends, as
	// by MaxFailures. The load waits for it: it must be quick. nil: all is offered.
	Enough func(rec *Record, now int64) (why string)

	Timeouts Timeouts
}

// A Stage is a part of a staircase: a closed loop or an open one, for so long. The due
// times of an open one are half a mean gap earlier than Options.Rate says, so that the
// last is not at the stage's end.
type Stage struct {
	Seconds     float64 // more than 0
	Concurrency int     // in a closed loop, as of Options
	Rate        float64 // in an open loop, as of Options
}

// withDefaults fills the zero values.
func (o Options) withDefaults() Options {
	o.Timeouts = o.Timeouts.withDefaults()
	if o.Arrival == "" {
		o.Arrival = Poisson
	}
	if o.Burstiness == 0 {
		o.Burstiness = 1
	}
	if o.Connections == 0 {
		o.Connections = 64
		if o.Concurrency > 0 {
			o.Connections = o.Concurrency
		}
	}
	if o.FreshConnections {
		o.Connections = 1 // to see whether the server is there
	}
	o.Connections = min(o.Connections, len(o.Prompts))
	return o
}

// Validate reports every fault of the Options, or nil.
func (o Options) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(len(o.Prompts) == 0, "no prompts: at least 1 request is needed")
	rate := func(what string, r float64) {
		bad(!(r >= 0) || math.IsInf(r, 0), "%s %v: must be a positive number of requests a second", what, r)
	}
	bad(o.Concurrency < 0, "concurrency %d: must be at least 1", o.Concurrency)
	rate("rate", o.Rate)
	rate("rate cap", o.RateCap)
	bad(o.Concurrency > 0 && o.Rate > 0, "concurrency %d and rate %v are both given: a closed loop has the one, an open loop the other; its cap is the rate cap", o.Concurrency, o.Rate)
	bad(o.RateCap > 0 && o.Concurrency == 0, "rate cap %v: it caps a closed loop, and no concurrency is given", o.RateCap)
	bad(o.Ramp > 0 && o.Concurrency == 0, "ramp %v: it spreads the start of a closed loop, and no concurrency is given", o.Ramp)
	switch o.Arrival {
	case "", Constant, Poisson, Gamma:
		bad(o.Concurrency == 0 && o.Rate == 0 && len(o.Stages) == 0, "neither concurrency nor rate is given: set one")
	case Trace:
		bad(o.Concurrency > 0 || o.Rate > 0 || len(o.Stages) > 0, "arrival trace: the prompts say when they are due; leave out concurrency, rate and stages")
	default:
		bad(true, "arrival %q: use poisson, constant, gamma or trace", o.Arrival)
	}
	bad(len(o.Stages) > 0 && (o.Concurrency > 0 || o.Rate > 0), "stages are given beside concurrency %d and rate %v: leave these out", o.Concurrency, o.Rate)
	for i, s := range o.Stages {
		bad(!(s.Seconds > 0) || math.IsInf(s.Seconds, 0), "stage %d of %v seconds: must be more than 0", i+1, s.Seconds)
		bad(s.Concurrency < 0 || (s.Concurrency > 0) == (s.Rate != 0), "stage %d has concurrency %d and rate %v: give one of them", i+1, s.Concurrency, s.Rate)
		rate(fmt.Sprintf("stage %d: rate", i+1), s.Rate)
	}
	for i, p := range o.Prompts {
		if err := p.check(i, o.Prompts); err != nil {
			errs = append(errs, fmt.Errorf("prompt %d: %w", i, err))
			break
		}
	}
	bad(!(o.Burstiness >= 0) || math.IsInf(o.Burstiness, 0), "burstiness %v: must be positive", o.Burstiness)
	bad(o.Connections < 0, "connections %d: must not be negative", o.Connections)
	bad(o.MaxFailures < 0, "max failures %d: must not be negative", o.MaxFailures)
	bad(o.Ramp < 0, "ramp %v: must not be negative", o.Ramp)
	bad(o.StopSending < 0, "stop sending %v: must not be negative", o.StopSending)
	for _, t := range o.Timeouts.each() {
		bad(*t.value < 0, "timeout %s=%v: must not be negative", t.name, *t.value)
	}
	return errors.Join(errs...)
}
