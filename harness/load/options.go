package load

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Options say what load one run offers. Either Concurrency or Rate is given.
type Options struct {
	Prompts []Prompt // one request each, sent in this order

	// Concurrency > 0 is a closed loop: so many requests are in flight until
	// fewer are left. All at once is a Concurrency of len(Prompts).
	Concurrency int

	// Rate > 0 is an open loop: so many requests a second, in gaps drawn by Arrival
	// ("" is Poisson) and Seed. Burstiness is the shape of Gamma gaps; 0 is 1.
	Rate       float64
	Arrival    Arrival
	Burstiness float64
	Seed       uint64

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

	// Each timeout's zero value is the default in brackets.
	ConnectTimeout    time.Duration // of a dial, TLS handshake included [10 s]
	FirstTokenTimeout time.Duration // from send to the first token; headers and empty events do not count [5 min]
	GapTimeout        time.Duration // from one token to the next, or to the end [2 min]
	TotalTimeout      time.Duration // from send to the end of the answer [30 min]
}

// withDefaults fills the zero values.
func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.ConnectTimeout, 10 * time.Second},
		{&o.FirstTokenTimeout, 5 * time.Minute},
		{&o.GapTimeout, 2 * time.Minute},
		{&o.TotalTimeout, 30 * time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
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
	bad(o.Concurrency < 0, "concurrency %d: must be at least 1", o.Concurrency)
	bad(math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0) || o.Rate < 0, "rate %v: must be a positive number of requests a second", o.Rate)
	bad(o.Concurrency == 0 && o.Rate == 0, "neither concurrency nor rate is given: set one")
	bad(o.Concurrency > 0 && o.Rate > 0, "concurrency %d and rate %v are both given: a closed loop has the one, an open loop the other", o.Concurrency, o.Rate)
	switch o.Arrival {
	case "", Constant, Poisson, Gamma:
	default:
		bad(true, "arrival %q: use poisson, constant or gamma", o.Arrival)
	}
	bad(!(o.Burstiness >= 0) || math.IsInf(o.Burstiness, 0), "burstiness %v: must be positive", o.Burstiness)
	bad(o.Connections < 0, "connections %d: must not be negative", o.Connections)
	bad(o.MaxFailures < 0, "max failures %d: must not be negative", o.MaxFailures)
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"stop sending", o.StopSending}, {"connect timeout", o.ConnectTimeout}, {"first token timeout", o.FirstTokenTimeout},
		{"gap timeout", o.GapTimeout}, {"total timeout", o.TotalTimeout},
	} {
		bad(d.value < 0, "%s %v: must not be negative", d.name, d.value)
	}
	return errors.Join(errs...)
}
