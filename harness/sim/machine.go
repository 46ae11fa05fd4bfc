package sim

import (
	"container/heap"
	"math"
	"time"
)

// A machine is the whole simulated server without a clock: front end and
// replicas, moved from event to event. Times are since its start. Equal
// submissions at equal times give equal results.
type machine struct {
	s        *setup
	front    *frontend
	replicas []*replica
	events   eventHeap
	count    uint64        // events so far: breaks ties
	clock    time.Duration // of the last event
	accepted int           // requests
	next1    int           // replica of the next request
	spread   float64
	faults   faults
	stats    stats

	disturbed float64 // factor of all steps, by neighbours

	out   []emission // to be taken by the caller after advance
	death string     // why the scheduler died; "" while it lives
	hung  bool
}

// never is a time that does not come.
const never = time.Duration(math.MaxInt64)

func newMachine(s *setup, seed uint64, f faults) *machine {
	m := &machine{s: s, front: newFrontend(s), spread: s.memorySpread(seed), faults: f, stats: newStats()}
	for i := range s.dp {
		m.replicas = append(m.replicas, newReplica(s, i, seed))
	}
	m.disturb(1)
	return m
}

// disturb makes all steps take factor times as long as the setup has it.
func (m *machine) disturb(factor float64) {
	m.disturbed = factor
	for _, r := range m.replicas {
		r.noise.slow = m.faults.slowAt(m.accepted) * factor
	}
}

// An event is something that will happen at a known time: a request reaches its
// replica (seq), a replica's step ends (replica), or a client is told (say).
type event struct {
	at      time.Duration
	n       uint64
	replica *replica
	seq     *sequence
	say     *emission
}

type eventHeap []event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].n < h[j].n
}
func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = event{}
	*h = (*h)[:len(*h)-1]
	return last
}

func (m *machine) schedule(e event) {
	m.count++
	e.n = m.count
	heap.Push(&m.events, e)
}

// submit hands a request in at time now.
func (m *machine) submit(q *sequence, now time.Duration) {
	q.arrived = now
	q.replica, q.worker = m.next1, m.accepted%len(m.front.free)
	m.next1 = (m.next1 + 1) % len(m.replicas)
	m.accepted++
	if m.accepted == m.faults.swift+1 {
		m.disturb(m.disturbed)
	}
	m.stats.accepted(q)
	switch {
	case m.faults.strikes(m.accepted):
		if m.hung = m.faults.kind == "hang"; !m.hung {
			m.death = m.faults.message()
		}
	default:
		m.schedule(event{at: m.front.accept(q), seq: q})
	}
}

// next is the time of the next event, or never.
func (m *machine) next() time.Duration {
	if m.hung || m.death != "" || len(m.events) == 0 {
		return never
	}
	return m.events[0].at
}

// advance makes all happen that is due at time now. Each event happens at its own
// time, so that a late call changes nothing but when it is noticed.
func (m *machine) advance(now time.Duration) {
	for m.next() <= now {
		e := heap.Pop(&m.events).(event)
		m.clock = max(m.clock, e.at)
		switch {
		case e.seq != nil:
			r := m.replicas[e.seq.replica]
			e.seq.queued = e.at
			r.submit(e.seq)
			m.step(r, e.at)
		case e.say != nil:
			m.out = append(m.out, *e.say)
		default:
			e.replica.end(e.at, func(q *sequence, reason string) { m.emit(q, reason, e.at) })
			m.step(e.replica, e.at)
		}
	}
}

// step starts the next step of a replica that is not in one.
func (m *machine) step(r *replica, now time.Duration) {
	if r.busy {
		return
	}
	length, any := r.begin(now)
	if !any {
		return
	}
	if n := r.promptTokens(); m.s.dynamicNeedMiB(n, m.spread) > m.s.mem.dynamicMiB {
		m.death = outOfMemory(m.s, m.s.dynamicNeedMiB(n, m.spread))
		return
	}
	r.power.step(m.s.gpu, now, length, len(r.batch) > 0, len(r.running))
	m.schedule(event{at: now + length, replica: r})
}

// emit tells the client of a sequence's new tokens, unless it is to be told later.
func (m *machine) emit(q *sequence, reason string, now time.Duration) {
	m.stats.tokens(q, reason, now)
	every := m.s.streamInterval
	due := every <= 1 || q.output%every == 1
	if reason == "" && !(q.stream && due) {
		return
	}
	at := m.front.stream(q, now)
	m.schedule(event{at: at, say: &emission{at: at, seq: q, tokens: q.output, cached: q.cached, finish: reason}})
}

// abort forgets a request whose client has gone.
func (m *machine) abort(q *sequence) { q.aborted = true }

// flush empties the prefix caches, if the machine is idle.
func (m *machine) flush() bool {
	if !m.idle() {
		return false
	}
	for _, r := range m.replicas {
		r.flush()
	}
	m.stats = newStats()
	return true
}

// idle reports whether no request is anywhere.
func (m *machine) idle() bool {
	for _, r := range m.replicas {
		if !r.idle() {
			return false
		}
	}
	return len(m.events) == 0
}

// takeLogs returns what the replicas have logged since the last call.
func (m *machine) takeLogs() []string {
	var logs []string
	for _, r := range m.replicas {
		logs = append(logs, r.logs...)
		r.logs = r.logs[:0]
	}
	return logs
}
