package study

import (
	"testing"

	"harness/results"
)

// A load point that only has a run that was cut short is told as it could be at best; one
// with a valid run by that alone, and one of a launch that failed not at all.
func TestCutRunsAreToldAsBounds(t *testing.T) {
	plain, err := results.ParseAim(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	limited, err := results.ParseAim(nil, []string{"itl_p99=0.05"})
	if err != nil {
		t.Fatal(err)
	}
	cut := results.Run{TrialID: "t0001", LoadPoint: "c4", Concurrency: 4, Bounds: []float64{0.5, 700}}
	limitKnown, objectiveUnknown := cut, cut
	limitKnown.Bounds, objectiveUnknown.Bounds = []float64{0.5, 700, 0.2}, []float64{0, 700}
	valid := results.Run{TrialID: "t0001", LoadPoint: "c4", Concurrency: 4, Valid: true, TTFTP50S: 0.4, OutputTPS: 800}
	for _, tt := range []struct {
		name    string
		outcome string
		runs    []results.Run
		aim     results.Aim
		ttft    float64 // of the one point; 0: there is none
		failure string
	}{
		{"cut short", results.OK, []results.Run{cut}, plain, 0.5, ""},
		{"and a valid run", results.OK, []results.Run{cut, valid}, plain, 0.4, ""},
		{"twice", results.OK, []results.Run{cut, cut}, plain, 0.5, ""},
		{"of a launch that failed", results.Failed, []results.Run{cut}, plain, 0, "crash"},
		{"the limited metric is not known", results.OK, []results.Run{cut}, limited, 0, "no valid run"},
		{"it is", results.OK, []results.Run{limitKnown}, limited, 0.5, ""},
		{"an objective is not known", results.OK, []results.Run{objectiveUnknown}, plain, 0, "no valid run"},
	} {
		c := &config{trials: []results.Trial{{TrialID: "t0001", Outcome: tt.outcome}}}
		if tt.outcome == results.Failed {
			c.trials[0].FailureClass = "crash"
		}
		o := outcomeOf(c, tt.runs, tt.aim)
		ttft := 0.0
		for _, p := range o.Points {
			ttft += p.TTFT
		}
		for _, p := range o.Points {
			if p.Bound != (tt.name != "and a valid run") {
				t.Errorf("%s: bound %v", tt.name, p.Bound)
			}
		}
		if ttft != tt.ttft || o.Failure != tt.failure {
			t.Errorf("%s: told %+v", tt.name, o)
		}
	}
}
