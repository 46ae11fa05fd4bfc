package mock

import (
	"errors"
	"fmt"
	"time"
)

// A Mode says how the streams' tokens lie in time to one another.
type Mode string

const (
	// Own starts each stream's schedule at its own request's arrival.
	Own Mode = "own"
	// LockStep writes the tokens of all streams at common steps, one Gap apart, as an
	// engine's decode batch does: one burst a step.
	LockStep Mode = "lockstep"
	// Staggered spreads the streams' phases evenly over a Gap, so that no two burst
	// together however the requests came.
	Staggered Mode = "staggered"
)

// A Plan says when each event with tokens is due. Event 0 is due First after the
// request's arrival (in LockStep and Staggered at the stream's next step from then),
// event i a Gap after event i-1.
type Plan struct {
	First time.Duration // 0 or more
	Gap   time.Duration // 0 or more; above 0 in LockStep and Staggered
	Mode  Mode          // "" is Own

	// PerEvent is the number of tokens in each event, as with speculative decoding or
	// a stream interval; the last event has what is left. 0 is 1.
	PerEvent int

	// Nothing is due in the StallFor after StallAt, counted from the first request
	// since the start or a reset: what would be is due at its end. 0 is no stall.
	StallAt, StallFor time.Duration
}

// Validate reports every fault of the Plan, or nil.
func (p Plan) Validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"first", p.First}, {"gap", p.Gap}, {"stall at", p.StallAt}, {"stall for", p.StallFor}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s %v: must not be negative", d.name, d.value))
		}
	}
	switch p.Mode {
	case "", Own:
	case LockStep, Staggered:
		if p.Gap == 0 {
			errs = append(errs, fmt.Errorf("mode %s with gap 0: steps need a gap", p.Mode))
		}
	default:
		errs = append(errs, fmt.Errorf("mode %q: use own, lockstep or staggered", p.Mode))
	}
	if p.PerEvent < 0 {
		errs = append(errs, fmt.Errorf("tokens per event %d: must not be negative", p.PerEvent))
	}
	return errors.Join(errs...)
}

// events is the number of events that n tokens come in.
func (p Plan) events(n int) int {
	k := max(p.PerEvent, 1)
	return (n + k - 1) / k
}

// tokens is how many of n tokens have come with event i.
func (p Plan) tokens(i, n int) int { return min((i+1)*max(p.PerEvent, 1), n) }

// due is when event i of a request is due. epoch is the arrival of the first request
// of all, arrival the request's own, and nth its index.
func (p Plan) due(epoch, arrival int64, nth, i int) int64 {
	t := arrival + int64(p.First)
	if gap := int64(p.Gap); gap > 0 && (p.Mode == LockStep || p.Mode == Staggered) {
		phase := epoch
		if p.Mode == Staggered {
			phase += spread(nth, gap)
		}
		t += ((phase-t)%gap + gap) % gap
	}
	t += int64(i) * int64(p.Gap)
	if from := epoch + int64(p.StallAt); t >= from && t < from+int64(p.StallFor) {
		t = from + int64(p.StallFor)
	}
	return t
}

// spread is a phase in [0, gap). Multiples of the golden ratio, modulo 1, are spread
// evenly for any count of them (Weyl's sequence).
func spread(nth int, gap int64) int64 {
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	frac := float64(uint64(nth)*golden>>11) / (1 << 53)
	return int64(frac * float64(gap))
}
