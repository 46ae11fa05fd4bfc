package load

import (
	"math"
	"time"
)

// never is a time that no run reaches.
const never = math.MaxInt64

// An agenda decides which request is sent next, and when. It has no clock and
// makes no request: next tells what is due, take says that it was taken up, ended
// that it has ended. Times are ns from the run's start.
//
// Every load is a sequence of phases, each a closed loop of workers or an open one
// of arrivals. An arrival starts one request; a worker starts one, and is free
// again when that has ended. A later turn of a conversation is started by a worker
// too, before prompts that begin one; in an open phase it starts by itself when
// its pause is over.
type agenda struct {
	prompts []Prompt
	phases  []phase
	now     int   // index of the current phase
	stop    int64 // nothing is due at or after it

	fresh    []int         // prompts that follow none, in order
	follow   map[int][]int // prompts by the one that they follow
	later    timeline      // prompts that have a time of their own
	arrivals []int64       // of open phases, to come
	free     timeline      // workers, by since when they are free
	workers  int           // free ones and busy ones
	busy     map[int]bool  // prompts that a worker has sent

	gap, last int64 // of a rate cap: the least time between two sends, and the last one
}

// A phase is a part of a load: workers of a closed loop, or else arrivals.
type phase struct {
	start    int64
	workers  int
	ramp     int64 // over which the workers start
	arrivals []int64
}

func newAgenda(o Options) *agenda {
	a := &agenda{prompts: o.Prompts, stop: never, follow: map[int][]int{}, busy: map[int]bool{}}
	if o.StopSending > 0 {
		a.stop = int64(o.StopSending) + 1
	}
	for i, p := range o.Prompts {
		switch {
		case p.After > 0:
			a.follow[p.After-1] = append(a.follow[p.After-1], i)
		case o.Arrival == Trace:
			a.later.push(p.DueNS, i)
		default:
			a.fresh = append(a.fresh, i)
		}
	}
	switch {
	case len(o.Stages) > 0:
		end := int64(0)
		a.phases, end = stages(o)
		a.stop = min(a.stop, end)
	case o.Concurrency > 0:
		a.phases = []phase{{workers: o.Concurrency, ramp: int64(o.Ramp)}}
	case o.Arrival == Trace:
		a.phases = []phase{{}}
	default:
		a.phases = []phase{{arrivals: schedule(o.Arrival, len(a.fresh), o.Rate, o.Burstiness, o.Seed, o.Pure)}}
	}
	if o.RateCap > 0 {
		a.gap = int64(1e9 / o.RateCap)
		a.last = -a.gap
	}
	a.now = -1
	a.enter()
	return a
}

// stages are the phases of a staircase, and its end.
func stages(o Options) (phases []phase, end int64) {
	for k, s := range o.Stages {
		p := phase{start: end, workers: s.Concurrency}
		length := int64(s.Seconds * float64(time.Second))
		if s.Rate > 0 {
			n := int(math.Round(s.Rate * s.Seconds))
			if o.Pure { // enough that the stage ends before they do
				n = 2*n + 100
			}
			half := int64(0.5e9 / s.Rate) // so that the last is due before the stage ends
			for _, due := range schedule(o.Arrival, n, s.Rate, o.Burstiness, o.Seed+uint64(k), o.Pure) {
				if due = max(0, due-half); due < length {
					p.arrivals = append(p.arrivals, end+due)
				}
			}
		}
		phases = append(phases, p)
		end += length
	}
	return phases, end
}

// enter begins the next phase. A closed one takes over the workers of the one
// before; those too many stop when they are free.
func (a *agenda) enter() {
	a.now++
	p := a.phases[a.now]
	a.arrivals = append(a.arrivals, p.arrivals...)
	for a.workers > p.workers && len(a.free) > 0 {
		a.free.pop()
		a.workers--
	}
	for k := 0; a.workers < p.workers; k++ {
		a.free.push(p.start+int64(float64(p.ramp)/float64(p.workers)*float64(k)), 0)
		a.workers++
	}
}

// next is the prompt that is to be sent next and when it is due, which may be
// past. Where it is -1, nothing is known to be due before the time given, and the
// agenda must be asked again then or after a request has ended; never is then
// only the latter.
func (a *agenda) next(now int64) (prompt int, due int64) {
	for a.now+1 < len(a.phases) && a.phases[a.now+1].start <= now {
		a.enter()
	}
	if len(a.fresh) == 0 && len(a.later) == 0 {
		return -1, never
	}
	limit := a.stop
	if a.now+1 < len(a.phases) {
		limit = a.phases[a.now+1].start
	}
	prompt, due = a.best(now)
	if due >= limit {
		prompt, due = -1, limit
	}
	if due >= a.stop {
		return -1, never
	}
	return prompt, due
}

// best is next within the current phase.
func (a *agenda) best(now int64) (prompt int, due int64) {
	prompt, due = -1, never
	if len(a.arrivals) > 0 && len(a.fresh) > 0 {
		prompt, due = a.fresh[0], a.arrivals[0]
	}
	if a.open() {
		if len(a.later) > 0 && a.later[0].at < due {
			prompt, due = a.later[0].prompt, a.later[0].at
		}
		return prompt, due
	}
	if len(a.free) == 0 {
		return prompt, due
	}
	worker := a.free[0].at
	if a.gap > 0 {
		worker = max(worker, a.last+a.gap)
	}
	switch {
	case len(a.later) > 0 && (a.later[0].at <= max(worker, now) || len(a.fresh) == 0):
		if at := max(worker, a.later[0].at); at < due {
			prompt, due = a.later[0].prompt, at
		}
	case len(a.fresh) > 0 && worker < due:
		prompt, due = a.fresh[0], worker
	}
	return prompt, due
}

// open reports whether the current phase is an open loop.
func (a *agenda) open() bool { return a.phases[a.now].workers == 0 }

// take notes that what next gave has been taken up.
func (a *agenda) take(prompt int, due int64) {
	isFresh := len(a.fresh) > 0 && a.fresh[0] == prompt
	if isFresh {
		a.fresh = a.fresh[1:]
	} else {
		a.later.pop()
	}
	switch {
	case isFresh && len(a.arrivals) > 0 && a.arrivals[0] == due:
		a.arrivals = a.arrivals[1:]
	case !a.open():
		a.free.pop()
		a.busy[prompt] = true
		a.last = due
	}
}

// ended notes that a request has ended. What follows it is due after its pause if
// it succeeded, and never if it did not.
func (a *agenda) ended(prompt int, ok bool, at int64) {
	if a.busy[prompt] {
		delete(a.busy, prompt)
		if a.workers > a.phases[a.now].workers {
			a.workers--
		} else {
			a.free.push(at, 0)
		}
	}
	if !ok {
		return
	}
	for _, i := range a.follow[prompt] {
		a.later.push(max(at+a.prompts[i].ThinkNS, a.prompts[i].DueNS), i)
	}
}

// A timeline is a heap of things by their time, the earliest first; of equal
// times the lower prompt.
type timeline []timed

type timed struct {
	at     int64
	prompt int
}

func (t timed) before(o timed) bool { return t.at < o.at || (t.at == o.at && t.prompt < o.prompt) }

func (h *timeline) push(at int64, prompt int) {
	s := append(*h, timed{at, prompt})
	for i := len(s) - 1; i > 0 && s[i].before(s[(i-1)/2]); i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
	*h = s
}

func (h *timeline) pop() timed {
	s := *h
	top := s[0]
	s[0] = s[len(s)-1]
	s = s[:len(s)-1]
	for i := 0; 2*i+1 < len(s); {
		child := 2*i + 1
		if child+1 < len(s) && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(s[i]) {
			break
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
	*h = s
	return top
}
