package pareto_test

import (
	"math"
	"slices"
	"testing"

	"harness/search/pareto"

	"pgregory.net/rapid"
)

// points draws from a small grid, so that copies and ties are common.
func points(rt *rapid.T, label string) []pareto.Point {
	coordinate := rapid.Custom(func(rt *rapid.T) float64 { return float64(rapid.IntRange(0, 9).Draw(rt, "c")) })
	point := rapid.Custom(func(rt *rapid.T) pareto.Point {
		return pareto.Point{coordinate.Draw(rt, "x"), coordinate.Draw(rt, "y")}
	})
	return rapid.SliceOfN(point, 0, 14).Draw(rt, label)
}

func anyGoals(rt *rapid.T) pareto.Goals {
	return rapid.SampledFrom(directions).Draw(rt, "direction").goals
}

// worstOf is a reference point that is worse than all of the grid.
func worstOf(g pareto.Goals) pareto.Point {
	var ref pareto.Point
	for axis, d := range g {
		ref[axis] = 10
		if d == pareto.Maximise {
			ref[axis] = -1
		}
	}
	return ref
}

func TestRanksMatchTheDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, ps := anyGoals(rt), points(rt, "points")
		want := make([]int, len(ps)) // peel the fronts off one by one
		for i := range want {
			want[i] = -1
		}
		for rank, left := 0, len(ps); left > 0; rank++ {
			var front []int
			for i, p := range ps {
				dominated := slices.ContainsFunc(indices(ps), func(j int) bool {
					return want[j] == -1 && g.Dominates(ps[j], p)
				})
				if want[i] == -1 && !dominated {
					front = append(front, i)
				}
			}
			for _, i := range front {
				want[i] = rank
			}
			left -= len(front)
		}
		if got := g.Ranks(ps); !slices.Equal(got, want) {
			rt.Fatalf("Ranks = %v, want %v", got, want)
		}
		var front []int
		for i, r := range want {
			if r == 0 {
				front = append(front, i)
			}
		}
		if got := g.Front(ps); !slices.Equal(got, front) {
			rt.Fatalf("Front = %v, want %v", got, front)
		}
	})
}

func TestFrontOfAFrontIsAllOfIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := anyGoals(rt)
		front := pick(points(rt, "points"), g.Front)
		if again := pick(front, g.Front); !slices.Equal(again, front) {
			rt.Fatalf("front %v has the front %v", front, again)
		}
	})
}

// On the grid the hypervolume is the number of unit cells that some point covers.
func TestHypervolumeMatchesCounting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, ps := anyGoals(rt), points(rt, "points")
		ref := worstOf(g)
		cells := 0.0
		for x := -0.5; x < 10; x++ {
			for y := -0.5; y < 10; y++ {
				cell := pareto.Point{x, y}
				if g.Dominates(cell, ref) && slices.ContainsFunc(ps, func(p pareto.Point) bool { return g.Dominates(p, cell) }) {
					cells++
				}
			}
		}
		if got := g.Hypervolume(ps, ref); got != cells {
			rt.Fatalf("Hypervolume = %v, %v cells counted", got, cells)
		}
	})
}

func TestHypervolumeInvariances(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, ps := anyGoals(rt), points(rt, "points")
		ref := worstOf(g)
		hv := g.Hypervolume(ps, ref)
		if got := g.Hypervolume(pick(ps, g.Front), ref); got != hv {
			rt.Fatalf("of the front %v, of all %v", got, hv)
		}
		if got := g.Hypervolume(rapid.Permutation(ps).Draw(rt, "order"), ref); got != hv {
			rt.Fatalf("in another order %v, was %v", got, hv)
		}
		if got := g.Hypervolume(append(points(rt, "more"), ps...), ref); got < hv {
			rt.Fatalf("more points have less: %v, was %v", got, hv)
		}
		shift, scale := 3.0, 4.0 // exact in binary
		moved := make([]pareto.Point, len(ps))
		for i, p := range ps {
			moved[i] = pareto.Point{p[0]*scale + shift, p[1] - shift}
		}
		if got := g.Hypervolume(moved, pareto.Point{ref[0]*scale + shift, ref[1] - shift}); got != hv*scale {
			rt.Fatalf("shifted and scaled by %v: %v, was %v", scale, got, hv)
		}
	})
}

func TestContributionsMatchLeavingOneOut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, ps := anyGoals(rt), points(rt, "points")
		ref := pareto.Point{6, 6} // some points lie beyond it
		if rapid.Bool().Draw(rt, "far") {
			ref = worstOf(g)
		}
		onFront := g.Front(ps)
		for i, got := range g.Contributions(ps, ref) {
			want := 0.0
			if k, ok := slices.BinarySearch(onFront, i); ok {
				front := pick(ps, g.Front)
				want = g.Hypervolume(front, ref) - g.Hypervolume(slices.Delete(slices.Clone(front), k, k+1), ref)
			}
			if got != want {
				rt.Fatalf("contribution of %v: got %v, want %v", ps[i], got, want)
			}
		}
	})
}

func TestEpsilonCoversTheReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var g pareto.Goals
		ps, ref := points(rt, "points"), points(rt, "reference")
		if len(ps) == 0 || len(ref) == 0 {
			return
		}
		eps := g.EpsilonAdd(ps, ref)
		covered := func(by float64) bool {
			return !slices.ContainsFunc(ref, func(r pareto.Point) bool {
				return !slices.ContainsFunc(ps, func(p pareto.Point) bool { return p[0]-by <= r[0] && p[1]-by <= r[1] })
			})
		}
		if !covered(eps) || covered(eps-0.5) {
			rt.Fatalf("epsilon %v: covers %v; half a unit less covers %v", eps, covered(eps), covered(eps-0.5))
		}
		if plus, igd := g.IGDPlus(ps, ref), g.IGD(ps, ref); plus > igd+tolerance {
			rt.Fatalf("IGD+ %v is above IGD %v", plus, igd)
		}
		if d := g.IGDPlus(append(ps, ref...), ref); d != 0 {
			rt.Fatalf("IGD+ of a set with the reference in it = %v", d)
		}
	})
}

func TestAttainmentMatchesTheDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := anyGoals(rt)
		sets := [][]pareto.Point{points(rt, "first"), points(rt, "second"), points(rt, "third")}
		level := rapid.IntRange(1, 3).Draw(rt, "level")
		boundary := g.Attainment(sets, level)
		if front := pick(boundary, g.Front); len(front) != len(boundary) {
			rt.Fatalf("boundary %v is not a front", boundary)
		}
		attains := func(set []pareto.Point, z pareto.Point) bool {
			return slices.ContainsFunc(set, func(p pareto.Point) bool { return p == z || g.Dominates(p, z) })
		}
		for x := 0.0; x < 10; x++ {
			for y := 0.0; y < 10; y++ {
				z, n := pareto.Point{x, y}, 0
				for _, set := range sets {
					if attains(set, z) {
						n++
					}
				}
				if got := attains(boundary, z); got != (n >= level) {
					rt.Fatalf("%v is attained by %d of 3 sets; level %d says %v", z, n, level, got)
				}
			}
		}
	})
}

func TestNothingChangesItsInput(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g, ps := anyGoals(rt), points(rt, "points")
		before := slices.Clone(ps)
		g.Front(ps)
		g.Ranks(ps)
		pareto.Crowding(ps)
		g.Hypervolume(ps, worstOf(g))
		g.Contributions(ps, worstOf(g))
		g.Attainment([][]pareto.Point{ps}, 1)
		g.IGD(ps, ps)
		if !slices.Equal(ps, before) {
			rt.Fatalf("%v became %v", before, ps)
		}
	})
}

// FuzzAnyFloats: no input makes a measure panic, negative or, with a finite
// reference, NaN.
func FuzzAnyFloats(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
	f.Add(math.Inf(-1), 0.0, 0.0, math.Inf(-1), math.Inf(1), 0.0)
	f.Add(math.NaN(), 0.0, math.Copysign(0, -1), 0.0, math.MaxFloat64, -math.MaxFloat64)
	f.Fuzz(func(t *testing.T, a, b, c, d, e, h float64) {
		ps := []pareto.Point{{a, b}, {c, d}, {e, h}, {a, d}}
		for _, dir := range directions {
			g := dir.goals
			if hv := g.Hypervolume(ps, pareto.Point{}); !(hv >= 0) {
				t.Errorf("%s: hypervolume %v of %v", dir.name, hv, ps)
			}
			for i, v := range g.Contributions(ps, pareto.Point{}) {
				if !(v >= 0) {
					t.Errorf("%s: contribution %v of %v", dir.name, v, ps[i])
				}
			}
			for i, r := range g.Ranks(ps) {
				for j := range ps {
					if g.Dominates(ps[j], ps[i]) && g.Ranks(ps)[j] >= r {
						t.Errorf("%s: %v dominates %v, but ranks no better", dir.name, ps[j], ps[i])
					}
				}
			}
			for i, v := range pareto.Crowding(ps) {
				if v < 0 {
					t.Errorf("crowding %v of %v", v, ps[i])
				}
			}
		}
	})
}

func pick(ps []pareto.Point, which func([]pareto.Point) []int) []pareto.Point {
	out := []pareto.Point{}
	for _, i := range which(ps) {
		out = append(out, ps[i])
	}
	return out
}

func indices(ps []pareto.Point) []int {
	out := make([]int, len(ps))
	for i := range out {
		out[i] = i
	}
	return out
}
