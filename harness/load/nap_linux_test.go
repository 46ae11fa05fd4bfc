package load

import (
	"testing"
	"time"
)

func TestNapIsAPartOfTheGap(t *testing.T) {
	n := nap{part: leastPart}
	for range 4096 {
		n.took(1, 20e6)
	}
	if got := n.length(0, never, maxNap); got < 2*time.Millisecond || got > 2500*time.Microsecond {
		t.Errorf("streams of 20 ms a token: %v between drains, want an eighth", got)
	}
	if got := n.length(0, never, maxTurn); got != maxTurn {
		t.Errorf("where ends bring requests: %v, want %v", got, maxTurn)
	}
	if got := n.length(5e6, 5e6+3e5, maxTurn); got != 300*time.Microsecond {
		t.Errorf("before an end in 0.3 ms: %v, want that", got)
	}
	if got := n.length(5e6, 4e6, maxTurn); got > 0 {
		t.Errorf("an end is overdue: %v, want no sleep", got)
	}
	for range 256 {
		n.took(1, 1e6)
	}
	if got := n.length(0, never, maxNap); got > 200*time.Microsecond {
		t.Errorf("256 tokens after the streams became faster, 1 ms a token: still %v between drains", got)
	}
}

func TestNapShrinksWhileReadsAreShared(t *testing.T) {
	n := nap{part: leastPart}
	for range 4096 {
		n.took(1, 20e6)
	}
	for range 100 * 256 {
		n.took(2, 40e6)
	}
	if got := n.length(0, never, maxNap); got > time.Microsecond {
		t.Errorf("all reads are shared: %v between drains", got)
	}
	for range 200 * 256 {
		n.took(1, 20e6)
	}
	if got := n.length(0, never, maxNap); got < 2*time.Millisecond {
		t.Errorf("none is shared any more: %v between drains", got)
	}
}
