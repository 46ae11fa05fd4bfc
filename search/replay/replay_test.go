package replay

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"harness/search/pareto"
)

// The table's front, by comparing all pairs, is what the problem says that it is, and
// what an exhaustive search has found in the end.
func TestSyntheticFront(t *testing.T) {
	p := synthetic(t)
	works := func(c config) bool { return c.failure == "" }
	var front []pareto.Point
	failed := 0
	for _, a := range p.configs {
		if !works(a) {
			failed++
			continue
		}
		if !slices.ContainsFunc(p.configs, func(b config) bool {
			return works(b) && b.values[0] <= a.values[0] && b.values[1] >= a.values[1] && b.values != a.values
		}) {
			front = append(front, a.values)
		}
	}
	if p.score.front != len(front) || failed != 6 || p.Configs() != 136 {
		t.Errorf("%d configs, %d failed, front of %d; want 136, 6, %d", p.Configs(), failed, p.score.front, len(front))
	}
	o := Options{Methods: []string{"exhaustive"}, Seeds: 1, Budget: 1000}
	runs, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Report(o, runs).Methods[0]
	if last := r.Runs[0].HV[135]; last != 1 || r.Unique != 136 || r.Failed != 6 || *r.HV["64"] != r.Runs[0].HV[63] {
		t.Errorf("an exhaustive run ends at %v, %v unique, %v failed", last, r.Unique, r.Failed)
	}
	slices.SortFunc(front, func(a, b pareto.Point) int { return int(math.Copysign(1, a[0]-b[0])) })
	var attained []pareto.Point
	for _, v := range r.Attainment["50"] {
		attained = append(attained, pareto.Point(v))
	}
	if !slices.Equal(attained, front) {
		t.Errorf("attained %v, want the front %v", attained, front)
	}
}

var ignoreSeconds = cmpopts.IgnoreFields(Ask{}, "Seconds")

// The runs are the same however many of them go at a time, and a run's are those of
// its seed alone.
func TestRunsAreDeterministic(t *testing.T) {
	p := synthetic(t)
	o := Options{Methods: []string{"hybrid", "nsga2", "random"}, Seeds: 3, Seed: 3, Budget: 16, NoiseCV: []float64{0.1, 0.05}}
	runs := make(map[int][]Run)
	for _, jobs := range []int{1, 5} {
		o.Jobs = jobs
		var err error
		if runs[jobs], err = p.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(runs[1], runs[5], ignoreSeconds); d != "" {
		t.Errorf("5 at a time differ from one:\n%s", d)
	}
	alone, err := p.Run(t.Context(), Options{Methods: []string{"random"}, Seeds: 1, Seed: 5, Budget: 16, NoiseCV: o.NoiseCV})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(runs[1][6+2], alone[0], ignoreSeconds); d != "" {
		t.Errorf("seed 5 alone differs:\n%s", d)
	}
	for i, run := range runs[1] {
		if want := o.Methods[i/3]; run.Method != want || run.Seed != 3+uint64(i%3) || len(run.Asks) != 16 || run.Unique() != 16 {
			t.Errorf("run %d is %s, seed %d, %d asks, %d unique", i, run.Method, run.Seed, len(run.Asks), run.Unique())
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := synthetic(t)
	linear := problemOf(t, "a,x,y\n1,0,4\n2,4,5\n", Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
	good := Options{Methods: []string{"random"}, Seeds: 1, Budget: 4}
	with := func(change func(*Options)) Options {
		o := good
		change(&o)
		return o
	}
	for _, tt := range []struct {
		problem *Problem
		options Options
		want    string
	}{
		{p, with(func(o *Options) { o.Methods = []string{"random", "anneal"} }), `"anneal"`},
		{p, with(func(o *Options) { o.Methods = []string{"random", "random"} }), "method random is named twice"},
		{p, with(func(o *Options) { o.Seeds = 0 }), "0 seeds"},
		{p, with(func(o *Options) { o.Budget = -1 }), "a budget of -1 asks"},
		{p, with(func(o *Options) { o.Jobs = -1 }), "-1 jobs"},
		{p, with(func(o *Options) { o.Confirm = 3 }), "nothing to confirm"},
		{p, with(func(o *Options) { o.Confirm, o.NoiseCV = -1, []float64{0.1, 0.1} }), "-1 launches to confirm"},
		{p, with(func(o *Options) { o.NoiseCV = []float64{0.1} }), "for each of the 2 objectives"},
		{p, with(func(o *Options) { o.NoiseCV = []float64{0.1, -1} }), "noise -1"},
		{p, with(func(o *Options) { o.NoiseCV = []float64{0.1, math.NaN()} }), "noise NaN"},
		{linear, with(func(o *Options) { o.NoiseCV = []float64{0.1, 0.1} }), "noise on x: it is multiplicative"},
	} {
		if _, err := tt.problem.Run(t.Context(), tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.options, err, tt.want)
		}
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := synthetic(t)
	_, err := p.Run(ctx, Options{Methods: []string{"random"}, Seeds: 1000, Budget: 100, Jobs: 2, Done: func(Run) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled after the first run: %v", err)
	}
}

func TestReport(t *testing.T) {
	p := problemOf(t, "a,x,y\n1,1,1\n2,2,2\n3,3,1\n4,4,1\n", Columns{Params: []string{"a"}, Minimise: []string{"x"}, Maximise: []string{"y"}})
	asks := func(hv ...float64) []Ask {
		var all []Ask
		for i, v := range hv {
			all = append(all, Ask{Rank: uint64(i % 3), HV: v, Failed: i == 1, Seconds: float64(i)})
		}
		return all
	}
	runs := []Run{
		{Method: "m", Seed: 1, Asks: asks(0.5, 0.5, 0.96, 1)},
		{Method: "m", Seed: 2, Asks: asks(0.2, 0.2, 0.2, 0.95)},
		{Method: "m", Seed: 3, Asks: asks(0.1, 0.1, 0.1, 0.1)},
		{Method: "other", Seed: 1, Asks: asks(0.1)},
	}
	o := Options{Seeds: 3, Budget: 20}
	r := p.Report(o, runs)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"table":"t","rows":4,"configs":4,"params":["a"],"objectives":[{"column":"x","goal":"min","log":true},{"column":"y","goal":"max","log":true}],` +
		`"front":2,"front_hv":` + number(p.score.all).String() + `,"notes":["the budget of 20 asks is above the table's 4 configs: a run ends when all are measured"],` +
		`"seeds":3,"budget":20,"noise_cv":null,"methods":[` +
		`{"method":"m","n95":4,"n95_worst":null,"hv":{"16":0.95,"32":null,"64":null},"unique":3,"failed":1,"failed_share_after_20":null,"ask_s_p95":3,` +
		`"attainment":{"10":[[1,1]],"50":[[1,1]],"90":[[1,1]]},"runs":[` +
		`{"seed":1,"n95":3,"hv":[0.5,0.5,0.96,1],"unique":3,"failed":1},{"seed":2,"n95":4,"hv":[0.2,0.2,0.2,0.95],"unique":3,"failed":1},` +
		`{"seed":3,"n95":null,"hv":[0.1,0.1,0.1,0.1],"unique":3,"failed":1}]},` +
		`{"method":"other","n95":null,"n95_worst":null,"hv":{"16":0.1,"32":null,"64":null},"unique":1,"failed":0,"failed_share_after_20":null,"ask_s_p95":0,` +
		`"attainment":{"10":[[1,1]],"50":[[1,1]],"90":[[1,1]]},"runs":[{"seed":1,"n95":null,"hv":[0.1],"unique":1,"failed":0}]}]}`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Error(d)
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Table t: 4 rows, 4 configs, 2 of them on the front (min x, max y)", "4 (> 20)", "Note: the budget", "25.0 %"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// Only what fails after the 20th ask of its run counts, as a share of all asks there.
func TestFailedShareAfter20(t *testing.T) {
	p := problemOf(t, "a,x\n1,1\n", Columns{Params: []string{"a"}, Minimise: []string{"x"}})
	run := Run{Method: "m", Asks: make([]Ask, 24)}
	for _, i := range []int{0, 19, 20, 23} { // counted from 0
		run.Asks[i].Failed = true
	}
	m := p.Report(Options{Budget: 24}, []Run{run, {Method: "m", Asks: make([]Ask, 24)}, {Method: "m", Asks: make([]Ask, 9)}}).Methods[0]
	if *m.FailedAfter20 != 0.25 || m.Failed != 0 || m.Runs[0].Failed != 4 {
		t.Errorf("share %v, failed %v and %v", *m.FailedAfter20, m.Failed, m.Runs[0].Failed)
	}
}

// Half of the runs must have got there for a median to be one.
func TestMedians(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{3, 1, 2}, 2}, {[]float64{4, 1}, 2.5}, {[]float64{1, inf, 2}, 2}, {[]float64{1, inf}, inf}, {[]float64{inf, inf, 1}, inf}, {nil, math.NaN()},
		{[]float64{inf, inf, inf, inf}, inf},
	} {
		if got := median(tt.x); !(got == tt.want || math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("median of %v is %v, want %v", tt.x, got, tt.want)
		}
	}
	for share, want := range map[float64]float64{0.01: 1, 0.5: 2, 0.75: 3, 0.95: 4, 1: 4} {
		if got := percentile([]float64{4, 1, 3, 2}, share); got != want {
			t.Errorf("percentile %v is %v, want %v", share, got, want)
		}
	}
}

// Asks of another program that are those of a run have the run's score.
func TestAsked(t *testing.T) {
	p := synthetic(t)
	o := Options{Methods: []string{"nsga2", "random"}, Seeds: 2, Budget: 30}
	runs, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	rowOf := map[uint64]int{}
	for row, rank := range p.rankOf {
		rowOf[rank.Lo] = row + 1
	}
	text := "seed,method,row,ask,note\n"
	for i := range slices.Backward(make([]bool, 30)) { // the order of the file is not that of the asks
		for _, run := range runs {
			text += strings.Join([]string{number(float64(run.Seed)).String(), "copy of " + run.Method, number(float64(rowOf[run.Asks[i].Rank])).String(), number(float64(i)).String(), ""}, ",") + "\n"
		}
	}
	table, err := parseCSV(strings.NewReader(text), ',')
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Asked(table)
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		runs[i].Method = "copy of " + runs[i].Method
	}
	if d := cmp.Diff(runs, got, ignoreSeconds, cmpopts.IgnoreFields(Ask{}, "Purpose")); d != "" {
		t.Error(d)
	}

	for _, tt := range []struct{ csv, want string }{
		{"method,seed,ask\nx,1,1\n", `no column "row"`},
		{"method,seed,ask,row\nx,1,1,0\n", "row 0: table synthetic has rows 1 to 136"},
		{"method,seed,ask,row\nx,1,1,137\n", "row 137"},
		{"method,seed,ask,row\nx,one,1,1\n", "seed is one: want a whole number"},
	} {
		table, err := parseCSV(strings.NewReader(tt.csv), ',')
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Asked(table); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.csv, err, tt.want)
		}
	}
}

func TestCurvesAreReadable(t *testing.T) {
	p := synthetic(t)
	runs, err := p.Run(t.Context(), Options{Methods: []string{"nsga2", "random"}, Seeds: 2, Budget: 30})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "curves.parquet")
	if err := p.WriteCurves(path, runs); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.ReadFile[curve](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4*30 {
		t.Fatalf("%d rows, want a row for each of 120 asks", len(rows))
	}
	for i, row := range rows {
		run := runs[i/30]
		a := run.Asks[i%30]
		if want := (curve{"synthetic", run.Method, run.Seed, int32(i%30 + 1), a.Rank, a.Purpose, a.Failed, a.HV, a.Seconds}); row != want {
			t.Errorf("row %d is %+v, want %+v", i, row, want)
		}
	}
	if err := p.WriteCurves(filepath.Join(t.TempDir(), "missing", "c.parquet"), runs); err == nil || !strings.Contains(err.Error(), "curves") {
		t.Errorf("in a folder that is not there: %v", err)
	}
}
