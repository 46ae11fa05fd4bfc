package sim

import (
	"context"
	"testing"
	"time"
)

// drive runs a clock until the returned function is called.
func drive(t *testing.T, c *clock) (stop func()) {
	t.Helper()
	alarm, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go c.run(ctx, alarm)
	return func() {
		cancel()
		<-c.stopped
		alarm.close()
	}
}

// Nothing is told before its time, and the plan is the one of a machine that never
// waited: late wake-ups delay what is told, and shift nothing.
func TestClockKeepsThePlan(t *testing.T) {
	s := setupOf(t, "--sim-rules", "none")
	c := newClock(newMachine(s, noNoise, faults{slow: 1}), func(string) {})
	stop := drive(t, c)
	defer stop()
	q := newSequence(tokens(0, 50), 40, true)
	q.stream = true
	early := make(chan time.Duration, 40)
	done := make(chan []emission, 1)
	var got []emission
	q.sink = func(e emission) {
		if now := time.Since(c.start); now < e.at {
			early <- e.at - now
		}
		got = append(got, e)
		if e.finish != "" {
			done <- got
		}
	}
	c.submit(q)
	list := <-done
	if len(early) > 0 {
		t.Errorf("told %v before its time", <-early)
	}

	m := newMachine(s, noNoise, faults{slow: 1})
	p := newSequence(tokens(0, 50), 40, true)
	p.stream = true
	m.submit(p, q.arrived)
	for i, e := range deliver(m) {
		if e.at != list[i].at || e.tokens != list[i].tokens {
			t.Fatalf("emission %d is planned for %v with a clock, for %v without", i, list[i].at, e.at)
		}
	}
}

// Questions are answered while it lives, and no longer.
func TestClockAnswers(t *testing.T) {
	c := newClock(newMachine(setupOf(t, "--sim-rules", "none"), noNoise, faults{slow: 1}), func(string) {})
	stop := drive(t, c)
	idle := false
	if !c.ask(context.Background(), func(m *machine, _ time.Duration) { idle = m.idle() }) || !idle {
		t.Error("a living clock does not answer")
	}
	stop()
	if c.ask(context.Background(), func(*machine, time.Duration) {}) {
		t.Error("a stopped clock answers")
	}
}

// A dead scheduler ends the clock with its reason.
func TestClockTellsDeath(t *testing.T) {
	alarm, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer alarm.close()
	c := newClock(newMachine(setupOf(t, "--sim-rules", "none"), noNoise, faults{kind: "crash", slow: 1}), func(string) {})
	c.submit(newSequence(tokens(0, 5), 1, true))
	if cause := c.run(context.Background(), alarm); cause == "" {
		t.Error("no cause of death")
	}
}
