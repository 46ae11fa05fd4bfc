package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Limits are what devices must be like before a trial begins on them.
type Limits struct {
	MemoryShare  float64       // of a device's memory that may be in use, beside what the driver keeps; default 0.02
	TemperatureC float64       // default 75
	Wait         time.Duration // how long to wait for it; default 60 s
}

// driverMemory is what a driver may count as used on a device that nobody uses.
const driverMemory = 512 << 20

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	if l.MemoryShare == 0 {
		l.MemoryShare = 0.02
	}
	if l.TemperatureC == 0 {
		l.TemperatureC = 75
	}
	if l.Wait == 0 {
		l.Wait = time.Minute
	}
	return l
}

// Verdicts of a gate.
const (
	GateOpen    = "open"    // all was as it must be
	GateMarked  = "marked"  // the trial may begin; its numbers may suffer from Reason
	GateRefused = "refused" // the trial would fail, or disturb others
)

// Evidence is what a gate found.
type Evidence struct {
	Verdict      string   // open | marked | refused
	Reason       string   // why not open; "" where it is
	WaitSeconds  float64  // until the verdict
	MemoryBytes  float64  // in use, of the device that had most; NaN: not said
	TemperatureC float64  // of the hottest device; NaN: not said
	Lost         []string // UUIDs of devices that no longer answer, or had an error of their own while the gate looked
}

// A Gate looks at devices between trials: their memory must be free, nobody else on
// them, they must not be hot nor slowed, and must have had no error since the last look.
type Gate struct {
	limits Limits
	open   func(uuids []string) (Source, error)

	mu  sync.Mutex
	ecc map[string]float64 // uncorrected errors at the last look
}

// NewGate is a gate for the devices of an inventory. It may be used by several
// goroutines.
func NewGate(v Inventory, limits Limits) *Gate {
	return &Gate{limits: limits.withDefaults(), open: func(uuids []string) (Source, error) { return OpenSource(v, uuids) }, ecc: map[string]float64{}}
}

// lookEvery is how often a gate that is shut looks again.
const lookEvery = 200 * time.Millisecond

// Pass waits until the devices are as they must be, for Limits.Wait at most, and says
// what it found. What cannot be read is not held against a device, but that its driver
// does not come back from a call. An error is ctx's.
func (g *Gate) Pass(ctx context.Context, devices []Device) (Evidence, error) {
	type result struct {
		e   Evidence
		err error
	}
	done := make(chan result, 1)
	go func() {
		e, err := g.wait(ctx, devices)
		done <- result{e, err}
	}()
	limit := time.NewTimer(g.limits.Wait + bound)
	defer limit.Stop()
	select {
	case r := <-done:
		return r.e, r.err
	case <-ctx.Done():
		return Evidence{}, ctx.Err()
	case <-limit.C: // its thread cannot be ended, and is left behind
		e := unreadable(errHangs)
		e.Verdict, e.Lost, e.WaitSeconds = GateRefused, uuidsOf(devices), (g.limits.Wait + bound).Seconds()
		return e, nil
	}
}

func (g *Gate) wait(ctx context.Context, devices []Device) (Evidence, error) {
	began := time.Now()
	source, err := g.open(uuidsOf(devices))
	if err != nil {
		return unreadable(err), nil
	}
	defer source.Close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	readings := make([]Reading, len(devices))
	for {
		for i, d := range devices {
			readings[i] = unread(d.UUID)
		}
		err := source.Read(readings)
		processes, _ := source.Processes(ctx)
		e := g.judge(devices, readings, processes, err)
		e.WaitSeconds = time.Since(began).Seconds()
		if ctx.Err() != nil {
			return e, ctx.Err()
		}
		if e.Verdict == GateOpen || len(e.Lost) > 0 || time.Since(began) >= g.limits.Wait {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-tick.C:
		}
	}
}

func uuidsOf(devices []Device) []string {
	var out []string
	for _, d := range devices {
		out = append(out, d.UUID)
	}
	return out
}

// unreadable is what a gate says of devices that cannot be read at all.
func unreadable(err error) Evidence {
	return Evidence{Verdict: GateMarked, Reason: "the state of the GPUs is not known: " + err.Error(), MemoryBytes: math.NaN(), TemperatureC: math.NaN()}
}

// judge says what one look at the devices comes to. It keeps the error counters.
func (g *Gate) judge(devices []Device, readings []Reading, processes map[string][]Process, readError error) Evidence {
	e := Evidence{MemoryBytes: math.NaN(), TemperatureC: math.NaN()}
	var refuse, mark []string
	var lost *LostError
	switch {
	case errors.As(readError, &lost):
		refuse = append(refuse, lost.Error())
		for _, d := range devices {
			if strings.Contains(lost.Device, d.UUID) {
				e.Lost = append(e.Lost, d.UUID)
			}
		}
	case readError != nil:
		mark = append(mark, "the state of the GPUs is not known: "+readError.Error())
	}
	for i, d := range devices {
		v := readings[i].Values
		e.MemoryBytes, e.TemperatureC = most(e.MemoryBytes, v[MemoryUsed]), most(e.TemperatureC, v[Temperature])
		name := fmt.Sprintf("GPU %d", d.Index)
		if allowed := g.limits.MemoryShare*float64(d.MemoryBytes) + driverMemory; v[MemoryUsed] > allowed {
			refuse = append(refuse, fmt.Sprintf("%s has %.0f MiB in use, %.0f are allowed", name, v[MemoryUsed]/(1<<20), allowed/(1<<20)))
		}
		for _, p := range processes[d.UUID] {
			if !p.Graphics {
				refuse = append(refuse, fmt.Sprintf("process %d (%s) is on %s", p.PID, p.Name, name))
			}
		}
		if v[Temperature] > g.limits.TemperatureC {
			mark = append(mark, fmt.Sprintf("%s is at %.0f °C, above %.0f", name, v[Temperature], g.limits.TemperatureC))
		}
		if bits := throttled(uint64(max(0, v[Throttle]))); !math.IsNaN(v[Throttle]) && bits != 0 {
			mark = append(mark, fmt.Sprintf("%s is slowed: %s", name, reasonNames(bits)))
		}
		if fault := g.faultOf(&readings[i]); fault != nil {
			refuse, e.Lost = append(refuse, fault.Error()), append(e.Lost, d.UUID)
		}
	}
	switch {
	case len(refuse) > 0:
		e.Verdict = GateRefused
	case len(mark) > 0:
		e.Verdict = GateMarked
	default:
		e.Verdict = GateOpen
	}
	e.Reason = strings.Join(append(refuse, mark...), "; ")
	return e
}

// faultOf is a new error of the device itself.
func (g *Gate) faultOf(r *Reading) error {
	if err := xidFault(r); err != nil {
		return err
	}
	now := r.Values[ECCUncorrected]
	if math.IsNaN(now) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	before, known := g.ecc[r.Device]
	g.ecc[r.Device] = now
	if known && now > before {
		return fmt.Errorf("GPU %s has %.0f new uncorrected ECC errors", r.Device, now-before)
	}
	return nil
}
