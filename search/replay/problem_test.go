package replay

import (
	"math"
	"slices"
	"strings"
	"testing"

	"harness/search/pareto"
	"harness/space"
)

// synthetic is an invented table: a formula of an imagined server, with one corner
// that fails.
func synthetic(t testing.TB) *Problem {
	t.Helper()
	table, err := ReadTable("testdata/synthetic.csv")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProblem(table, Columns{Params: []string{"devices", "batch", "backend", "page"},
		Minimise: []string{"ttft_ms"}, Maximise: []string{"tps"}, Status: "status=ok"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func problemOf(t testing.TB, csv string, c Columns) *Problem {
	t.Helper()
	p, err := tryProblem(csv, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryProblem(csv string, c Columns) (*Problem, error) {
	table, err := parseCSV(strings.NewReader(csv), ',')
	if err != nil {
		return nil, err
	}
	table.Name = "t"
	return NewProblem(table, c)
}

func TestParametersOfColumns(t *testing.T) {
	table, err := parseCSV(strings.NewReader("n,mixed,flag,gap\n8,1,true,\n1,a,false,4\n2,1,true,\n2,1,true,1\n"), ',')
	if err != nil {
		t.Fatal(err)
	}
	params, rows, err := table.parameters(table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		kind    space.Kind
		values  []space.Value
		indices []uint8
	}{
		{space.Ordinal, []space.Value{space.Int(1), space.Int(2), space.Int(8)}, []uint8{2, 0, 1, 1}},
		{space.Categorical, []space.Value{space.Int(1), space.String("a")}, []uint8{0, 1, 0, 0}},
		{space.Categorical, []space.Value{space.Bool(true), space.Bool(false)}, []uint8{0, 1, 0, 0}},
		{space.Ordinal, []space.Value{space.None(), space.Int(1), space.Int(4)}, []uint8{0, 2, 0, 1}},
	} {
		p := params[i]
		var indices []uint8
		for _, r := range rows {
			indices = append(indices, r[i])
		}
		if p.Kind != want.kind || !slices.Equal(p.Values, want.values) || !slices.Equal(indices, want.indices) {
			t.Errorf("column %s: kind %s, values %v, rows %v; want %+v", p.Name, p.Kind, p.Values, indices, want)
		}
	}
}

func TestProblemOfBadTables(t *testing.T) {
	good := "a,b,x,y\n1,u,3,4\n2,u,4,5\n"
	both := Columns{Params: []string{"a", "b"}, Minimise: []string{"x"}, Maximise: []string{"y"}}
	with := func(change func(*Columns)) Columns {
		c := both
		change(&c)
		return c
	}
	many := "a,b,x,y\n"
	for i := range 256 {
		many += strings.ReplaceAll("N,u,1,1\n", "N", string(rune('A'+i%26))+strings.Repeat("i", i/26))
	}
	for _, tt := range []struct {
		name, csv string
		columns   Columns
		want      string
	}{
		{"no parameter", good, with(func(c *Columns) { c.Params = nil }), "no parameters"},
		{"unknown parameter", good, with(func(c *Columns) { c.Params = []string{"z"} }), `no column "z": it has a, b, x, y`},
		{"one parameter twice", good, with(func(c *Columns) { c.Params = []string{"a", "a"} }), "parameter a is named twice"},
		{"no objective", good, with(func(c *Columns) { c.Minimise, c.Maximise = nil, nil }), "no objective"},
		{"missing objective", good, with(func(c *Columns) { c.Minimise = []string{"ttft"} }), `no column "ttft"`},
		{"three objectives", good, with(func(c *Columns) { c.Minimise = []string{"x", "a"} }), "3 objectives: two at most"},
		{"one objective twice", good, with(func(c *Columns) { c.Maximise = []string{"x"} }), "named as two objectives"},
		{"parameter and objective", good, with(func(c *Columns) { c.Maximise = []string{"a"} }), "named as a parameter and as an objective"},
		{"text in an objective", "a,b,x,y\n1,u,3,4\n2,u,fast,5\n", both, `row 2 of table t: objective x: "fast" is no number; if a column says`},
		{"nothing works", "a,b,x,y\n1,u,,4\n2,u,inf,5\n", both, "no config of the table works"},
		{"status without a value", good, with(func(c *Columns) { c.Status = "b" }), "write COLUMN=VALUE"},
		{"unknown status", good, with(func(c *Columns) { c.Status = "state=ok" }), `no column "state"`},
		{"nothing of that status", good, with(func(c *Columns) { c.Status = "b=ok" }), "no config of the table works"},
		{"too many values", many, both, "column a has 256 different values"},
		{"bad condition", good, with(func(c *Columns) { c.Infeasible = "a >" }), "want a value"},
		{"unknown name in it", good, with(func(c *Columns) { c.Infeasible = "tp > 1" }), "unknown name tp"},
		{"condition on all", good, with(func(c *Columns) { c.Infeasible = "a > 0" }), "no config of the table works"},
		{"short reference", good, with(func(c *Columns) { c.Reference = []float64{1} }), "1] has 1 values for 2 objectives"},
		{"negative reference", good, with(func(c *Columns) { c.Reference = []float64{-1, 1} }), "reference -1 of x"},
		{"reference too good", good, with(func(c *Columns) { c.Reference = []float64{1, 9} }), "no config of the table is better"},
	} {
		if _, err := tryProblem(tt.csv, tt.columns); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// What is odd in a table is defined, and told.
func TestOddTables(t *testing.T) {
	both := Columns{Params: []string{"a", "b"}, Minimise: []string{"x"}, Maximise: []string{"y"}}
	for _, tt := range []struct {
		name, csv string
		configs   int
		failed    int
		note      string // of the first; "" = there is none
	}{
		{"as it should be", "a,b,x,y\n1,u,3,4\n2,u,4,5\n", 2, 0, ""},
		{"one row", "a,b,x,y\n1,u,3,4\n", 1, 0, "objective x is constant (3)"},
		{"constant", "a,b,x,y\n1,u,3,4\n2,u,3,5\n", 2, 0, "objective x is constant (3): it decides nothing"},
		{"a value is missing", "a,b,x,y\n1,u,3,4\n2,u,,5\n3,u,4,6\n", 3, 1, "1 row worked but has no finite objective: counted as failed"},
		{"infinite", "a,b,x,y\n1,u,3,4\n2,u,inf,5\n3,u,4,-inf\n4,u,4,5\n", 4, 2, "2 rows worked but have no finite objective"},
		{"not positive", "a,b,x,y\n1,u,0,4\n2,u,4,5\n", 2, 0, "objective x is not positive everywhere: its differences are compared"},
		{"repeated", "a,b,x,y\n1,u,2,4\n1,u,8,4\n2,u,5,6\n", 2, 0, "1 row repeats the configuration of another one"},
		{"repeated, one failed", "a,b,x,y\n1,u,,4\n1,u,8,4\n2,u,5,6\n", 2, 0, "1 row worked but has no"},
	} {
		p := problemOf(t, tt.csv, both)
		failed := 0
		for _, c := range p.configs {
			if c.failure != "" {
				failed++
			}
		}
		first := ""
		if len(p.Notes) > 0 {
			first = p.Notes[0]
		}
		if p.Configs() != tt.configs || failed != tt.failed || tt.note == "" && first != "" || !strings.Contains(first, tt.note) {
			t.Errorf("%s: %d configs, %d failed, %q; want %d, %d, %q", tt.name, p.Configs(), failed, first, tt.configs, tt.failed, tt.note)
		}
		runs, err := p.Run(t.Context(), Options{Methods: []string{"nsga2"}, Seeds: 2, Budget: 9})
		if err != nil || len(runs[0].Asks) != tt.configs || math.Abs(runs[0].Asks[tt.configs-1].HV-1) > 1e-12 {
			t.Errorf("%s: %v, runs %+v; want all of the front", tt.name, err, runs)
		}
	}
}

// Each seed takes another row for the default; what ranks mean stays as it is.
func TestDefaultIsOfTheSeed(t *testing.T) {
	p := synthetic(t)
	defaults := map[string]bool{}
	for seed := range uint64(40) {
		l, err := p.compile(seed)
		if err != nil {
			t.Fatal(err)
		}
		defaults[l.Config(l.Default()).String()] = true
		for i, point := range p.points {
			if r, ok := l.Rank(point); !ok || r != p.rankOf[i] {
				t.Fatalf("seed %d: row %d has rank %s, want %s", seed, i+1, r, p.rankOf[i])
			}
		}
	}
	if len(defaults) < 25 { // of 136 rows 40 draws meet 34.8 in the mean
		t.Errorf("40 seeds have %d defaults", len(defaults))
	}
}

// Repeated rows: geometric means where ratios count, others where differences do.
func TestRepeatedRowsAreAveraged(t *testing.T) {
	p := problemOf(t, "a,x,y\n1,2,-4\n1,8,8\n1,,0\n2,5,6\n", Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
	if got, want := p.configs[0].values, [2]float64{4, 2}; math.Abs(got[0]-want[0]) > 1e-12 || got[1] != want[1] {
		t.Errorf("values %v, want %v", got, want)
	}
}

// Failures have the names that the table gives them; what meets the condition is out
// of memory whatever the table says.
func TestFailures(t *testing.T) {
	p := problemOf(t, "a,x,y,status\n1,2,4,ok\n2,,,CompilationFailed\n3,3,3,\n4,1,9,ok\n",
		Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}, Status: "status=ok", Infeasible: "a > 3"})
	var got []string
	for _, c := range p.configs {
		got = append(got, c.failure)
	}
	if want := []string{"", "CompilationFailed", "failed", "oom_load"}; !slices.Equal(got, want) {
		t.Errorf("failures %q, want %q", got, want)
	}
	if p.score.front != 1 {
		t.Errorf("front of %d configs: those that fail are on it", p.score.front)
	}
}

// In log10 the front is (0,2), (1,1), (2,0), and (2,2) is dominated: scaled by its own
// ideal and nadir, against (1.1, 1.1), by hand 1.1*0.1 + 0.6*0.5 + 0.1*0.5 = 0.46.
func TestScore(t *testing.T) {
	csv := "a,x,y\n1,1,0.01\n2,10,0.1\n3,100,1\n4,100,0.01\n"
	p := problemOf(t, csv, Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
	if math.Abs(p.score.all-0.46) > 1e-12 || p.score.front != 3 {
		t.Errorf("front of %d, hypervolume %v; want 3, 0.46", p.score.front, p.score.all)
	}
	asks := []Ask{{Rank: 3}, {Rank: 1}, {Rank: 0, Failed: true}, {Rank: 2}}
	p.scoreAsks(asks)
	for i, want := range []float64{0.1 * 0.1, 0.36, 0.36, 0.36 + 0.1*0.5} {
		if math.Abs(asks[i].HV*0.46-want) > 1e-12 {
			t.Errorf("after ask %d %v of 0.46, want %v", i+1, asks[i].HV*0.46, want)
		}
	}
	p = problemOf(t, csv, Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}, Reference: []float64{1000, 0.001}})
	if want := 1.5*0.5 + 1*0.5 + 0.5*0.5; math.Abs(p.score.all-want) > 1e-12 { // the reference is (1.5, 1.5), scaled
		t.Errorf("hypervolume %v to the given reference, want %v", p.score.all, want)
	}
}

// The problem is the same whichever way round its objectives are recorded: as they
// are, or as reciprocals of the other direction, and then a search asks the same.
func TestDirections(t *testing.T) {
	head, rows := "a,b,x,y,rx,ry\n", ""
	for a := range 8 {
		for b := range 8 {
			x, y := 1+float64(a)+0.1*float64(b*b), 1+float64(b)+0.05*float64(a*a)
			rows += strings.Join([]string{space.Int(int64(a)).String(), space.Int(int64(b)).String(), space.Float(x).String(), space.Float(y).String(),
				space.Float(1 / x).String(), space.Float(1 / y).String()}, ",") + "\n"
		}
	}
	var first []Run
	for i, c := range []Columns{
		{Minimise: []string{"x"}, Maximise: []string{"y"}},
		{Minimise: []string{"x", "ry"}},
		{Maximise: []string{"rx", "y"}},
	} {
		c.Params = []string{"a", "b"}
		p := problemOf(t, head+rows, c)
		runs, err := p.Run(t.Context(), Options{Methods: []string{"nsga2"}, Seeds: 3, Budget: 40})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = runs
		}
		for k, run := range runs {
			for j, a := range run.Asks {
				if b := first[k].Asks[j]; a.Rank != b.Rank || math.Abs(a.HV-b.HV) > 1e-9 {
					t.Fatalf("%+v, seed %d, ask %d: %+v, want %+v", c, run.Seed, j+1, a, b)
				}
			}
		}
	}
}

// One objective is enough; a point of it is told as TTFT, and all have the same TPS.
func TestOneObjective(t *testing.T) {
	p := problemOf(t, "a,x\n1,4\n2,2\n3,8\n", Columns{Params: []string{"a"}, Maximise: []string{"x"}})
	if got := outcome(p.both(), [2]float64{4, 0}); got.TTFT != 0.25 || got.TPS != 1 {
		t.Errorf("told %+v, want a TTFT of 1/4 and a TPS of 1", got)
	}
	if p.score.front != 1 || p.directions() != (pareto.Goals{pareto.Maximise}) {
		t.Errorf("front of %d, directions %v", p.score.front, p.directions())
	}
}
