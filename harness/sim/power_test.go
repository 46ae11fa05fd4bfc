package sim

import (
	"math"
	"testing"
	"time"
)

// A step's energy is counted as it passes, not when it begins, and a GPU without work
// draws what it draws idle.
func TestPower(t *testing.T) {
	g := gpu{limitW: 700, idleW: 70}
	var p power
	p.step(g, 1*time.Second, 2*time.Second, true, 0)
	for _, tt := range []struct{ at, watts, joules, busy float64 }{
		{1, 70 + 0.95*630, 70, 0},
		{2, 70 + 0.95*630, 140 + 0.95*630, 1},
		{3, 70, 210 + 2*0.95*630, 2},
		{10, 70, 700 + 2*0.95*630, 2},
	} {
		watts, joules, busy := p.at(g, seconds(tt.at))
		if math.Abs(watts-tt.watts) > 1e-9 || math.Abs(joules-tt.joules) > 1e-9 || busy.Seconds() != tt.busy {
			t.Errorf("at %v s: %v W, %v J, busy %v s; want %+v", tt.at, watts, joules, busy.Seconds(), tt)
		}
	}
	p.step(g, 10*time.Second, time.Second, false, 64)
	if watts, _, _ := p.at(g, seconds(10.5)); watts != 70+(0.45+0.35*0.5)*630 {
		t.Errorf("64 sequences decode at %v W", watts)
	}
}

// All modelled GPUs draw more with work than without, and never more than their limit.
func TestPowerBounds(t *testing.T) {
	for _, g := range gpus {
		var p power
		p.step(g, 0, time.Second, false, 10000)
		decode, _, _ := p.at(g, 0)
		p = power{}
		p.step(g, 0, time.Second, true, 0)
		prefill, _, _ := p.at(g, 0)
		if !(g.idleW < decode && decode < prefill && prefill < g.limitW) {
			t.Errorf("%s: idle %v W, decode %v W, prefill %v W, limit %v W", g.name, g.idleW, decode, prefill, g.limitW)
		}
	}
}
