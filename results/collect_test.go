package results

import "testing"

func TestCollect(t *testing.T) {
	trials := []Trial{
		{TrialID: "t1", ConfigID: "a", Outcome: Cancelled},
		{TrialID: "t2", ConfigID: "b", Outcome: Failed},
		{TrialID: "t3", ConfigID: "a", Outcome: OK},
	}
	run := func(trial, config, point string, valid bool, ttft, tps float64) Run {
		return Run{TrialID: trial, ConfigID: config, LoadPoint: point, Concurrency: 1, Valid: valid, TTFTP50S: ttft, OutputTPS: tps}
	}
	got := Collect(trials, []Run{
		run("t1", "a", "c1", true, 1, 10), // before the interruption: counts
		run("t3", "a", "c1", true, 3, 30),
		run("t3", "a", "c1", false, 99, 99), // invalid: kept, not counted
		run("t2", "b", "c1", true, 2, 20),   // its trial failed
	})
	if len(got) != 1 || got[0].TrialID != "t3" || got[0].TTFT.N != 2 || got[0].TTFT.Value != 2 || got[0].TPS.Value != 20 {
		t.Errorf("got %+v", got)
	}
}
