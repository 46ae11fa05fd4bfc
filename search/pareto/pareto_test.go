package pareto_test

import (
	"math"
	"slices"
	"testing"

	"harness/search/pareto"
)

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

func TestDominates(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b pareto.Point
		want bool
	}{
		{"better in both", pareto.Point{1, 20}, pareto.Point{2, 10}, true},
		{"better in one, equal in the other", pareto.Point{1, 10}, pareto.Point{2, 10}, true},
		{"equal", pareto.Point{1, 10}, pareto.Point{1, 10}, false},
		{"a trade", pareto.Point{1, 10}, pareto.Point{2, 20}, false},
		{"worse", pareto.Point{2, 10}, pareto.Point{1, 20}, false},
		{"finite over infinitely slow", pareto.Point{1, 10}, pareto.Point{inf, 10}, true},
		{"NaN never dominates", pareto.Point{nan, 20}, pareto.Point{2, 10}, false},
		{"NaN is never dominated", pareto.Point{1, 20}, pareto.Point{2, nan}, false},
	} {
		if got := ttftTPS.Dominates(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: Dominates(%v, %v) = %v", tt.name, tt.a, tt.b, got)
		}
	}
}

func TestFrontAndRanks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ps    []pareto.Point
		front []int
		ranks []int
	}{
		{"nothing", nil, []int{}, []int{}},
		{"one", []pareto.Point{{3, 3}}, []int{0}, []int{0}},
		{"copies share their rank", []pareto.Point{{2, 2}, {1, 1}, {2, 2}, {1, 1}}, []int{1, 3}, []int{1, 0, 1, 0}},
		{"equal in one objective", []pareto.Point{{1, 2}, {1, 1}, {2, 1}}, []int{1}, []int{1, 0, 1}},
		{"a chain", []pareto.Point{{3, 3}, {2, 2}, {1, 1}}, []int{2}, []int{2, 1, 0}},
		{"NaN has no rank", []pareto.Point{{nan, 0}, {1, 1}, {0, nan}}, []int{1}, []int{-1, 0, -1}},
		{"infinities keep their order", []pareto.Point{{-inf, inf}, {0, 0}, {inf, inf}}, []int{0, 1}, []int{0, 0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range directions {
				ps := d.turn(tt.ps...)
				if got := d.goals.Front(ps); !slices.Equal(got, tt.front) {
					t.Errorf("%s: Front = %v, want %v", d.name, got, tt.front)
				}
				if got := d.goals.Ranks(ps); !slices.Equal(got, tt.ranks) {
					t.Errorf("%s: Ranks = %v, want %v", d.name, got, tt.ranks)
				}
			}
		})
	}
}

func TestCrowding(t *testing.T) {
	for _, tt := range []struct {
		name string
		ps   []pareto.Point
		want []float64
	}{
		{"nothing", nil, []float64{}},
		{"one", []pareto.Point{{1, 1}}, []float64{inf}},
		{"two", []pareto.Point{{1, 2}, {2, 1}}, []float64{inf, inf}},
		// (6-1)/(8-0) + (9-3)/(10-0) and (8-2)/8 + (5-0)/10, by hand
		{"the middle of four", []pareto.Point{{0, 10}, {8, 0}, {2, 5}, {6, 3}}, []float64{inf, inf, 6./8 + 7./10, 6./8 + 5./10}},
		{"a copy has none", []pareto.Point{{0, 2}, {1, 1}, {1, 1}, {2, 0}}, []float64{inf, 2, 0, inf}},
		{"all equal", []pareto.Point{{1, 1}, {1, 1}}, []float64{inf, 0}},
		{"not finite", []pareto.Point{{nan, 1}, {inf, 0}, {1, 1}}, []float64{0, 0, inf}},
	} {
		if got := pareto.Crowding(tt.ps); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Crowding = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMeasuresOfOddInput(t *testing.T) {
	var g pareto.Goals
	one, ref := []pareto.Point{{1, 1}}, pareto.Point{3, 4}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"hypervolume of nothing", g.Hypervolume(nil, ref), 0},
		{"hypervolume, one point", g.Hypervolume(one, ref), 6},
		{"hypervolume, a point on the reference's line", g.Hypervolume([]pareto.Point{{3, 1}}, ref), 0},
		{"hypervolume ignores NaN", g.Hypervolume([]pareto.Point{{1, 1}, {nan, 0}, {0, nan}}, ref), 6},
		{"hypervolume ignores the infinitely bad", g.Hypervolume([]pareto.Point{{1, 1}, {0, inf}}, ref), 6},
		{"hypervolume of the infinitely good", g.Hypervolume([]pareto.Point{{-inf, 1}, {-inf, 0}}, ref), inf},
		{"hypervolume to an infinite reference", g.Hypervolume(one, pareto.Point{inf, inf}), inf},
		{"hypervolume to no reference", g.Hypervolume(one, pareto.Point{nan, 1}), nan},
		{"contribution to no reference", g.Contributions(one, pareto.Point{nan, 1})[0], nan},
		{"contribution of a copy", g.Contributions([]pareto.Point{{1, 1}, {1, 1}}, ref)[1], 0},
		{"contribution beyond the reference", g.Contributions([]pareto.Point{{1, 1}, {0, 9}}, ref)[1], 0},
		{"contribution beside one beyond it", g.Contributions([]pareto.Point{{1, 1}, {0, 9}}, ref)[0], 6},
		{"IGD of nothing", g.IGD(nil, one), inf},
		{"IGD to nothing", g.IGD(one, nil), nan},
		{"IGD leaves out what is not finite", g.IGD([]pareto.Point{{1, 2}, {inf, 1}, {nan, 1}}, append(one, pareto.Point{-inf, 0})), 1},
		{"IGD+ does not count what is better", g.IGDPlus([]pareto.Point{{0, 0}}, one), 0},
		{"additive epsilon of nothing", g.EpsilonAdd(nil, one), inf},
		{"additive epsilon to nothing", g.EpsilonAdd(one, nil), nan},
		{"additive epsilon of a better set", g.EpsilonAdd([]pareto.Point{{0, 0.5}}, one), -0.5},
		{"multiplicative epsilon, maximised", pareto.Goals{pareto.Minimise, pareto.Maximise}.EpsilonMult([]pareto.Point{{1, 2}}, []pareto.Point{{2, 8}}), 4},
		{"multiplicative epsilon of a zero", g.EpsilonMult([]pareto.Point{{0, 1}}, one), nan},
	} {
		if !(tt.got == tt.want || math.IsNaN(tt.got) && math.IsNaN(tt.want)) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestAttainmentPanicsOutsideItsLevels(t *testing.T) {
	for _, level := range []int{0, 2} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("level %d of one set: no panic", level)
				}
			}()
			pareto.Goals{}.Attainment([][]pareto.Point{{{1, 1}}}, level)
		}()
	}
}
