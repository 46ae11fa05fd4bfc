package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"harness/results"
	"harness/search"
)

// parts are a study's rows as they are on disk.
type parts struct {
	trials []results.Trial
	runs   []results.Run
}

// checkStudy reads all parts of a study and checks what must always hold: every part
// can be read, every run has a trial and its requests, no config was measured twice,
// and either all rows are simulated or none is. Where parts were lost, a config that
// was done may have been launched again for what was missing.
func checkStudy(dir string, lost bool) (parts, error) {
	store := results.Store{Dir: dir}
	trials, bad, err := store.Trials()
	if err != nil {
		return parts{}, err
	}
	runs, badRuns, err := store.Runs()
	if err != nil {
		return parts{}, err
	}
	for _, b := range append(bad, badRuns...) {
		return parts{}, fmt.Errorf("bad part: %v", b)
	}
	if len(trials) == 0 {
		return parts{}, fmt.Errorf("no trials in %s", dir)
	}
	p := parts{trials, runs}
	if err := p.nothingTwice(lost); err != nil {
		return p, err
	}
	return p, p.simulatedEverywhere(store)
}

// nothingTwice fails where a launch of a config has two trials that ended by themselves,
// but for one passing fault before, or a load point two valid runs of one repeat.
func (p parts) nothingTwice(lost bool) error {
	launches, replicates := map[string]results.Trial{}, map[string]int32{}
	for _, t := range p.trials {
		replicates[t.TrialID] = t.Replicate
		if t.Outcome == results.Cancelled {
			continue
		}
		key := fmt.Sprintf("%s/%d", t.ConfigID, t.Replicate)
		if other, twice := launches[key]; twice && !lost && !search.Transient(other.FailureClass) {
			return fmt.Errorf("config %s was measured twice: %s and %s", t.ConfigID, other.TrialID, t.TrialID)
		}
		launches[key] = t
	}
	runs := map[string]string{}
	for _, r := range p.runs {
		if !slices.ContainsFunc(p.trials, func(t results.Trial) bool { return t.TrialID == r.TrialID && t.ConfigID == r.ConfigID }) {
			return fmt.Errorf("run %s has no trial", r.RunID)
		}
		if !r.Valid {
			continue
		}
		key := fmt.Sprintf("%s/%d %s repeat %d", r.ConfigID, replicates[r.TrialID], r.LoadPoint, r.Repeat)
		if other := runs[key]; other != "" {
			return fmt.Errorf("%s was measured twice: %s and %s", key, other, r.RunID)
		}
		runs[key] = r.RunID
	}
	return nil
}

func (p parts) simulatedEverywhere(store results.Store) error {
	want := p.trials[0].Simulated
	for _, t := range p.trials {
		if t.Simulated != want {
			return fmt.Errorf("trial %s: simulated is %v", t.TrialID, t.Simulated)
		}
		samples, err := store.Samples(t.TrialID)
		measured := slices.ContainsFunc(p.runs, func(r results.Run) bool { return r.TrialID == t.TrialID })
		if err != nil && measured && t.Outcome == results.OK {
			return fmt.Errorf("samples of %s: %w", t.TrialID, err)
		}
		if slices.ContainsFunc(samples, func(s results.Sample) bool { return s.Simulated != want }) {
			return fmt.Errorf("samples of %s: simulated is not %v", t.TrialID, want)
		}
	}
	for _, r := range p.runs {
		requests, err := store.Requests(r.RunID)
		if err != nil || len(requests) != int(r.Requests) {
			return fmt.Errorf("run %s: %d of %d requests: %v", r.RunID, len(requests), r.Requests, err)
		}
		if r.Simulated != want || slices.ContainsFunc(requests, func(q results.Request) bool { return q.Simulated != want }) {
			return fmt.Errorf("run %s: simulated is not %v", r.RunID, want)
		}
	}
	return nil
}

// describe prints what scripts look at, a fact a line.
func (p parts) describe(w io.Writer) {
	outcomes, classes, purposes := map[string]int{}, map[string]int{}, map[string]int{}
	valid := 0
	for _, t := range p.trials {
		outcomes[t.Outcome]++
		purposes[t.Purpose]++
		if t.Outcome == results.Failed {
			status := "none"
			if t.ExitStatus != nil {
				status = fmt.Sprint(*t.ExitStatus)
			}
			classes[fmt.Sprintf("%s in %s, exit %s", t.FailureClass, t.Phase, status)]++
		}
	}
	for _, r := range p.runs {
		if r.Valid {
			valid++
		}
	}
	first := p.trials[0]
	fmt.Fprintf(w, "trials: %d\nruns: %d, valid: %d\nsimulated: %v\nengine: %s %s\n", len(p.trials), len(p.runs), valid, first.Simulated, first.Engine, first.EngineVersion)
	for _, counts := range []map[string]int{outcomes, classes, purposes} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(w, "%s: %d\n", name, counts[name])
		}
	}
	for _, t := range p.trials {
		fmt.Fprintf(w, "%s gpus=%s argv=%s\n%s effective=%s\n", t.TrialID, strings.Join(t.GPUs, ","), strings.Join(t.Argv, " "), t.TrialID, t.EffectiveConfig)
	}
	for _, r := range p.runs {
		fmt.Fprintf(w, "%s flushed=%v prompt=%d output=%d cached=%d\n", r.RunID, r.Flushed, r.PromptTokens, r.OutputTokens, r.CachedTokens)
	}
}

func describeStudy(ts *testscript.TestScript, neg bool, args []string) {
	lost := len(args) == 2 && args[1] == "lost"
	if neg || len(args) != 1 && !lost {
		ts.Fatalf("usage: study DIR [lost]")
	}
	p, err := checkStudy(ts.MkAbs(args[0]), lost)
	if err != nil {
		ts.Fatalf("%v", err)
	}
	p.describe(ts.Stdout())
}
