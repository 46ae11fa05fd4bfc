// Package executor runs trials where there are GPUs: a plan goes in, the parts that
// it wrote are on disk, and its row comes back.
//
// The flow is Machine (this machine's devices and CPUs) -> Local.Claim (a lease) ->
// Slot.Run (gate, then the trial) -> Slot.Release.
package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"harness/gpu"
	"harness/harness/bench"
	"harness/harness/engine"
	"harness/results"
)

// Local runs trials on this machine: as many at a time as its devices allow, one where
// it has none. Its methods are not safe for concurrent use; its slots' Run is.
type Local struct {
	Store   results.Store
	Machine *Machine // nil: there are no devices to lease, and a trial has all of the machine
	Shared  bool     // several trials may run at a time: a server keeps to the CPUs of its devices

	TelemetryPerSecond float64 // readings of each device; 0: the default

	Watch func(bench.Event) // may be nil; called from the goroutines of trials
	Warn  func(text string) // likewise

	trials int
	leased int
	line   *line // nil: not waiting
	told   bool  // that other runs have the devices
}

// Free is the number of devices that no trial of this executor has; where there are
// none to lease, 1 while no trial runs.
func (l *Local) Free() int {
	if l.Machine == nil {
		return max(0, 1-l.trials)
	}
	return len(l.Machine.usable()) - l.leased
}

// An UnfitError says that a trial needs more devices than are left.
type UnfitError struct {
	Need, Left int
	Why        string // what became of the others
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("GPUs needed: %d, left: %d: %s", e.Need, e.Left, e.Why)
}

// Claim leases devices for a trial, all that are left where their number is 0. It
// returns nil while they are in use, here or by another process; then, if nothing else
// is to begin before it (first), it stands in line with other processes, and the same
// claim again finds the devices once it is its turn. An *UnfitError says that the
// devices can never be had, another error that no device is left at all.
func (l *Local) Claim(devices int, first bool) (Slot, error) {
	if l.Machine == nil {
		if l.trials > 0 {
			return nil, nil
		}
		l.trials++
		return &slot{Local: l}, nil
	}
	usable := l.Machine.usable()
	if len(usable) == 0 {
		return nil, fmt.Errorf("no GPU is left to run trials on: %s; see `harness gpu`", l.Machine.lost())
	}
	if devices == 0 {
		devices = len(usable)
	}
	if devices > len(usable) {
		return nil, &UnfitError{Need: devices, Left: len(usable), Why: l.Machine.lost()}
	}
	lease, err := l.lease(gpu.Want{Devices: devices, Of: l.Machine.UUIDs}, first)
	if lease == nil || err != nil {
		return nil, err
	}
	l.trials++
	l.leased += devices
	return &slot{Local: l, lease: lease}, nil
}

// lease takes devices if they are free and nobody is before us.
func (l *Local) lease(want gpu.Want, first bool) (*gpu.Lease, error) {
	if l.line != nil && (!first || l.line.devices != want.Devices) {
		l.Close() // what stood in line is not wanted any more
	}
	if l.line != nil {
		select {
		case r := <-l.line.result:
			l.line.cancel()
			l.line = nil
			return r.lease, r.err
		default:
			return nil, nil
		}
	}
	lease, err := l.Machine.Pool.TryAcquire(want)
	if !errors.Is(err, gpu.ErrBusy) {
		return lease, err
	}
	if l.trials == 0 {
		l.tellHolders()
	}
	if first {
		l.line = queueUp(l.Machine.Pool, want)
	}
	return nil, nil
}

// tellHolders says once that nothing runs since others have the devices.
func (l *Local) tellHolders() {
	if held := l.Machine.heldByOthers(); held != "" && !l.told && l.Warn != nil {
		l.told = true
		l.Warn("waiting for GPUs: " + held)
	}
}

// Close leaves the line of those who wait for devices. It is called when no further
// claim will be made.
func (l *Local) Close() {
	if l.line != nil {
		l.line.leave()
		l.line = nil
	}
}

// slot is a lease of a Local; without devices its lease is nil.
type slot struct {
	*Local
	lease *gpu.Lease
}

func (s *slot) Run(ctx, abort context.Context, p bench.Plan) (results.Trial, error) {
	runner := bench.Runner{Store: s.Store, Watch: s.Watch}
	if s.lease == nil {
		return runner.Run(ctx, abort, p, nil)
	}
	runner.CPUs = s.Machine.serverCPUs(s.lease, s.Shared)
	evidence, err := s.Machine.Gate.Pass(ctx, s.lease.Devices)
	if err == nil && evidence.Verdict == gpu.GateRefused {
		return s.refuse(p, evidence)
	}
	runner.Gate, runner.Telemetry = evidence, bench.Telemetry{Open: s.Machine.open, PerSecond: s.TelemetryPerSecond}
	row, err := runner.Run(ctx, abort, p, s.lease.UUIDs())
	if err == nil && row.FailureClass == engine.GPUFault {
		for _, uuid := range Faulty(row) {
			s.fault(uuid, fmt.Sprintf("trial %s: %s", row.TrialID, row.FailureLine))
		}
	}
	return row, err
}

// refuse records a trial that was not begun: its devices are not fit for it.
func (s *slot) refuse(p bench.Plan, e gpu.Evidence) (results.Trial, error) {
	class := engine.HarnessError // somebody else is on the device: passing
	if len(e.Lost) > 0 {
		class = engine.GPUFault
	}
	for _, uuid := range e.Lost {
		s.fault(uuid, e.Reason)
	}
	row := bench.Refused(p, s.lease.UUIDs(), class, fmt.Sprintf("not begun, after %.0f s of waiting: %s", e.WaitSeconds, e.Reason), e)
	return row, s.Store.WriteTrial(row)
}

func (s *slot) fault(uuid, why string) {
	if s.Machine.Pool.Fault(uuid, why) && s.Warn != nil {
		s.Warn(fmt.Sprintf("GPU %s is set aside, the study goes on with the others: %s", uuid, why))
	}
}

// Faulty are the devices that a row of class gpu_fault speaks of: those that its line
// names, else all that it had.
func Faulty(row results.Trial) []string {
	var named []string
	for _, uuid := range row.GPUs {
		if strings.Contains(row.FailureLine, uuid) {
			named = append(named, uuid)
		}
	}
	if len(named) > 0 {
		return named
	}
	return slices.Clone(row.GPUs)
}

func (s *slot) Release() {
	s.trials--
	if s.lease != nil {
		s.leased -= len(s.lease.Devices)
		s.lease.Release()
	}
}
