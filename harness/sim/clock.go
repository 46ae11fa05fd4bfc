package sim

import (
	"context"
	"sync"
	"time"
)

// A clock drives a machine in real time: it alone touches the machine, sleeps
// until the machine's next event, and hands out what comes of it. Events keep
// their planned times, so that a late wake-up delays one event and none after it.
type clock struct {
	machine *machine
	start   time.Time
	log     func(string)

	mu      sync.Mutex
	inbox   []func(*machine, time.Duration)
	wake    chan struct{} // holds one: the inbox is not empty
	stopped chan struct{} // closed when run returns
}

func newClock(m *machine, log func(string)) *clock {
	return &clock{machine: m, start: time.Now(), log: log, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// do has f called with the machine, soon. It never waits.
func (c *clock) do(f func(*machine, time.Duration)) {
	c.mu.Lock()
	c.inbox = append(c.inbox, f)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// submit hands a request in, as arrived now.
func (c *clock) submit(q *sequence) {
	arrived := time.Since(c.start)
	c.do(func(m *machine, now time.Duration) { m.submit(q, min(arrived, now)) })
}

// ask calls f with the machine and waits for it; false when the clock has stopped.
func (c *clock) ask(ctx context.Context, f func(*machine, time.Duration)) bool {
	done := make(chan struct{})
	c.do(func(m *machine, now time.Duration) { f(m, now); close(done) })
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-c.stopped:
	}
	return false
}

// run drives the machine until ctx ends or the scheduler dies, and returns the
// cause of death, or "".
func (c *clock) run(ctx context.Context, alarm *alarm) string {
	defer close(c.stopped)
	for {
		next := c.turn()
		if c.machine.death != "" {
			return c.machine.death
		}
		if next != never {
			alarm.set(time.Until(c.start.Add(next)))
		}
		select {
		case <-alarm.rings: // perhaps too early, from an older setting: the turn finds nothing due
		case <-c.wake:
		case <-ctx.Done():
			return ""
		}
	}
}

// turn takes the inbox, advances the machine to now, and hands its emissions and
// log lines out. It returns the time of the machine's next event.
func (c *clock) turn() time.Duration {
	c.mu.Lock()
	inbox := c.inbox
	c.inbox = nil
	c.mu.Unlock()
	m, now := c.machine, time.Since(c.start)
	for _, f := range inbox {
		f(m, now)
	}
	m.advance(now)
	for _, e := range m.out {
		e.seq.sink(e)
	}
	clear(m.out)
	m.out = m.out[:0]
	for _, line := range m.takeLogs() {
		c.log(line)
	}
	return m.next()
}

// A mailbox holds the emissions of one request until its handler takes them.
type mailbox struct {
	mu    sync.Mutex
	queue []emission
	ready chan struct{} // holds one: the queue is not empty
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (b *mailbox) put(e emission) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take moves what is there to the end of into.
func (b *mailbox) take(into []emission) []emission {
	b.mu.Lock()
	defer b.mu.Unlock()
	into = append(into, b.queue...)
	b.queue = b.queue[:0]
	return into
}
