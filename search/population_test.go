package search

import (
	"math"
	"slices"
	"testing"

	"harness/space"
)

func TestPopulationKeepsTheBest(t *testing.T) {
	ladder := func(points ...Point) Outcome {
		for i := range points {
			points[i].Concurrency = 1 + i
		}
		return Outcome{Points: points}
	}
	fast := Point{TTFT: 1, TPS: 10}  // on the front
	mid := Point{TTFT: 2, TPS: 20}   // on the front
	big := Point{TTFT: 4, TPS: 40}   // on the front
	poor := Point{TTFT: 4, TPS: 10}  // behind all of them
	worst := Point{TTFT: 8, TPS: 10} // behind poor too
	failure := Outcome{Failure: "oom_load"}
	for _, tt := range []struct {
		name     string
		outcomes []Outcome // of ranks 0, 1, ...
		size     int
		want     []uint64
	}{
		{"nothing told", nil, 8, nil},
		{"fronts in order", []Outcome{ladder(worst), ladder(poor), ladder(fast)}, 8, []uint64{2, 1, 0}},
		{"the ends before the middle", []Outcome{ladder(mid), ladder(fast), ladder(big)}, 2, []uint64{1, 2}},
		{"failures last", []Outcome{failure, ladder(worst), failure, ladder(fast)}, 8, []uint64{3, 1, 0, 2}},
		{"failures only", []Outcome{failure, failure, failure}, 2, []uint64{0, 1}},
		{"one good point of a ladder suffices", []Outcome{ladder(worst, fast), ladder(poor)}, 8, []uint64{0, 1}},
		{"a failure's points do not count", []Outcome{{Failure: "crash", Points: []Point{fast}}, ladder(poor)}, 8, []uint64{1, 0}},
		{"a copy gives way", []Outcome{ladder(fast), ladder(mid), ladder(mid), ladder(big)}, 3, []uint64{0, 3, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory(newLattice(t, smallSpec), nil)
			for r, o := range tt.outcomes {
				h.tell(space.RankOf(uint64(r)), o)
			}
			var got []uint64
			for _, m := range population(h, tt.size) {
				got = append(got, m.rank.Lo)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got ranks %v, want %v", got, tt.want)
			}
		})
	}
}

// The crowding of a ladder is the sum over its points on its best front.
func TestCrowdingOfALadder(t *testing.T) {
	h := newHistory(newLattice(t, smallSpec), nil)
	e := func(x, y float64) Point { return Point{TTFT: math.Exp(x), TPS: math.Exp(-y)} }
	h.tell(space.RankOf(0), Outcome{Points: []Point{e(0, 4)}})
	rungs := []Point{e(1, 2), e(2, 1), e(3, 3)} // the last is behind the others
	for i := range rungs {
		rungs[i].Concurrency = 1 + i
	}
	h.tell(space.RankOf(1), Outcome{Points: rungs})
	h.tell(space.RankOf(2), Outcome{Points: []Point{e(4, 0)}})
	want := 2./4 + 3./4 + 3./4 + 2./4
	for _, m := range population(h, 8) {
		if m.rank == space.RankOf(1) {
			if m.front != 0 || math.Abs(m.crowding-want) > 1e-12 {
				t.Errorf("front %d, crowding %v; want 0 and %v", m.front, m.crowding, want)
			}
		} else if !math.IsInf(m.crowding, 1) {
			t.Errorf("an end of the front has the crowding %v", m.crowding)
		}
	}
}

func TestPopulationSize(t *testing.T) {
	for _, tt := range []struct {
		options Options
		want    int
	}{
		{Options{}, 8},
		{Options{Budget: 24}, 8},
		{Options{Budget: 100}, 12},
		{Options{Budget: 10_000}, 40},
		{Options{Budget: 100, Population: 3}, 3},
	} {
		if got := populationSize(tt.options); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.options, got, tt.want)
		}
	}
}
