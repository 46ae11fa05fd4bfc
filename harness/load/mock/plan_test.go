//go:build linux

package mock

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	const ms = int64(time.Millisecond)
	own := Plan{First: 200 * time.Millisecond, Gap: 20 * time.Millisecond}
	lock, stall, fast := own, own, own
	lock.Mode = LockStep
	stall.StallAt, stall.StallFor = 250*time.Millisecond, 2*time.Second
	fast.Gap = 0
	for _, tt := range []struct {
		name    string
		plan    Plan
		arrival int64
		i       int
		want    int64
	}{
		{"the first event after First", own, 7 * ms, 0, 207 * ms},
		{"the others a gap apart", own, 7 * ms, 5, 307 * ms},
		{"no gap: all at once", fast, 7 * ms, 5, 207 * ms},
		{"lock-step: the next step", lock, 7 * ms, 0, 220 * ms},
		{"lock-step: just on a step", lock, 20 * ms, 0, 220 * ms},
		{"lock-step: just after one", lock, 20*ms + 1, 1, 260 * ms},
		{"before a stall", stall, 0, 2, 240 * ms},
		{"in a stall", stall, 0, 3, 2250 * ms},
		{"after a stall the plan is as it was", stall, 0, 103, 2260 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const epoch = 1_790_000_000_000_000_000
			if got := tt.plan.due(epoch, epoch+tt.arrival, 3, tt.i) - epoch; got != tt.want {
				t.Errorf("due %v after the epoch, want %v", time.Duration(got), time.Duration(tt.want))
			}
		})
	}
}

func TestStaggeredPhasesAreSpread(t *testing.T) {
	p := Plan{First: time.Millisecond, Gap: 20 * time.Millisecond, Mode: Staggered}
	const n = 100
	var phases []int64
	for i := range n {
		due := p.due(0, 5, i, 0)
		if wait := due - 5 - int64(p.First); wait < 0 || wait >= int64(p.Gap) {
			t.Fatalf("stream %d waits %v for its phase: must be less than a gap", i, time.Duration(wait))
		}
		phases = append(phases, due%int64(p.Gap))
	}
	slices.Sort(phases)
	for i := 1; i < n; i++ { // the three distance theorem: no gap is over twice the even one
		if d := phases[i] - phases[i-1]; d == 0 || d > 2*int64(p.Gap)/n {
			t.Errorf("phases %v and %v: not spread evenly", phases[i-1], phases[i])
		}
	}
}

func TestPlanCountsTokens(t *testing.T) {
	p := Plan{PerEvent: 4}
	if got := p.events(10); got != 3 {
		t.Errorf("10 tokens by 4 are %d events, want 3", got)
	}
	for i, want := range []int{4, 8, 10} {
		if got := p.tokens(i, 10); got != want {
			t.Errorf("after event %d there are %d tokens, want %d", i, got, want)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	o := Options{Plan: Plan{First: -1, Gap: -2, Mode: "wild", PerEvent: -3, StallFor: -4}, Addr: "localhost", MaxStreams: -5, Spin: -6}
	err := o.Validate()
	for _, want := range []string{"first -1ns", "gap -2ns", "stall for -4ns", `mode "wild"`, "per event -3", `address "localhost"`, "streams -5", "spin -6ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: does not name %s", err, want)
		}
	}
	if err := (Options{Plan: Plan{Mode: LockStep}}).Validate(); err == nil {
		t.Error("lock-step without a gap is taken")
	}
	if err := (Options{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}
