package search

import (
	"math"
	"strings"
	"testing"
)

func TestControlIsAShareOfAsks(t *testing.T) {
	l := newLattice(t, smallSpec)
	for _, share := range []float64{0, 0.25, 0.5} {
		s := newSearcher(t, l, Options{Mode: NSGA2, Seed: 1, Budget: 40, Control: share})
		n := 0
		for _, a := range s.Ask(40) {
			if a.Purpose == "control" {
				n++
			}
		}
		if want := int(40 * share); n != want {
			t.Errorf("%v of 40 asks: %d are controls, want %d", share, n, want)
		}
	}
	for _, bad := range []float64{-0.1, 1, math.NaN()} {
		if _, err := New(l, Options{Mode: Random, Control: bad}); err == nil || !strings.Contains(err.Error(), "control share") {
			t.Errorf("share %v: error %v", bad, err)
		}
	}
}

func TestBenefit(t *testing.T) {
	good := []Outcome{measured(1, 10), measured(2, 20), measured(1, 10), measured(2, 20)}
	bad := []Outcome{measured(4, 5), measured(8, 4), {Failure: "crash"}}
	base := measured(2, 5)
	for _, tt := range []struct {
		name            string
		chosen, uniform []Outcome
		base            Outcome
		compared        int
		low, high       float64 // of PBetter
		ttft, tps       float64
	}{
		{"better", good, bad, base, 3, 0.95, 1, 0.5, 4},
		{"worse", bad, good, base, 3, 0, 0.05, 0.5, 4},
		{"alike", good, good, base, 4, 0.4, 0.6, 0.5, 4},
		{"no controls", good, nil, base, 0, 0, 0, 0.5, 4},
		{"nothing better than the baseline", bad, bad, measured(1, 100), 3, 0.4, 0.6, 1, 1},
		{"a baseline that failed", good, bad, Outcome{Failure: "crash"}, 3, 0.95, 1, 0, 0},
	} {
		b := NewBenefit(tt.chosen, tt.uniform, tt.base, 1)
		if b.Compared != tt.compared || b.PBetter < tt.low || b.PBetter > tt.high+1e-9 || b.TTFTRatio != tt.ttft || math.Abs(b.TPSRatio-tt.tps) > 1e-12 {
			t.Errorf("%s: %+v", tt.name, b)
		}
	}
}
