package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"harness/harness/study"
	"harness/results/report"
	"harness/space"
)

// pageOf reads a study for its page.
func pageOf(s *study.Study) (report.Page, error) {
	state, err := s.Load()
	if err != nil {
		return report.Page{}, err
	}
	var found foundEffects
	var finding sync.WaitGroup
	finding.Go(func() { found = findEffects(s, state) })
	front, err := assessedFront(s, state)
	finding.Wait()
	if err != nil {
		return report.Page{}, err
	}
	lock := s.Lock
	p := report.Page{
		Title: filepath.Base(s.Store.Dir), Engine: lock.Engine + " " + lock.EngineVersion, Model: lock.Launch.Model, Simulated: lock.Simulated,
		Default: s.Default(), Trials: state.Trials, Runs: state.Runs, Store: s.Store,
		Front:   front,
		Lattice: latticeOf(s), Method: methodOf(lock),
	}
	for _, b := range state.Bad {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%v; left out", b))
	}
	for _, m := range lock.Moves {
		p.Warnings = append(p.Warnings, fmt.Sprintf("from %s on it was measured elsewhere: %s", m.At.UTC().Format("2006-01-02 15:04 UTC"), strings.Join(m.What, "; ")))
	}
	p.Warnings = append(p.Warnings, stateWarnings(state)...)
	how, err := measuringOf(s, state)
	if err != nil {
		return report.Page{}, err
	}
	p.Noise, p.NoiseNotes = noiseOf(how, len(p.Front.Rows))
	p.Warnings = append(p.Warnings, how.driftTexts()...)
	p.Effects, p.EffectsNote = found.page(s, p.Front)
	if found.err != nil { // the rest of the page can be told
		p.Warnings = append(p.Warnings, fmt.Sprintf("what matters cannot be told: %v", found.err))
	}
	return p, nil
}

// stateWarnings tell what a reader should know before the numbers.
func stateWarnings(state study.State) []string {
	var list []string
	if n := differing(state.Trials); n > 0 {
		list = append(list, fmt.Sprintf("%s ran with other values than the space expects: their trials say which", report.Plural(n, "server")))
	}
	invalid := 0
	for _, r := range state.Runs {
		if !r.Valid {
			invalid++
		}
	}
	if invalid > 0 {
		list = append(list, fmt.Sprintf("%d of %d runs are not valid, and count nowhere: their trials say why", invalid, len(state.Runs)))
	}
	gated := 0
	for _, t := range state.Trials {
		if t.GateReason != "" {
			gated++
		}
	}
	if gated > 0 {
		list = append(list, fmt.Sprintf("before %s the machine was not as it should be: they say why", report.Plural(gated, "trial")))
	}
	return list
}

func latticeOf(s *study.Study) report.Lattice {
	l := report.Lattice{Space: s.Lock.Space, Raw: s.Lock.Raw.String(), Valid: s.Lock.Valid.String()}
	rules := map[string]space.Rule{}
	for _, r := range s.Spec.Rules {
		rules[r.ID] = r
	}
	for _, r := range s.Lattice.Rules() {
		rule := rules[r.ID]
		text := rule.Expr
		if text == "" {
			text = "when " + rule.When + ": " + rule.Sets
		}
		l.Rules = append(l.Rules, report.Rule{ID: r.ID, Class: string(r.Class), Text: text, Evidence: rule.Evidence,
			Removes: r.RemovesAlone.String(), Share: r.RemovesAlone.Float64() / s.Lock.Raw.Float64()})
	}
	return l
}

func objectivesText(l study.Lock) string {
	text := strings.Join(l.Objectives, ", ") + "; medians over runs"
	if len(l.Limits) > 0 {
		text += "; limits " + strings.Join(l.Limits, ", ")
	}
	return text
}

// noiseOf tells how well a study was measured.
func noiseOf(how measuring, rows int) (list []report.Noise, notes []string) {
	if rows == 0 {
		return nil, []string{"Nothing was measured yet, so nothing is known of the noise."}
	}
	for _, s := range how.spreads {
		runs, launches := deviations(s)
		list = append(list, report.Noise{Load: s.LoadPoint, Metric: s.Metric, Runs: runs, Launches: launches})
	}
	switch {
	case len(how.drifts) == 0:
		notes = append(notes, "Drift was not looked for: the default was launched once. `harness sweep --sentinel-every N` launches it again from time to time.")
	case len(how.driftTexts()) == 0:
		notes = append(notes, "No drift: whenever the default was launched again it was what it was at first, within the noise.")
	default:
		notes = append(notes, how.driftTexts()...)
	}
	if text := how.savedText(); text != "" {
		notes = append(notes, text+".")
	}
	return list, notes
}

// methodOf is study.json in words.
func methodOf(l study.Lock) []report.Item {
	var gpus, facts []string
	for _, g := range l.GPUs {
		gpus = append(gpus, fmt.Sprintf("%s (%s)", g.Name, g.UUID))
	}
	if len(gpus) == 0 {
		gpus = []string{"none"}
		if l.Simulated {
			gpus = []string{"simulated"}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Facts)) {
		facts = append(facts, fmt.Sprintf("%s=%s", name, l.Facts[name]))
	}
	items := []report.Item{
		{Name: "study", Text: fmt.Sprintf("%s, begun %s on %s, seed %d", l.ID, l.Created.UTC().Format("2006-01-02 15:04 UTC"), l.Host, l.Seed)},
		{Name: "server", Text: fmt.Sprintf("%s %s, launched anew for each trial, in its own process group", l.Engine, l.EngineVersion)},
		{Name: "model", Text: l.Launch.Model},
		{Name: "GPUs", Text: strings.Join(gpus, ", ")},
		{Name: "requests", Text: fmt.Sprintf("%s; fresh prompts for each run, the same for every config", l.Workload)},
		{Name: "load", Text: pointsText(l.LoadPoints)},
		{Name: "runs", Text: fmt.Sprintf("%s at each load point of a launch, after a warm-up with other prompts; a run counts where no request failed and this machine kept up", repeatsText(l))},
		{Name: "objectives", Text: objectivesText(l)},
		{Name: "facts", Text: strings.Join(facts, ", ")},
	}
	if v := l.Interference; v != nil {
		items = append(items, report.Item{Name: "side by side", Text: v.Text(v.Together)})
	}
	if len(l.Tune) > 0 {
		items = append(items, report.Item{Name: "tuned", Text: strings.Join(l.Tune, ", ")})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Set)) {
		items = append(items, report.Item{Name: name, Text: fmt.Sprintf("restricted to %v", l.Set[name])})
	}
	return items
}
