package pareto_test

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"harness/search/pareto"
)

// The expected values of this file were computed by moocore 0.20 (its C tools,
// commit 3989f5bf9370840322aa899490a606a5ec953d37), as were those for the two
// files of testdata: golden_set_a.txt and golden_ref_front.txt hold points of a
// measured table of gpt-oss-120b (in log units, scaled to the front's range).

const tolerance = 1e-12

var (
	setA = []pareto.Point{{1, 5}, {2, 3}, {4, 2}, {6, 1}}
	setR = []pareto.Point{{0.5, 5.5}, {1.5, 2.5}, {3, 1.5}, {5, 0.5}}
)

func TestIndicatorsAgreeWithMoocore(t *testing.T) {
	a, front := readPoints(t, "golden_set_a.txt"), readPoints(t, "golden_ref_front.txt")
	small, unit := pareto.Point{8, 8}, pareto.Point{1.1, 1.1}
	for _, d := range directions {
		g := d.goals
		for _, tt := range []struct {
			name      string
			got, want float64
		}{
			{"hypervolume of A", g.Hypervolume(d.turn(setA...), d.turn(small)[0]), 39},
			{"hypervolume of R", g.Hypervolume(d.turn(setR...), d.turn(small)[0]), 46.25},
			{"IGD+", g.IGDPlus(d.turn(setA...), d.turn(setR...)), 0.860793689671584},
			{"IGD", g.IGD(d.turn(setA...), d.turn(setR...)), 0.912570384968221},
			{"additive epsilon", g.EpsilonAdd(d.turn(setA...), d.turn(setR...)), 1},
			{"table: hypervolume of the set", g.Hypervolume(d.turn(a...), d.turn(unit)[0]), 0.661144092133897},
			{"table: hypervolume of the front", g.Hypervolume(d.turn(front...), d.turn(unit)[0]), 0.84930279346587},
			{"table: IGD", g.IGD(d.turn(a...), d.turn(front...)), 0.131249506261108},
			{"table: IGD+", g.IGDPlus(d.turn(a...), d.turn(front...)), 0.0969664929700715},
			{"table: additive epsilon", g.EpsilonAdd(d.turn(a...), d.turn(front...)), 0.253953686695002},
		} {
			if !(math.Abs(tt.got-tt.want) <= tolerance) {
				t.Errorf("%s, %s: got %.15g, want %.15g", d.name, tt.name, tt.got, tt.want)
			}
		}
	}
	if got := (pareto.Goals{}).EpsilonMult(setA, setR); math.Abs(got-2) > tolerance {
		t.Errorf("multiplicative epsilon: got %v, want 2", got)
	}
}

func TestContributionsAgreeWithMoocore(t *testing.T) {
	want := []float64{3, 4, 2, 2}
	for _, d := range directions {
		got := d.goals.Contributions(d.turn(setA...), d.turn(pareto.Point{8, 8})[0])
		for i := range want {
			if math.Abs(got[i]-want[i]) > tolerance {
				t.Errorf("%s: contribution of point %d: got %v, want %v", d.name, i, got[i], want[i])
			}
		}
	}
}

func TestAttainmentAgreesWithMoocore(t *testing.T) {
	sets := [][]pareto.Point{{{1, 5}, {2, 3}}, {{1.5, 4}, {3, 2}}, {{2, 2.5}, {4, 1}}}
	want := [][]pareto.Point{
		{{1, 5}, {1.5, 4}, {2, 2.5}, {3, 2}, {4, 1}},
		{{1.5, 5}, {2, 3}, {3, 2.5}, {4, 2}},
		{{2, 4}, {3, 3}},
	}
	for _, d := range directions {
		var turned [][]pareto.Point
		for _, s := range sets {
			turned = append(turned, d.turn(s...))
		}
		for level := 1; level <= 3; level++ {
			got := d.turn(d.goals.Attainment(turned, level)...)
			if fmt.Sprint(got) != fmt.Sprint(want[level-1]) {
				t.Errorf("%s: level %d: got %v, want %v", d.name, level, got, want[level-1])
			}
		}
	}
}

// directions are the four ways to pose one problem: turn mirrors the points of
// the one in which both objectives are minimised, and is its own inverse.
var directions = []direction{
	{"min, min", pareto.Goals{}},
	{"min, max", pareto.Goals{pareto.Minimise, pareto.Maximise}},
	{"max, min", pareto.Goals{pareto.Maximise, pareto.Minimise}},
	{"max, max", pareto.Goals{pareto.Maximise, pareto.Maximise}},
}

type direction struct {
	name  string
	goals pareto.Goals
}

func (d direction) turn(ps ...pareto.Point) []pareto.Point {
	out := make([]pareto.Point, len(ps))
	for i, p := range ps {
		for axis := range p {
			if d.goals[axis] == pareto.Maximise {
				p[axis] = -p[axis]
			}
		}
		out[i] = p
	}
	return out
}

func readPoints(t *testing.T, name string) []pareto.Point {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var ps []pareto.Point
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var p pareto.Point
		if _, err := fmt.Sscan(lines.Text(), &p[0], &p[1]); err != nil {
			t.Fatalf("%s: %q: %v", name, lines.Text(), err)
		}
		ps = append(ps, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return ps
}
