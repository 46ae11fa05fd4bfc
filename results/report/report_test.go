package report

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"harness/results"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with testdata/name; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew); got\n%s", path, got)
	}
}

// table makes rows: each line is "config purpose concurrency ttft,ttft,... tps,tps,...",
// a run for each pair, or "config purpose failed class line".
func table(t *testing.T, text string) (trials []results.Trial, runs []results.Run) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		f := strings.Fields(line)
		id := "t-" + f[0]
		trial := results.Trial{TrialID: id, ConfigID: "id-" + f[0], Purpose: f[1], Outcome: results.OK,
			Params: []results.Param{{Name: "tp_size", Type: results.IntColumn, Value: int64(len(seen) + 1)}, {Name: "policy", Type: results.StringColumn, Value: "fcfs"},
				{Name: "page", Type: results.IntColumn}}}
		if f[2] == "failed" {
			trial.Outcome, trial.FailureClass, trial.Phase, trial.FailureLine = results.Failed, f[3], "start", strings.Join(f[4:], " ")
		}
		if !seen[id] {
			trials = append(trials, trial)
		}
		seen[id] = true
		if f[2] == "failed" {
			continue
		}
		var c int
		fmt.Sscan(f[2], &c)
		ttfts, tpss := strings.Split(f[3], ","), strings.Split(f[4], ",")
		for i := range ttfts {
			r := results.Run{TrialID: id, ConfigID: trial.ConfigID, RunID: fmt.Sprintf("%s-c%d-r%d", id, c, i+1), LoadPoint: fmt.Sprint("c", c),
				Concurrency: int32(c), Repeat: int32(i + 1), Block: int64(i), Valid: true}
			fmt.Sscan(ttfts[i], &r.TTFTP50S)
			fmt.Sscan(tpss[i], &r.OutputTPS)
			runs = append(runs, r)
		}
	}
	return trials, runs
}

const repeated = `
a seed 1 0.010,0.011,0.010 50,51,49
a seed 8 0.040,0.041,0.039 300,310,290
b seed 1 0.012,0.012,0.013 40,41,40
b seed 8 0.100,0.100,0.110 320,330,325
c ask  1 0.008,0.009,0.008 60,61,60
d seed failed oom_load ggml_aligned_malloc: insufficient memory
e ask  failed illegal_config n_seq_max must be <= 256
f ask  failed illegal_config quantized V cache requires flash_attn`

func front(t *testing.T, text string) Front {
	t.Helper()
	trials, runs := table(t, text)
	return NewFront(trials, runs, aim(t, nil, nil))
}

func aim(t *testing.T, objectives, limits []string) results.Aim {
	t.Helper()
	a, err := results.ParseAim(objectives, limits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// assessed is what a model might say of the repeated table.
func assessed(f Front) Front {
	return f.Assessed(results.Assessment{HV: 3, HVLow: 2.5, HVHigh: 3.25, Points: []results.AssessedPoint{
		{ConfigID: "id-a", Concurrency: 1, P: 0.25, Expected: [2]float64{0.0105, 49.5}, Launches: 1},
		{ConfigID: "id-a", Concurrency: 8, P: 0.95, Expected: [2]float64{0.041, 301}, Launches: 1},
		{ConfigID: "id-b", Concurrency: 8, P: 0.8, Expected: [2]float64{0.11, 322}, Launches: 1},
		{ConfigID: "id-c", Concurrency: 1, P: 1, Expected: [2]float64{0.0085, 59}, Launches: 1},
	}})
}

func onFront(f Front) string {
	var on []string
	for _, r := range f.Points() {
		on = append(on, fmt.Sprintf("%s/%d", r.TrialID, r.Concurrency))
	}
	return strings.Join(on, " ")
}

// Three points by hand: a (0.1 s, 10 tok/s), b (0.01 s, 1 tok/s), and c, which a
// dominates. The reference is 1.1 times worse than the worst seed, (0.22, 1/1.1):
// with g = log10(1.1) and r = log10(0.22), the area is a's rectangle and what b adds.
func TestHypervolumeByHand(t *testing.T) {
	f := front(t, "a seed 1 0.1 10\nb seed 1 0.01 1\nc seed 1 0.2 5")
	if got := onFront(f); got != "t-b/1 t-a/1" {
		t.Errorf("front %s", got)
	}
	if math.Abs(f.Reference[0]-0.22) > 1e-12 || math.Abs(f.Reference[1]-1/1.1) > 1e-12 {
		t.Errorf("reference %v, want 0.22 s and 1/1.1 tok/s", f.Reference)
	}
	g, r := math.Log10(1.1), math.Log10(0.22)
	want := (r+1)*(1+g) + (r+2-(r+1))*g
	if math.Abs(f.HV-want) > 1e-12 {
		t.Errorf("HV %g, want %g", f.HV, want)
	}
}

// A refinement may find worse configs, and better ones: the reference stays.
func TestReferenceIsOfTheSeeds(t *testing.T) {
	seeds := "a seed 1 0.1 10\nb seed 1 0.2 20"
	before, after := front(t, seeds), front(t, seeds+"\nc ask 1 9 0.1\nd ask 1 0.05 40")
	if before.Reference != after.Reference {
		t.Errorf("the reference moved from %v to %v", before.Reference, after.Reference)
	}
	if after.HV <= before.HV {
		t.Errorf("HV %g after a better config, %g before", after.HV, before.HV)
	}
	if f := front(t, "c ask 1 0.1 10"); math.Abs(f.Reference[0]-0.11) > 1e-12 || f.HV <= 0 {
		t.Errorf("without seeds: reference %v, HV %g; want those of all rows", f.Reference, f.HV)
	}
}

func TestFrontCountsWhatMayBeUsed(t *testing.T) {
	trials, runs := table(t, "a seed 1 0.1,0.001 10,9999\nb seed 1 0.2 5")
	runs[1].Valid = false
	trials[1].Outcome = results.Cancelled
	if f := NewFront(trials, runs, aim(t, nil, nil)); len(f.Rows) != 1 || f.Rows[0].TTFT.Value != 0.1 || f.Rows[0].TTFT.N != 1 {
		t.Errorf("rows %+v, want a's one valid run", f.Rows)
	}
	runs[0].Simulated = true
	if f := NewFront(trials, runs, aim(t, nil, nil)); !f.Simulated {
		t.Error("a simulated run does not make the front simulated")
	}
}

var base = map[string]string{"tp_size": "1", "policy": "fcfs", "page": "none"}

func TestText(t *testing.T) {
	simulated := front(t, repeated)
	simulated.Simulated = true
	for name, f := range map[string]Front{
		"front.golden": assessed(front(t, repeated)), "simulated.golden": simulated,
		"single.golden": front(t, "a seed 1 0.1 10"), "empty.golden": front(t, ""),
	} {
		var b strings.Builder
		if err := f.Text(&b, base); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
	var b strings.Builder
	if err := front(t, repeated).Best(&b, base); err != nil {
		t.Fatal(err)
	}
	golden(t, "best.golden", b.String())
	b.Reset()
	if err := front(t, repeated).Best(&b, map[string]string{"tp_size": "99"}); err != nil || b.Len() > 0 {
		t.Errorf("where the default was not measured: %q, %v", b.String(), err)
	}
}

func TestFailures(t *testing.T) {
	trials, _ := table(t, repeated)
	f := NewFailures(trials)
	var b strings.Builder
	if err := f.Text(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "failures.golden", b.String())
	if got := fmt.Sprint(f.Counts()); got != "map[illegal_config:2 oom_load:1]" {
		t.Errorf("counts %s", got)
	}
	b.Reset()
	if err := NewFailures(nil).Text(&b); err != nil || b.Len() > 0 {
		t.Errorf("without failures: %q, %v", b.String(), err)
	}
}

var decimal = regexp.MustCompile(`\d+\.\d+`)

// The document that scripts rely on; what is not known is null.
func TestJSON(t *testing.T) {
	for name, f := range map[string]Front{"front.json": assessed(front(t, repeated)), "single.json": front(t, "a seed 1 0.1 10"), "empty.json": front(t, "")} {
		text, err := json.MarshalIndent(f.JSON("s"), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		// To six digits: the last ones are the processor's.
		golden(t, name, decimal.ReplaceAllStringFunc(string(text), func(s string) string {
			v, _ := strconv.ParseFloat(s, 64)
			return strconv.FormatFloat(v, 'g', 6, 64)
		})+"\n")
	}
}

func TestDifference(t *testing.T) {
	params := func(tp any) []results.Param {
		return []results.Param{{Name: "tp_size", Value: tp}, {Name: "share", Value: 0.5}, {Name: "on", Value: true}}
	}
	for _, tt := range []struct {
		tp   any
		base map[string]string
		want string
	}{
		{int64(2), map[string]string{"tp_size": "2", "share": "0.5", "on": "true"}, "(the default)"},
		{int64(4), map[string]string{"tp_size": "2", "share": "0.5", "on": "false"}, "tp_size=4 on=true"},
		{nil, map[string]string{"tp_size": "2", "share": "0.5", "on": "true"}, "tp_size=none"},
		{nil, map[string]string{"tp_size": "none", "share": "0.75", "on": "true"}, "share=0.5"},
	} {
		if got := Difference(params(tt.tp), tt.base); got != tt.want {
			t.Errorf("%v against %v: %s, want %s", tt.tp, tt.base, got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 us", 1.234e-6: "1.23 us", 0.0005: "500 us", 0.00099949: "999 us", 0.0009996: "1.00 ms", 0.0123: "12.3 ms", 0.9994: "999 ms",
		0.9996: "1.00 s", 12.34: "12.3 s", 599.4: "599 s", 600: "10.0 min", 36000: "600 min", math.NaN(): "?",
	} {
		if got := Duration(seconds); got != want {
			t.Errorf("Duration(%g) = %s, want %s", seconds, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00123: "0.00123", 0.5: "0.5", 0.12345: "0.123", 0.9996: "1.00", 1: "1.00", 9.994: "9.99", 9.996: "10.0", 99.94: "99.9", 99.96: "100",
		999.4: "999", 12345.6: "12346", math.NaN(): "?",
	} {
		if got := Number(v); got != want {
			t.Errorf("Number(%g) = %s, want %s", v, got, want)
		}
	}
}
