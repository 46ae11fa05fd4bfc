package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"harness/space"

	"github.com/google/go-cmp/cmp"
)

func TestLaunchesOfOneConfigurationAreCombined(t *testing.T) {
	const e = math.E
	at := func(ttft, tps, se float64) Outcome {
		return Outcome{Points: []Point{{TTFT: ttft, TPS: tps, TTFTSE: se, TPSSE: se}}}
	}
	failure := Outcome{Failure: "oom_serving"}
	for _, tt := range []struct {
		name     string
		launches []Outcome
		ok       bool
		want     Point // where ok
	}{
		{"one", []Outcome{at(1, 2, 0.1)}, true, Point{TTFT: 1, TPS: 2, TTFTSE: 0.1, TPSSE: 0.1}},
		{"the geometric mean of two", []Outcome{at(1, 1, 0.3), at(e*e, e*e*e*e, 0.4)}, true, Point{TTFT: e, TPS: e * e, TTFTSE: 0.25, TPSSE: 0.25}},
		{"an error that one does not know", []Outcome{at(1, 1, 0.3), at(1, 1, 0)}, true, Point{TTFT: 1, TPS: 1}},
		{"as many failures", []Outcome{at(1, 2, 0.1), failure}, true, Point{TTFT: 1, TPS: 2, TTFTSE: 0.1, TPSSE: 0.1}},
		{"more failures", []Outcome{failure, at(1, 2, 0.1), failure}, false, Point{}},
		{"failures of others", []Outcome{{Failure: "gpu_fault"}, {Failure: "killed"}, at(1, 2, 0.1)}, true, Point{TTFT: 1, TPS: 2, TTFTSE: 0.1, TPSSE: 0.1}},
	} {
		var forward, backward record
		for i := range tt.launches {
			forward = forward.with(tt.launches[i])
			backward = backward.with(tt.launches[len(tt.launches)-1-i])
		}
		if diff := cmp.Diff(forward, backward, cmp.AllowUnexported(record{})); diff != "" {
			t.Errorf("%s: the order of telling matters: %s", tt.name, diff)
		}
		if forward.ok() != tt.ok {
			t.Errorf("%s: works: %t", tt.name, forward.ok())
			continue
		}
		if !tt.ok {
			continue
		}
		got := forward.points[0]
		for _, v := range [][2]float64{{got.TTFT, tt.want.TTFT}, {got.TPS, tt.want.TPS}, {got.TTFTSE, tt.want.TTFTSE}, {got.TPSSE, tt.want.TPSSE}} {
			if math.Abs(v[0]-v[1]) > 1e-12 {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			}
		}
	}
}

// What varies between launches is told from what varies within one.
func TestLaunchVariance(t *testing.T) {
	const within, between = 0.05, 0.2
	rng := rand.New(rand.NewPCG(1, 1))
	h := newHistory(newLattice(t, smallSpec), nil)
	for r := range uint64(200) {
		for range 3 {
			draw := func() float64 { return math.Exp(between*rng.NormFloat64() + within*rng.NormFloat64()) }
			h.tell(space.RankOf(r), Outcome{Points: []Point{{TTFT: draw(), TPS: math.Exp(within * rng.NormFloat64()), TTFTSE: within, TPSSE: within}}})
		}
	}
	got := h.launchVariance()
	if sd := math.Sqrt(got[0]); math.Abs(sd-between) > 0.02 {
		t.Errorf("TTFT differs by %v between launches, want %v", sd, between)
	}
	if sd := math.Sqrt(got[1]); sd > 0.02 {
		t.Errorf("TPS differs by %v between launches, want none", sd)
	}
}
