package gpu

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeSource reads as the script says: it gives the values of the n-th reading.
type fakeSource struct {
	uuids     []string
	script    func(n int, into []Reading) error
	processes map[string][]Process
	n         int
	closed    atomic.Bool
}

func (s *fakeSource) Read(into []Reading) error {
	s.n++
	return s.script(s.n, into)
}
func (s *fakeSource) Devices() []string { return s.uuids }
func (s *fakeSource) Processes(context.Context) (map[string][]Process, error) {
	return s.processes, nil
}
func (s *fakeSource) Close() { s.closed.Store(true) }

func steady(watts float64) func(int, []Reading) error {
	return func(_ int, into []Reading) error {
		for i := range into {
			into[i].Values[Power] = watts
		}
		return nil
	}
}

// Ten readings a second, one at once and one at the end; nothing is left behind.
func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{uuids: []string{"a", "b"}, script: steady(100)}
		m := StartMeter(t.Context(), source, time.Now(), 10)
		time.Sleep(2050 * time.Millisecond) // of the bubble's clock
		u := m.Usage(500*time.Millisecond, 1500*time.Millisecond)
		if math.Abs(u.EnergyJ-200) > 1e-6 || u.EnergySource != "power" || u.Readings != 22 {
			t.Errorf("%+v", u)
		}
		readings := m.Stop()
		if len(readings) != 2*(21+1) || readings[0].TimeNS != 0 || readings[2].TimeNS != 1e8 || readings[1].Device != "b" || !source.closed.Load() {
			t.Errorf("%d readings, closed %v", len(readings), source.closed.Load())
		}
		if m.Fault() != nil || len(m.Stop()) != len(readings) {
			t.Errorf("%v", m.Fault())
		}
	})
}

// A span shorter than the time between two readings is exact where its edges are read,
// and a driver that hangs holds nobody up.
func TestMeterReadNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		source := &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error {
			into[0].Values[Energy] = 1000 * time.Since(born).Seconds()
			return nil
		}}
		m := StartMeter(t.Context(), source, born, 10)
		time.Sleep(120 * time.Millisecond)
		m.ReadNow()
		time.Sleep(30 * time.Millisecond)
		m.ReadNow()
		if u := m.Usage(120*time.Millisecond, 150*time.Millisecond); math.Abs(u.EnergyJ-30) > 1e-6 || u.Readings != 2 {
			t.Errorf("%+v", u)
		}
		m.Stop()
		m.ReadNow()

		hang := make(chan struct{})
		m = StartMeter(t.Context(), &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error { <-hang; return nil }}, born, 10)
		began := time.Now()
		if m.ReadNow(); time.Since(began) != nowBound {
			t.Errorf("held up for %v", time.Since(began))
		}
		close(hang)
		m.Stop()
	})
}

func TestMeterFault(t *testing.T) {
	for name, script := range map[string]func(n int, into []Reading) error{
		"lost": func(n int, into []Reading) error {
			if n >= 2 {
				return &LostError{"a", "it has fallen off the bus"}
			}
			return nil
		},
		"Xid 79": func(n int, into []Reading) error {
			if n >= 2 {
				into[0].Values[Xid] = 79
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := StartMeter(t.Context(), &fakeSource{uuids: []string{"a"}, script: script}, time.Now(), 10)
				time.Sleep(50 * time.Millisecond)
				if err := m.Fault(); err != nil {
					t.Errorf("too early: %v", err)
				}
				time.Sleep(100 * time.Millisecond)
				if err := m.Fault(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "off the bus") {
					t.Errorf("%v", err)
				}
				m.Stop()
			})
		})
	}
}

// A program's own error is no fault of the device.
func TestMeterProgramError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := func(n int, into []Reading) error { into[0].Values[Xid] = 31; return nil }
		m := StartMeter(t.Context(), &fakeSource{uuids: []string{"a"}, script: script}, time.Now(), 10)
		time.Sleep(time.Second)
		m.Stop()
		if err := m.Fault(); err != nil {
			t.Error(err)
		}
	})
}

func TestGate(t *testing.T) {
	device := Device{Index: 3, UUID: "a", MemoryBytes: 80 << 30}
	clean := func(v *[metrics]float64) { v[MemoryUsed], v[Temperature], v[Throttle] = 600<<20, 40, 0 }
	for _, tt := range []struct {
		name      string
		script    func(n int, v *[metrics]float64) error
		processes []Process
		verdict   string
		reason    string
		wait      float64 // s
		lost      bool
	}{
		{"clean", func(n int, v *[metrics]float64) error { clean(v); return nil }, nil, GateOpen, "", 0, false},
		{"nothing said", func(n int, v *[metrics]float64) error { return nil }, nil, GateOpen, "", 0, false},
		{"freed after a while", func(n int, v *[metrics]float64) error {
			clean(v)
			if n < 6 {
				v[MemoryUsed] = 70 << 30
			}
			return nil
		}, nil, GateOpen, "", 1, false},
		{"never freed", func(n int, v *[metrics]float64) error { clean(v); v[MemoryUsed] = 70 << 30; return nil }, nil, GateRefused, "GPU 3 has 71680 MiB in use, 2150 are allowed", 60, false},
		{"foreign process", func(n int, v *[metrics]float64) error { clean(v); return nil }, []Process{{PID: 5, Name: "python"}}, GateRefused, "process 5 (python) is on GPU 3", 60, false},
		{"a desktop", func(n int, v *[metrics]float64) error { clean(v); return nil }, []Process{{PID: 5, Name: "Xorg", Graphics: true}}, GateOpen, "", 0, false},
		{"hot", func(n int, v *[metrics]float64) error { clean(v); v[Temperature] = 83; return nil }, nil, GateMarked, "GPU 3 is at 83 °C, above 75", 60, false},
		{"slowed", func(n int, v *[metrics]float64) error { clean(v); v[Throttle] = 0x40; return nil }, nil, GateMarked, "GPU 3 is slowed: hw_thermal", 60, false},
		{"at its power limit", func(n int, v *[metrics]float64) error { clean(v); v[Throttle] = 0x4; return nil }, nil, GateOpen, "", 0, false},
		{"Xid", func(n int, v *[metrics]float64) error { clean(v); v[Xid] = 48; return nil }, nil, GateRefused, "Xid 48 on GPU a: double bit ECC error", 0, true},
		{"lost", func(n int, v *[metrics]float64) error { return &LostError{"a", "off the bus"} }, nil, GateRefused, "GPU a is lost: off the bus", 0, true},
		{"unreadable", func(n int, v *[metrics]float64) error { return errors.New("no permission") }, nil, GateMarked, "the state of the GPUs is not known: no permission", 60, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &fakeSource{uuids: []string{"a"}, processes: map[string][]Process{"a": tt.processes},
					script: func(n int, into []Reading) error { return tt.script(n, &into[0].Values) }}
				g := NewGate(Inventory{}, Limits{})
				g.open = func([]string) (Source, error) { return source, nil }
				e, err := g.Pass(t.Context(), []Device{device})
				if err != nil || e.Verdict != tt.verdict || e.Reason != tt.reason || math.Abs(e.WaitSeconds-tt.wait) > 0.21 || (len(e.Lost) > 0) != tt.lost || !source.closed.Load() {
					t.Errorf("%+v, %v; want %+v", e, err, tt)
				}
			})
		})
	}
}

// Errors that were counted before the first look are no news; those since are.
func TestGateECC(t *testing.T) {
	errorsNow := 3.0
	g := NewGate(Inventory{}, Limits{})
	g.open = func([]string) (Source, error) {
		return &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error { into[0].Values[ECCUncorrected] = errorsNow; return nil }}, nil
	}
	pass := func() Evidence {
		e, err := g.Pass(t.Context(), []Device{{UUID: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := pass(); e.Verdict != GateOpen {
		t.Errorf("%+v", e)
	}
	errorsNow = 5
	if e := pass(); e.Verdict != GateRefused || e.Reason != "GPU a has 2 new uncorrected ECC errors" || len(e.Lost) != 1 {
		t.Errorf("%+v", e)
	}
	if e := pass(); e.Verdict != GateOpen {
		t.Errorf("told twice: %+v", e)
	}
}

func TestGateHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		g := NewGate(Inventory{}, Limits{})
		g.open = func([]string) (Source, error) {
			return &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error { <-hang; return nil }}, nil
		}
		e, err := g.Pass(t.Context(), []Device{{UUID: "a"}})
		if err != nil || e.Verdict != GateRefused || len(e.Lost) != 1 || !strings.Contains(e.Reason, "does not answer") {
			t.Errorf("%+v %v", e, err)
		}
		m := StartMeter(t.Context(), &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error { <-hang; return nil }}, time.Now(), 10)
		if rs := m.Stop(); len(rs) != 0 || !errors.Is(m.Fault(), errHangs) {
			t.Errorf("%v %v", rs, m.Fault())
		}
		close(hang)
	})
}

func TestGateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Inventory{}, Limits{})
		g.open = func([]string) (Source, error) {
			return &fakeSource{uuids: []string{"a"}, script: func(n int, into []Reading) error { into[0].Values[Temperature] = 99; return nil }}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Pass(ctx, []Device{{UUID: "a"}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	e, err := NewGate(Inventory{Source: "amd-smi"}, Limits{}).Pass(t.Context(), []Device{{UUID: "a"}})
	if err != nil || e.Verdict != GateMarked || !strings.Contains(e.Reason, "amd-smi cannot be read") {
		t.Errorf("%+v %v", e, err)
	}
	e, err = NewGate(Simulated("H100", 2, 80<<30), Limits{}).Pass(t.Context(), Simulated("H100", 2, 80<<30).Devices)
	if err != nil || e.Verdict != GateOpen {
		t.Errorf("%+v %v", e, err)
	}
}
