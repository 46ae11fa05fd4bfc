package gpu

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A Source reads devices.
type Source interface {
	// Read fills one reading of each device that the source was opened for, but for
	// the times. It returns what it could not read, and fills the rest all the same:
	// a *LostError where a device no longer answers.
	Read(into []Reading) error
	// Devices are the UUIDs, in the order in which they are read.
	Devices() []string
	// Processes are those that are on the devices now, by UUID.
	Processes(ctx context.Context) (map[string][]Process, error)
	Close()
}

// A LostError says that a device no longer answers.
type LostError struct {
	Device string // UUID; several with "or" between them where it is not known which
	Why    string
}

func (e *LostError) Error() string { return fmt.Sprintf("GPU %s is lost: %s", e.Device, e.Why) }

// DefaultRate is how often a Meter reads, in readings a second.
const DefaultRate = 10

// A Meter reads devices from a thread of its own until Stop. Its methods may be called
// from several goroutines.
type Meter struct {
	born   time.Time
	source Source
	cancel context.CancelFunc
	now    chan chan struct{} // who wants a reading at once
	done   chan struct{}

	mu       sync.Mutex
	readings []Reading
	fault    error
}

// StartMeter reads a source perSecond times a second, the first time at once; times
// are counted from born. The meter owns the source, and closes it.
func StartMeter(ctx context.Context, source Source, born time.Time, perSecond float64) *Meter {
	ctx, cancel := context.WithCancel(ctx)
	m := &Meter{born: born, source: source, cancel: cancel, now: make(chan chan struct{}), done: make(chan struct{})}
	go m.loop(ctx, time.Duration(float64(time.Second)/perSecond))
	return m
}

func (m *Meter) loop(ctx context.Context, every time.Duration) {
	// A thread of its own, never given back: its priority is lowered for good. A driver
	// that takes its time then holds up nothing else, and the load generator comes first.
	runtime.LockOSThread()
	lowerPriority()
	defer close(m.done)
	defer m.source.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	into := make([]Reading, len(m.source.Devices()))
	m.read(into)
	for {
		select {
		case <-ctx.Done():
			m.read(into) // so that what ends with the meter has a reading at its end
			return
		case read := <-m.now:
			m.read(into)
			close(read)
			tick.Reset(every)
			continue
		case <-tick.C:
		}
		m.read(into)
	}
}

// nowBound is how long ReadNow waits for a driver that does not answer.
const nowBound = time.Second

// ReadNow has the devices read at once, and returns when that is done or has taken a
// second: at the edges of a span whose Usage is asked for, it makes that exact.
func (m *Meter) ReadNow() {
	limit := time.NewTimer(nowBound)
	defer limit.Stop()
	read := make(chan struct{})
	select {
	case m.now <- read:
	case <-m.done:
		return
	case <-limit.C:
		return
	}
	select {
	case <-read:
	case <-limit.C:
	}
}

func (m *Meter) read(into []Reading) {
	for i, d := range m.source.Devices() {
		into[i] = unread(d)
	}
	began := time.Since(m.born)
	err := m.source.Read(into)
	at := (began + time.Since(m.born)) / 2
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range into {
		into[i].TimeNS = at.Nanoseconds()
		if m.fault == nil {
			m.fault = xidFault(&into[i])
		}
	}
	m.readings = append(m.readings, into...)
	if err != nil && m.fault == nil {
		m.fault = err
	}
}

// Usage sums up the readings between two times since the meter's beginning.
func (m *Meter) Usage(from, to time.Duration) Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return UsageOf(m.readings, from.Nanoseconds(), to.Nanoseconds())
}

// Fault is the first thing that went wrong with a device or with reading it; nil where
// nothing did. A *LostError or an *XidError is the device's.
func (m *Meter) Fault() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault
}

// Stop ends the meter and returns all that it has read. It may be called again. A driver
// that does not come back from a call for 5 s is left behind with its thread, which then
// cannot be ended.
func (m *Meter) Stop() []Reading {
	m.cancel()
	limit := time.NewTimer(bound)
	defer limit.Stop()
	select {
	case <-m.done:
	case <-limit.C:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil && !ended(m.done) {
		m.fault = errHangs
	}
	return slices.Clone(m.readings)
}

// errHangs is the fault of a driver that does not come back from a call.
var errHangs = errors.New("the GPU driver does not answer: a call into it did not end")

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
