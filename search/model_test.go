package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"harness/search/gp"
	"harness/search/pareto"
	"harness/space"
)

func TestCoordinates(t *testing.T) {
	numbers := func(vs ...float64) (out []space.Value) {
		for _, v := range vs {
			out = append(out, space.Float(v))
		}
		return out
	}
	for _, tt := range []struct {
		name string
		p    space.Param
		want []float64
	}{
		{"powers", space.Param{Kind: space.Ordinal, Values: numbers(1, 2, 4, 8, 16)}, []float64{0, 0.25, 0.5, 0.75, 1}},
		{"by ratios", space.Param{Kind: space.Ordinal, Values: numbers(1, 10, 10000)}, []float64{0, 0.25, 1}},
		{"with a zero: equal steps", space.Param{Kind: space.Ordinal, Values: numbers(0, 1, 100)}, []float64{0, 0.5, 1}},
		{"with none: equal steps", space.Param{Kind: space.Ordinal, Values: append([]space.Value{space.None()}, numbers(1, 9)...)}, []float64{0, 0.5, 1}},
		{"categories", space.Param{Kind: space.Categorical, Values: numbers(5, 6, 7)}, []float64{0, 1, 2}},
	} {
		got := coordinates(tt.p)
		for i := range tt.want {
			if math.Abs(got[i]-tt.want[i]) > 1e-12 {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
				break
			}
		}
	}
}

func TestReference(t *testing.T) {
	front := []pareto.Point{{0, 4}, {4, 0}}
	for _, tt := range []struct {
		name string
		ps   []pareto.Point
		want pareto.Point
	}{
		{"nothing", nil, pareto.Point{}},
		{"half of its width beyond a front", front, pareto.Point{6, 6}},
		{"a front of no width", []pareto.Point{{1, 2}}, pareto.Point{1.1, 2.1}},
		{"most of what was seen", append(slices.Clone(front), pareto.Point{9, 9}, pareto.Point{9, 9}), pareto.Point{9, 9}},
		{"but not all of it", slices.Concat(slices.Repeat(front, 6), []pareto.Point{{90, 90}}), pareto.Point{6, 6}},
	} {
		if got := reference(tt.ps); math.Abs(got[0]-tt.want[0]) > 1e-12 || math.Abs(got[1]-tt.want[1]) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestClipTail(t *testing.T) {
	even := []float64{0, 1, 2, 3, 4, 5, 6, 7}
	if got := clipTail(even, 3); !slices.Equal(got, even) {
		t.Errorf("no outlier: %v", got)
	}
	far := []float64{0, 1, 2, 3, 4, 5, 6, 100}
	if got := clipTail(far, 3); got[7] != 6+3*4 || !slices.Equal(got[:7], far[:7]) {
		t.Errorf("a far outlier: %v", got)
	}
	if got := clipTail(far, 50)[7]; got != 50 {
		t.Errorf("a far outlier behind the reference: %v, want 50", got)
	}
}

func TestForestLearns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := func(x []float64) float64 { return 3*x[0] + x[1] }
	d := gp.Data{Categorical: []bool{false, true}}
	for range 300 {
		x := []float64{rng.Float64(), float64(rng.IntN(3))}
		d.X, d.Y, d.Noise = append(d.X, x), append(d.Y, truth(x)), append(d.Noise, 0)
	}
	f := growForest(d, 1)
	at := [][]float64{{0.1, 0}, {0.9, 0}, {0.5, 1}, {0.5, 2}}
	mean, variance := f.predict(at)
	for i, x := range at {
		if math.Abs(mean[i]-truth(x)) > 0.3 || !(variance[i] > 0) {
			t.Errorf("at %v: %v with variance %v, want %v", x, mean[i], variance[i], truth(x))
		}
	}
	again, _ := growForest(d, 1).predict(at)
	if !slices.Equal(mean, again) {
		t.Errorf("the same seed gave %v, then %v", mean, again)
	}
	p := f.draw(at, 3, nil)
	if v := p.values(); len(v) != 3 || len(v[0]) != 304 || v[0][0] != d.Y[0] || v[2][303] != mean[3] {
		t.Error("a draw is not what was observed, then what is expected")
	}
}

// Seconds and limits steer the search as the costs do.
func TestWorthIsPerSecond(t *testing.T) {
	l := newLattice(t, smallSpec)
	slow := func(r space.Rank) bool { return l.Unrank(r, nil)[4] == 1 } // compiled ones take ten times as long
	h := newHistory(l, nil)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		r := l.Sample(rng)
		o := serving(l, r)
		if slow(r) {
			o.CostSeconds = 600
		}
		h.tell(r, o)
	}
	e := newEncoder(l)
	v := newOutlook(h, e, 1).mean(nil)
	var cs []prospect
	for r, p := range l.All() {
		cs = append(cs, e.prospect(r, p))
	}
	for i, a := range v.appraise(cs, sumGain) {
		want := 60.0
		if slow(cs[i].rank) {
			want = 600
		}
		if a.seconds < want/1.5 || a.seconds > want*1.5 {
			t.Fatalf("%s: %v s, want about %v", cs[i].rank, a.seconds, want)
		}
	}
}
