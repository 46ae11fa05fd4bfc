package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"harness/harness/bench/stop"
	"harness/harness/load"
	"harness/results"
	"harness/results/stat"
)

// quiet is a rule about both usual objectives, and known is what it takes to be sure
// after two runs.
func quiet() *stop.Rule {
	return &stop.Rule{Metrics: []stop.Metric{
		{Name: "ttft_p50_s", Lower: true, Objective: true, Precision: 0.05},
		{Name: "output_tps", Objective: true, Precision: 0.05},
	}}
}

var known = []stat.Noise{{RunSD: 0.01, RunDF: 100}, {RunSD: 0.01, RunDF: 100}}

// tries writes runs as words: launch, repeat and what became of it, y valid, n not, x cut.
func tries(text string) []Tried {
	var list []Tried
	for word := range strings.FieldsSeq(text) {
		var launch, how string
		var repeat int
		if _, err := fmt.Sscanf(word, "%1s%1d%1s", &launch, &repeat, &how); err != nil {
			panic(word)
		}
		t := Tried{Launch: launch, LoadPoint: "c4", Repeat: repeat, Block: int64(repeat), Valid: how == "y"}
		switch how {
		case "y":
			t.Values = []float64{0.1, 1000}
		case "x":
			t.Cut = stop.Loses
		}
		list = append(list, t)
	}
	return list
}

func TestVerdict(t *testing.T) {
	fixed := Stopping{Repeats: 2}
	rule := Stopping{Repeats: 4, Rule: quiet(), Noise: map[string][]stat.Noise{"c4": known}}
	noisy := Stopping{Repeats: 4, Rule: quiet()} // nothing is known, and values that are all alike say little
	rivals := rule
	rivals.Rivals = []stop.Config{{ID: "t0001 at c4", Runs: []stop.Run{{Launch: "z", Block: 1, Values: []float64{0.05, 2000}}, {Launch: "z", Block: 2, Values: []float64{0.05, 2000}}}}}
	for _, tt := range []struct {
		name  string
		s     Stopping
		tries string
		want  stop.Decision
	}{
		{"nothing yet", fixed, "", stop.Continue},
		{"one of two", fixed, "a1y", stop.Continue},
		{"both", fixed, "a1y a2y", stop.Planned},
		{"both, from two attempts", fixed, "a1y b2y", stop.Planned},
		{"the second stayed invalid", fixed, "a1y a2n a2n a2n", stop.Planned},
		{"of the second's tries one was lost", fixed, "a1y a2n a2n", stop.Continue},
		{"one run decides nothing", rule, "a1y", stop.Continue},
		{"two that agree", rule, "a1y a2y", stop.Precise},
		{"an invalid one between", rule, "a1y a2n a2n a2n", stop.Continue},
		{"two stayed invalid", rule, "a1n a1n a1n a2n a2n a2n", stop.Unusable},
		{"two stayed invalid, and one is valid", rule, "a1n a1n a1n a2n a2n a2n a3y", stop.Continue},
		{"cut short", rule, "a1x", stop.Loses},
		{"all that may be, two of them valid", Stopping{Repeats: 4, Rule: &stop.Rule{Metrics: quiet().Metrics, Min: 3}}, "a1y a2n a2n a2n a3y a4n a4n a4n", stop.Capped},
		{"worse than a rival", rivals, "a1y a2y", stop.Loses},
		{"where nothing is known, equal values count as certain", noisy, "a1y a2y", stop.Precise},
		{"of another load point", rule, "a1y", stop.Continue},
	} {
		if v := tt.s.Verdict("c4", tries(tt.tries)); v.Decision != tt.want || v.Why == "" {
			t.Errorf("%s: %+v, want %s", tt.name, v, tt.want)
		}
		if v := tt.s.Verdict("c8", tries(tt.tries)); v.Decision != stop.Continue {
			t.Errorf("%s: c8 is %+v by the runs of c4", tt.name, v)
		}
	}
}

// After a passing fault a repeat has all its tries again; what was valid, or decided, stays.
func TestCounting(t *testing.T) {
	for launch, want := range map[string]string{"a": "a1y a2n a2n a2n", "b": "a1y b2n", "": "a1y"} {
		got := Counting(slices.DeleteFunc(tries("a1y a2n a2n a2n b2n"), func(t Tried) bool { return launch == "a" && t.Launch == "b" }), launch)
		if diff := cmp.Diff(tries(want), got); diff != "" {
			t.Errorf("of %q (-want +got)\n%s", launch, diff)
		}
	}
	if cut := Counting(tries("a1x"), "b"); len(cut) != 1 {
		t.Error("a run that was cut short decides no more")
	}
}

// The order in which rows are read, and the launch that made them, change no decision.
func TestVerdictIsOfTheRowsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := tries("a1y a2n a2n b2y b3n b3y b4y")
		for i := range list {
			if list[i].Valid {
				list[i].Values = []float64{rapid.Float64Range(0.09, 0.11).Draw(t, "ttft"), rapid.Float64Range(900, 1100).Draw(t, "tps")}
			}
		}
		s := Stopping{Repeats: 5, Rule: quiet(), Noise: map[string][]stat.Noise{"c4": known}}
		want := s.Verdict("c4", list)
		if got := s.Verdict("c4", rapid.Permutation(list).Draw(t, "order")); got != want {
			t.Fatalf("%+v, in another order %+v", want, got)
		}
	})
}

func TestTries(t *testing.T) {
	rows := []results.Run{
		{TrialID: "t1", LoadPoint: "c4", Repeat: 2, Block: 7, Valid: true, TTFTP50S: 0.5, OutputTPS: 10},
		{TrialID: "t1", LoadPoint: "c4", Repeat: 3, Valid: true, TTFTP50S: 0, OutputTPS: 10}, // has no logarithm
		{TrialID: "t1", LoadPoint: "c4", Repeat: 4, Decision: "loses", Bounds: []float64{1, 2}},
		{TrialID: "t1", LoadPoint: "c4", Repeat: 5, Decision: "invalid"},
	}
	got := Tries(quiet(), rows)
	if !slices.Equal(got[0].Values, []float64{0.5, 10}) || got[0].Block != 7 || got[0].Repeat != 2 || got[1].Values != nil || !got[1].Valid ||
		got[2].Cut != stop.Loses || got[3].Cut != "" {
		t.Errorf("%+v", got)
	}
	if got := Tries(quiet(), []results.Run{{Valid: true, TTFTP50S: 1, DurationS: 10}}); !slices.Equal(got[0].Values, []float64{1, 0.05}) {
		t.Errorf("a rate of 0: %+v", got)
	}
	if got := Tries(nil, rows[:1]); !got[0].Valid || len(got[0].Values) != 0 {
		t.Errorf("without a rule: %+v", got)
	}
}

// However a run goes on, it comes out no better than was said of it.
func TestHopeIsABound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "requests")
		h := Stopping{Rule: quiet()}.newHope("c4", make([]load.Prompt, n))
		h.output = float64(8 * n)
		records := make([]load.Record, n)
		for i := range records {
			send := int64(rapid.IntRange(0, 1000).Draw(t, "send"))
			first := send + int64(rapid.IntRange(1, 1000).Draw(t, "ttft"))
			records[i] = load.Record{SendNS: send, FirstTokenNS: first, LastTokenNS: first + 5, DoneNS: first + 5, OutputTokens: 8}
		}
		slices.SortFunc(records, func(a, b load.Record) int { return int(a.DoneNS - b.DoneNS) })
		s := load.Rules{}.Summarize(records)
		ttft, tps := stat.Quantile(s.TTFTSeconds, 0.5), s.OutputTPS
		for i := range records {
			if why := h.enough(&records[i], records[i].DoneNS); why != "" {
				t.Fatalf("ended without a rival: %s", why)
			}
			if best := h.bounds(float64(records[i].DoneNS-h.first) / 1e9); best[0] > ttft*(1+1e-9) || i == n-1 && best[1] < tps*(1-1e-9) {
				t.Fatalf("after %d of %d: %v, and the run came out at %v, %v", i+1, n, best, ttft, tps)
			} else if best[1] < tps*(1-1e-9) {
				t.Fatalf("after %d of %d: %v tokens/s at best, and the run came out at %v", i+1, n, best[1], tps)
			}
		}
	})
}

// A trial makes as many runs as it takes, and no more than its earlier launches leave.
func TestTrialStopsWhenEnoughIsKnown(t *testing.T) {
	t.Parallel()
	certain := []stat.Noise{{RunSD: 1e-6, RunDF: 1000}, {RunSD: 1e-6, RunDF: 1000}}
	unbeaten := []stop.Config{{ID: "t0009 at c1", Runs: []stop.Run{{Launch: "t0009", Block: 99, Values: []float64{1e-9, 1e12}}}}}
	noise := map[string][]stat.Noise{"c1": certain, "c2": certain}
	for _, tt := range []struct {
		name   string
		change func(*Plan)
		runs   string
		last   stop.Decision // of each load point
	}{
		{"precise", func(p *Plan) { p.Stopping.Rule.Metrics[0].Precision, p.Stopping.Rule.Metrics[1].Precision = 0.99, 0.99 }, "c1-r1 c1-r2 c2-r1 c2-r2", stop.Precise},
		{"the cap", func(p *Plan) {
			p.Stopping.Repeats, p.Stopping.Noise = 3, map[string][]stat.Noise{}
			p.Stopping.Rule.Min = 3
			p.Stopping.Rule.Metrics[0].Precision, p.Stopping.Rule.Metrics[1].Precision = 1e-9, 1e-9
		}, "c1-r1 c1-r2 c1-r3 c2-r1 c2-r2 c2-r3", stop.Capped},
		{"hopeless", func(p *Plan) { p.Stopping.Rivals = unbeaten }, "c1-r1 c2-r1", stop.Loses},
		{"an earlier launch left one", func(p *Plan) {
			p.Stopping.Rule.Metrics[0].Precision, p.Stopping.Rule.Metrics[1].Precision = 0.99, 0.99
			for _, point := range []string{"c1", "c2"} {
				p.Before = append(p.Before, Tried{Launch: "t0000", LoadPoint: point, Repeat: 1, Valid: true, Values: []float64{0.001, 5000}})
			}
			p.Runs = p.Runs[2:]
		}, "c1-r2 c2-r2", stop.Precise},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := testPlan(t)
			p.Runs = Ladder(closedLoops(1, 2), &load.Source{}, 5)
			p.Stopping = Stopping{Repeats: 5, Rule: quiet(), Noise: noise, ChosenFrom: 1}
			p.CoolDownSeconds = 0.001
			tt.change(&p)
			o := measure(t, t.Context(), p, nil)
			if o.trial.Outcome != results.OK || runIDs(o.runs) != tt.runs {
				t.Fatalf("%s %s: runs %s, want %s", o.trial.Outcome, o.trial.FailureLine, runIDs(o.runs), tt.runs)
			}
			decided := map[string]string{}
			for _, r := range o.runs {
				if r.Decision != "continue" {
					decided[r.LoadPoint] += r.Decision
				}
				if cut := tt.last == stop.Loses; r.Valid == cut || (len(r.Bounds) == 2) != cut || cut && (r.Bounds[0] <= 1e-9 || !strings.Contains(r.DecisionWhy, "t0009 at c1")) {
					t.Errorf("%s: %+v", r.RunID, r)
				}
			}
			if decided["c1"] != string(tt.last) || decided["c2"] != string(tt.last) {
				t.Errorf("decided %v, want %s", decided, tt.last)
			}
			if o.trial.HarnessSeconds <= 0 || o.trial.HarnessSeconds >= o.trial.TotalSeconds || o.trial.StopSeconds <= 0 {
				t.Errorf("own %v s, stop %v s, of %v s", o.trial.HarnessSeconds, o.trial.StopSeconds, o.trial.TotalSeconds)
			}
		})
	}
}

func TestRestAfter(t *testing.T) {
	share := func(v float64) *float64 { return &v }
	for _, tt := range []struct {
		share         *float64
		planned, want time.Duration
	}{
		{nil, 0, 0}, {nil, time.Second, time.Second}, {share(0.05), 0, 0}, {share(0.5), 0, heatRest}, {share(0.5), time.Hour, time.Hour},
	} {
		if got := restAfter(results.Run{ThrottledShare: tt.share}, tt.planned); got != tt.want {
			t.Errorf("%v of the time, %v planned: %v, want %v", tt.share, tt.planned, got, tt.want)
		}
	}
}
