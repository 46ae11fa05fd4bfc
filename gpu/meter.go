package gpu

import (
	"context"
	"fmt"
	"runtime"
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
type LostError struct{ Device, Why string }

func (e *LostError) Error() string { return fmt.Sprintf("GPU %s is lost: %s", e.Device, e.Why) }

// DefaultRate is how often a Meter reads, in readings a second.
const DefaultRate = 10

// A Meter reads devices from a thread of its own until Stop. Its methods may be called
// from several goroutines.
type Meter struct {
	born   time.Time
	source Source
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	readings []Reading
	fault    error
}

// StartMeter reads a source perSecond times a second, the first time at once; times
// are counted from born. The meter owns the source, and closes it.
func StartMeter(ctx context.Context, source Source, born time.Time, perSecond float64) *Meter {
	ctx, cancel := context.WithCancel(ctx)
	m := &Meter{born: born, source: source, cancel: cancel, done: make(chan struct{})}
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
	for {
		m.read(into)
		select {
		case <-ctx.Done():
			m.read(into) // so that what ends with the meter has a reading at its end
			return
		case <-tick.C:
		}
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

// Stop ends the meter and returns all that it has read. It may be called again.
func (m *Meter) Stop() []Reading {
	m.cancel()
	<-m.done
	return m.readings
}
