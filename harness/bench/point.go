package bench

import (
	"fmt"
	"math"
	"strconv"

	"harness/harness/load"
)

// A Point is one offered load: a closed loop that keeps Concurrency requests in
// flight, an open loop of Rate requests a second, or Stages of either. None of them
// replays the times of the workload's trace.
type Point struct {
	Concurrency int     `json:"concurrency,omitempty"`
	Once        bool    `json:"once,omitempty"`     // Concurrency requests all at once, and no more
	RateCap     float64 `json:"rate_cap,omitempty"` // a closed loop sends no more than so many requests a second
	Rate        float64 `json:"rate,omitempty"`
	Stages      Stages  `json:"stages,omitempty"`
}

// LoadPoint names the offered load in tables and files: c16, c16m4 (at most 4 a second),
// b64 (64 at once), r2.5, stages, trace.
func (p Point) LoadPoint() string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch {
	case p.Stages != "":
		return "stages"
	case p.Once:
		return fmt.Sprintf("b%d", p.Concurrency)
	case p.RateCap > 0:
		return fmt.Sprintf("c%dm%s", p.Concurrency, number(p.RateCap))
	case p.Concurrency > 0:
		return fmt.Sprintf("c%d", p.Concurrency)
	case p.Rate > 0:
		return "r" + number(p.Rate)
	}
	return "trace"
}

// OpenLoop says how the gaps of an open loop are drawn; see load.Options.
type OpenLoop struct {
	Arrival    load.Arrival `json:"arrival,omitempty"` // "" is Poisson
	Burstiness float64      `json:"burstiness,omitempty"`
	Pure       bool         `json:"pure,omitempty"`
}

// Options is how the point's load is offered. Seed is that of the arrivals.
func (p Point) Options(o OpenLoop, prompts []load.Prompt, seed uint64) load.Options {
	out := load.Options{Prompts: prompts, Concurrency: p.Concurrency, RateCap: p.RateCap, Rate: p.Rate, Stages: p.Stages.List(), Seed: seed}
	switch {
	case p.Rate > 0 || p.Stages != "":
		out.Arrival, out.Burstiness, out.Pure = o.Arrival, o.Burstiness, o.Pure
	case p.Concurrency == 0:
		out.Arrival = load.Trace
	}
	return out
}

// ConcurrencyGuess is how many requests warm a server up for the point: as many as
// it keeps in flight. For an open loop that is not known; what comes in a second is
// taken, and at most 64.
func (p Point) ConcurrencyGuess() int {
	switch {
	case p.Stages != "":
		return p.Stages.mostInFlight()
	case p.Concurrency > 0:
		return p.Concurrency
	case p.Rate > 0:
		return int(min(64, max(4, math.Ceil(p.Rate))))
	}
	return 4
}

// BenchRequests is how many make a run where one server is measured alone: at least
// four for each worker, so that the steady part is most of the run; 0 where stages end by
// their time.
func (p Point) BenchRequests(source *load.Source) int {
	switch {
	case p.Stages != "":
		return 0
	case p.Once:
		return p.Concurrency
	}
	if most := source.Len(); most > 0 && p == (Point{}) {
		return most
	}
	n := max(32, 4*p.Concurrency, int(math.Ceil(10*p.Rate)))
	if most := source.Len(); most > 0 {
		n = min(n, most)
	}
	return n
}

// requests is how many make a run: at least two for each worker of a closed loop, so
// that a run is more than its start-up; ten seconds of an open loop; all of a
// trace; all that stages of rates send. Never less than a median needs, and never more
// than there are.
func (p Point) requests(source *load.Source) int {
	n := max(8, 2*p.Concurrency, int(math.Ceil(10*p.Rate)))
	switch {
	case p.Stages != "":
		n = p.Stages.requests(0, false)
	case p.Once:
		n = p.Concurrency
	}
	if most := source.Len(); most > 0 && (n > most || p == (Point{})) {
		n = most
	}
	return n
}
