package study

import (
	"errors"
	"math"
	"strings"
	"testing"

	"harness/results"
	"harness/search"
)

var wide = Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 24, Parallel: Auto}

// Before trials run beside each other, one config is measured alone and beside itself.
func TestInterferenceDecides(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		disturb float64
		most    int
		why     string
	}{
		{"neighbours do nothing", 0, 8, "beside neighbours ttft_p50_s"},
		{"neighbours cost a tenth", 0.1, 1, "more than 3 %"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, m := wideStudy(t), &machine{devices: 8, disturb: tt.disturb}
			var notes []string
			m.note = func(text string) { notes = append(notes, text) }
			if reason, err := on(t, s, m, wide); err != nil || reason != Complete {
				t.Fatal(reason, err)
			}
			v := reopen(t, s).Lock.Interference
			if v == nil || v.Allowed != (tt.most > 1) || !strings.Contains(v.Why, tt.why) || len(v.Ratios) != 2 || v.Beside < 8 || v.Alone < 1 || v.Together != 8 {
				t.Fatalf("verdict %+v", v)
			}
			if len(notes) != 1 || !strings.Contains(notes[0], v.Why) {
				t.Errorf("notes %q", notes)
			}
			t.Log(notes)
			word := map[bool]string{true: results.NeighboursAllowed, false: results.NeighboursRefused}[v.Allowed]
			for _, p := range m.begun {
				tested := p.Purpose != Test && p.TrialID > "t0001" // the first is what the test is made with
				if tested != (p.Interference == word && p.InterferenceWhy == v.Why && len(p.InterferenceRatios) == 2) {
					t.Errorf("%s (%s) is marked %q: %s", p.TrialID, p.Purpose, p.Interference, p.InterferenceWhy)
				}
				if p.Purpose != Test && p.Parallel != 1 && tt.most == 1 {
					t.Errorf("%s ran beside others", p.TrialID)
				}
			}
			state, tests := stateOf(t, s), 0
			if last := state.Trials[len(state.Trials)-1]; last.Interference != word || len(last.InterferenceRatios) != 2 || last.InterferenceRatios[0] != v.Ratios[0] {
				t.Errorf("the row of %s is marked %q, %v", last.TrialID, last.Interference, last.InterferenceRatios)
			}
			if len(state.Trials) != wide.Trials {
				t.Errorf("%d trials, want %d: the test's are no results", len(state.Trials), wide.Trials)
			}
			all, err := s.load()
			if err != nil {
				t.Fatal(err)
			}
			for _, tr := range all.Trials {
				if tr.Purpose == Test {
					tests++
				}
			}
			if tests < 8 || len(all.Trials) != wide.Trials+tests {
				t.Errorf("%d rows of the test are kept, of %d", tests, len(all.Trials))
			}
			checkMeasuredOnce(t, s)
			again := &machine{devices: 8, disturb: tt.disturb}
			more := wide
			more.Trials = 32
			if _, err := on(t, reopen(t, s), again, more); err != nil {
				t.Fatal(err)
			}
			for _, p := range again.begun {
				if p.Purpose == Test {
					t.Errorf("tested again at %s", p.TrialID)
				}
			}
		})
	}
}

// A test that is killed goes on, and comes to the same verdict.
func TestInterruptedTestGoesOn(t *testing.T) {
	t.Parallel()
	s := wideStudy(t)
	for _, stop := range []int{3, 1, 2} {
		if _, err := on(t, reopen(t, s), &machine{devices: 8, stopAt: stop}, wide); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	if reason, err := on(t, reopen(t, s), &machine{devices: 8}, wide); err != nil || reason != Complete {
		t.Fatal(reason, err)
	}
	if v := reopen(t, s).Lock.Interference; v == nil || !v.Allowed {
		t.Errorf("verdict %+v", v)
	}
	checkMeasuredOnce(t, s)
}

// A study that is too short for the test to pay makes none.
func TestShortStudyIsNotTested(t *testing.T) {
	t.Parallel()
	s, m := wideStudy(t), &machine{devices: 8}
	short := wide
	short.Trials = 6
	if _, err := on(t, s, m, short); err != nil {
		t.Fatal(err)
	}
	if m.most != 1 || reopen(t, s).Lock.Interference != nil {
		t.Errorf("%d at a time", m.most)
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name             string
		ratios           []results.Ratio
		decided, allowed bool
	}{
		{"both within", []results.Ratio{{Value: 1.001, Low: 0.98, High: 1.02}, {Value: 1, Low: 0.99, High: 1.01}}, true, true},
		{"one beyond", []results.Ratio{{Value: 1, Low: 0.99, High: 1.01}, {Value: 1.08, Low: 1.05, High: 1.1}}, true, false},
		{"faster is no better: the numbers differ", []results.Ratio{{Value: 0.9, Low: 0.88, High: 0.92}, {Value: 1, Low: 0.99, High: 1.01}}, true, false},
		{"a small effect, shown, and perhaps a larger one", []results.Ratio{{Value: 1.02, Low: 1.005, High: 1.035}, {Value: 1, Low: 0.99, High: 1.01}}, false, false},
		{"noise", []results.Ratio{{Value: 1.01, Low: 0.95, High: 1.07}, {Value: 1, Low: 0.99, High: 1.01}}, false, true},
		{"nothing valid", []results.Ratio{{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}}, false, false},
	} {
		if decided, allowed, why := verdict(tt.ratios); decided != tt.decided || allowed != tt.allowed || why == "" {
			t.Errorf("%s: decided %v, allowed %v: %s", tt.name, decided, allowed, why)
		}
	}
}

// Launches that lack a run are not compared by it.
func TestRatiosCompareTheSameRuns(t *testing.T) {
	run := func(trial string, point string, repeat int32, ttft float64) results.Run {
		return results.Run{TrialID: trial, LoadPoint: point, Repeat: repeat, TTFTP50S: ttft, OutputTPS: 1 / ttft, Valid: true}
	}
	metric, _ := results.MetricOf("ttft_p50_s")
	alone := []results.Run{run("a", "c1", 1, 1), run("a", "c8", 1, 8)}
	beside := []results.Run{run("b", "c1", 1, 1.1), run("c", "c1", 1, 1.12), run("c", "c8", 1, 9)}
	got := ratios(alone, beside, []results.Metric{metric})[0]
	if math.Abs(got.Value-math.Sqrt(1.1*1.12)) > 1e-9 {
		t.Errorf("ratio %v, want that of load point c1", got.Value)
	}
}
