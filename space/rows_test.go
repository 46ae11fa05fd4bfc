package space

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tableParams are parameters with the given numbers of values, 0, 1, 2, ...
func tableParams(sizes ...int) []Param {
	var params []Param
	for i, n := range sizes {
		p := Param{Name: fmt.Sprint("p", i), Kind: Ordinal, Default: Int(0)}
		for v := range n {
			p.Values = append(p.Values, Int(int64(v)))
		}
		params = append(params, p)
	}
	return params
}

// The members of the lattice are the rows, whatever they are, and what is restricted
// leaves those that are left.
func TestFromRowsHasTheRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 5).Draw(rt, "sizes")
		row := rapid.Custom(func(rt *rapid.T) Point {
			p := make(Point, len(sizes))
			for i, n := range sizes {
				p[i] = uint8(rapid.IntRange(0, n-1).Draw(rt, "v"))
			}
			return p
		})
		rows := rapid.SliceOfN(row, 1, 30).Draw(rt, "rows")
		spec, err := FromRows("t", tableParams(sizes...), rows)
		if err != nil {
			rt.Fatal(err)
		}
		want := distinct(rows)
		l, err := spec.Compile(Options{})
		if err != nil {
			rt.Fatal(err)
		}
		if got := membersOf(l); !slices.EqualFunc(got, want, slices.Equal) {
			rt.Fatalf("members %v, rows %v", got, want)
		}
		for _, p := range want {
			if v := l.Check(l.Config(p)); !v.OK {
				rt.Fatalf("row %v is refused: %v", p, v.Reasons)
			}
		}
		if p := row.Draw(rt, "any"); l.Check(l.Config(p)).OK != slices.ContainsFunc(want, func(q Point) bool { return slices.Equal(p, q) }) {
			rt.Fatalf("%v of rows %v is judged as %v", p, want, l.Check(l.Config(p)))
		}
		if !l.Contains(l.Default()) {
			rt.Fatalf("default %v is no row of %v", l.Default(), want)
		}
		k := rapid.IntRange(0, len(sizes)-1).Draw(rt, "restricted")
		values := []uint8{want[len(want)-1][k], uint8(rapid.IntRange(0, sizes[k]-1).Draw(rt, "other"))}
		part, err := spec.Compile(Options{Set: map[string][]Value{fmt.Sprint("p", k): {Int(int64(values[0])), Int(int64(values[1]))}}})
		if err != nil {
			rt.Fatal(err)
		}
		left := slices.DeleteFunc(slices.Clone(want), func(p Point) bool { return !slices.Contains(values, p[k]) })
		if n, _ := part.Count().Uint64(); n != uint64(len(left)) {
			rt.Fatalf("p%d in %v: %d members, %d rows", k, values, n, len(left))
		}
	})
}

func distinct(rows []Point) []Point {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b Point) int { return slices.Compare(a, b) })
	return slices.CompactFunc(sorted, func(a, b Point) bool { return slices.Equal(a, b) })
}

func membersOf(l *Lattice) []Point {
	var all []Point
	for _, p := range l.All() {
		all = append(all, slices.Clone(p))
	}
	return distinct(all)
}

func TestFromRowsRefuses(t *testing.T) {
	many := tableParams(256)
	twice := append(tableParams(2), tableParams(2)...)
	other := tableParams(2)
	other[0].Default = Int(7)
	same := tableParams(2)
	same[0].Values[1] = Int(0)
	for _, tt := range []struct {
		name   string
		params []Param
		rows   []Point
		want   string
	}{
		{"no rows", tableParams(2), nil, "0 rows of 1 parameters"},
		{"no parameters", nil, []Point{{}}, "1 rows of 0 parameters"},
		{"a short row", tableParams(2, 2), []Point{{1}}, "row 0 has 1 values for 2 parameters"},
		{"a value that is none", tableParams(2), []Point{{0}, {2}}, "row 1: p0 has no value 2"},
		{"too many values", many, []Point{{0}}, "256 values: want 1 to 255"},
		{"one name twice", twice, []Point{{0, 0}}, "two parameters p0"},
		{"another default", other, []Point{{0}}, "default 7 of p0"},
		{"one value twice", same, []Point{{0}}, "value 0 twice"},
	} {
		if _, err := FromRows("t", tt.params, tt.rows); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// The identity of a lattice, and with it what a rank means, is that of its rows.
func TestFromRowsIdentity(t *testing.T) {
	id := func(rows ...Point) string {
		spec, err := FromRows("t", tableParams(3, 3), rows)
		if err != nil {
			t.Fatal(err)
		}
		l, err := spec.Compile(Options{})
		if err != nil {
			t.Fatal(err)
		}
		return l.ID()
	}
	a := id(Point{0, 1}, Point{2, 2})
	if b := id(Point{2, 2}, Point{0, 1}, Point{2, 2}); a != b {
		t.Errorf("the same rows in another order: %s and %s", a, b)
	}
	if b := id(Point{0, 1}, Point{2, 1}); a == b {
		t.Errorf("other rows have the same identity %s", a)
	}
}

func TestCondition(t *testing.T) {
	params := append(tableParams(5, 5), Param{Name: "mode", Values: []Value{None(), String("fast")}, Default: None()})
	spec, err := FromRows("t", params, []Point{{0, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text, config string
		want         bool
		fails        string
	}{
		{"p0 * p1 > 6", "p0=2 p1=4", true, ""},
		{"p0 * p1 > 6", "p0=2 p1=3", false, ""},
		{"p0 == 0 and mode == none", "", true, ""},
		{"mode > 'a'", "", false, "> cannot take none and 'a'"},
		{"p0 +", "", false, "want a value, found end of the expression"},
		{"p9 > 1", "", false, "unknown name p9"},
		{"p0 + 1", "", false, "want a bool"},
		{"iff(p0 == 0, mode, true)", "", false, "wants true or false"},
	} {
		c := Config{}
		for _, pair := range strings.Fields(tt.config) {
			name, value, _ := strings.Cut(pair, "=")
			c[name] = ParseValue(value)
		}
		holds, err := spec.Condition(tt.text)
		got := false
		if err == nil {
			got, err = holds(c)
		}
		if tt.fails == "" && (err != nil || got != tt.want) || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s of %q: %v, %v; want %v %q", tt.text, tt.config, got, err, tt.want, tt.fails)
		}
	}
}

// randomRows are distinct rows of 18 parameters with 5 values each: nothing of the
// structure that makes diagrams small.
func randomRows(n int) ([]Param, []Point) {
	rng := rand.New(rand.NewPCG(1, 1))
	sizes := slices.Repeat([]int{5}, 18)
	rows := make([]Point, n)
	for i := range rows {
		for range sizes {
			rows[i] = append(rows[i], uint8(rng.IntN(5)))
		}
	}
	return tableParams(sizes...), rows
}

func BenchmarkFromRows30000(b *testing.B) {
	params, rows := randomRows(30_000)
	for b.Loop() {
		spec, err := FromRows("t", params, rows)
		if err != nil {
			b.Fatal(err)
		}
		l, err := spec.Compile(Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(l.Nodes()), "nodes")
	}
}
