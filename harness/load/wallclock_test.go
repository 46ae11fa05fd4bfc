package load

import (
	"testing"
	"time"
)

func TestWallClock(t *testing.T) {
	var c wallClock
	c.begin(time.Now())
	now := c.sample()
	if !c.stable || c.steps != 0 {
		t.Fatalf("%+v", c)
	}
	wall := c.offset + now
	for _, tt := range []struct {
		name              string
		wall, since, user int64
		want              int64
		ok                bool
	}{
		{"in between", wall, now - 5, now + 7e6, now, true},
		{"none", 0, 0, now, now, false},
		{"before the request", wall - 1e6, now, now + 5, now + 5, false},
		{"after it was read", wall + 1e6, 0, now, now, false},
		{"after by the clocks' uncertainty", wall + 50, 0, now, now, true},
	} {
		if at, ok := c.stamp(tt.wall, tt.since, tt.user); at.ns != tt.want || at.user != tt.user || ok != tt.ok {
			t.Errorf("%s: %+v %v, want %d %v", tt.name, at, ok, tt.want, tt.ok)
		}
	}
	// The wall clock is set by a second: nothing is taken from it until the next sample.
	c.note(c.offset + 1e9)
	if _, ok := c.stamp(wall+1e9, 0, now+5); ok || c.steps != 1 {
		t.Errorf("after a step: taken %v, %d steps", ok, c.steps)
	}
	c.note(c.offset + 30) // reading two clocks is uncertain by so much
	if at, ok := c.stamp(wall+1e9, 0, now+5); !ok || at.ns != now || c.steps != 1 {
		t.Errorf("after the step: %+v %v, %d steps", at, ok, c.steps)
	}
}
