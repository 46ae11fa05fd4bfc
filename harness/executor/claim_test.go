package executor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"harness/gpu"
	"harness/harness/engine"
	"harness/results"
)

// eight is a Local on eight simulated devices, whose locks others may share.
func eight(t *testing.T, locks string, known ...results.Trial) *Local {
	t.Helper()
	inv := gpu.Simulated("H100", 8, 80<<30)
	var uuids []string
	for _, d := range inv.Devices {
		uuids = append(uuids, d.UUID)
	}
	m, err := NewMachine(locks, inv, uuids, known)
	if err != nil {
		t.Fatal(err)
	}
	l := &Local{Machine: m}
	t.Cleanup(l.Close)
	return l
}

func claim(t *testing.T, l *Local, devices int, first bool) Slot {
	t.Helper()
	s, err := l.Claim(devices, first)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClaimsAreOfFreeDevices(t *testing.T) {
	l := eight(t, t.TempDir())
	a, b := claim(t, l, 4, false), claim(t, l, 2, false)
	if a == nil || b == nil || l.Free() != 2 {
		t.Fatalf("%v, %v, %d free", a, b, l.Free())
	}
	if claim(t, l, 4, false) != nil || claim(t, l, 0, false) != nil {
		t.Error("devices in use were claimed")
	}
	a.Release()
	if c := claim(t, l, 4, false); c == nil || l.Free() != 2 {
		t.Errorf("%v, %d free", c, l.Free())
	}
}

// Without devices, a trial has the machine.
func TestWithoutDevicesOneTrialAtATime(t *testing.T) {
	l := &Local{}
	s := claim(t, l, 0, true)
	if s == nil || l.Free() != 0 || claim(t, l, 0, true) != nil {
		t.Fatal("two trials at a time")
	}
	s.Release()
	if l.Free() != 1 {
		t.Error("not free again")
	}
}

// A device that faults twice is set aside, and the others are used on. Faults that the
// study recorded count.
func TestFaultyDevicesAreSetAside(t *testing.T) {
	known := results.Trial{TrialID: "t0001", FailureClass: engine.GPUFault, GPUs: []string{"SIM-0", "SIM-3"}, FailureLine: "GPU SIM-3 fell off the bus"}
	l := eight(t, t.TempDir(), known)
	var warned []string
	l.Warn = func(text string) { warned = append(warned, text) }
	s := claim(t, l, 8, false).(*slot)
	s.fault("SIM-3", "again")
	s.Release()
	var unfit *UnfitError
	if _, err := l.Claim(8, false); !errors.As(err, &unfit) || unfit.Left != 7 || !strings.Contains(err.Error(), "SIM-3 set aside after 2 faults") {
		t.Errorf("a claim of all: %v", err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "SIM-3") {
		t.Errorf("warnings %q", warned)
	}
	all := claim(t, l, 0, false).(*slot)
	if len(all.lease.Devices) != 7 || l.Free() != 0 {
		t.Errorf("all that are left: %v", all.lease.UUIDs())
	}
	for _, d := range all.lease.UUIDs() {
		s.fault(d, "one")
		s.fault(d, "two")
	}
	all.Release()
	if _, err := l.Claim(1, false); err == nil || errors.As(err, &unfit) || !strings.Contains(err.Error(), "no GPU is left") {
		t.Errorf("a claim where none is left: %v", err)
	}
}

// Who wants many devices gets them beside a harness that goes on taking few.
func TestLineOfTwoHarnesses(t *testing.T) {
	locks := t.TempDir()
	small, large := eight(t, locks), eight(t, locks)
	var held []Slot
	for range 8 {
		held = append(held, claim(t, small, 1, false))
	}
	if claim(t, large, 8, true) != nil {
		t.Fatal("devices in use were claimed")
	}
	until(t, "the large one stands in line", func() bool {
		held[0].Release()
		if held[0] = claim(t, small, 1, false); held[0] != nil {
			return false
		}
		return true
	})
	for _, s := range held[1:] {
		s.Release()
	}
	var got Slot
	until(t, "the large one has its devices", func() bool {
		got = claim(t, large, 8, true)
		return got != nil
	})
	got.Release()
	until(t, "the small one goes on", func() bool { return claim(t, small, 1, false) != nil })
}

// What left the line is in nobody's way.
func TestLineIsLeft(t *testing.T) {
	locks := t.TempDir()
	a, b := eight(t, locks), eight(t, locks)
	s := claim(t, a, 1, false)
	if claim(t, b, 8, true) != nil {
		t.Fatal("devices in use were claimed")
	}
	b.Close()
	until(t, "all devices are free", func() bool { return claim(t, a, 7, false) != nil })
	s.Release()
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("gave up: %s", what)
		}
	}
}

// The load generator's CPUs are given back.
func TestAffinity(t *testing.T) {
	before := affinity()
	if len(before) < 2 {
		t.Skipf("%d CPUs: nothing to split", len(before))
	}
	m := &Machine{CPUs: gpu.CPUs{Client: before[:1]}, All: before}
	restore, err := m.KeepToClientCPUs()
	if err != nil {
		t.Fatal(err)
	}
	during := affinity()
	restore()
	if len(during) != 1 || during[0] != before[0] || len(affinity()) != len(before) {
		t.Errorf("CPUs %v, then %v, then %v", before, during, affinity())
	}
	if got := m.serverCPUs(&gpu.Lease{CPUs: before[1:]}, false); len(got) != len(before)-1 || got[0] != before[1] {
		t.Errorf("a server alone has %v of %v", got, before)
	}
}
