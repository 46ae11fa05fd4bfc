package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"harness/harness/bench"
	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

// progress tells of a running study: a line a trial, and on a terminal a panel below
// them.
type progress struct {
	out   io.Writer
	base  map[string]string // the default config
	panel *panel            // nil: no terminal
	live  *liveState

	writing sync.Mutex // lines come from several trials

	aim   results.Aim
	state study.State // what the panel's front is of; empty without one
}

// newProgress begins to tell of a study that has these rows.
func newProgress(out io.Writer, s *study.Study, state study.State, aim results.Aim, terminal bool) *progress {
	p := &progress{out: out, base: s.Default(), aim: aim}
	if terminal {
		p.state = state
		p.live = liveStateOf(s, state, aim)
		p.panel = newPanel(out, p.live.draw)
	}
	return p
}

func left(at study.Progress) string {
	if at.Left <= 0 {
		return ""
	}
	return fmt.Sprintf(", about %s left", round(at.Left))
}

func (p *progress) line(format string, args ...any) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.panel.line(p.out, fmt.Sprintf(format, args...))
}

func (p *progress) warn(text string) { p.line("warning: %s", text) }

// note tells what was found out on the way.
func (p *progress) note(text string) { p.line("%s", text) }

func (p *progress) event(e bench.Event) {
	p.panel.do(func() { p.live.phase(e) })
	if strings.Contains(e.Detail, "invalid") {
		p.warn(e.TrialID + " " + e.Detail)
	}
}

func (p *progress) begin(plan bench.Plan, at study.Progress) {
	config := report.Difference(plan.Params, p.base)
	p.panel.do(func() { p.live.begin(plan, config, at) })
}

// end prints a trial's line: what came of it, and what its config is.
func (p *progress) end(t results.Trial, runs []results.Run, at study.Progress) {
	var what []string
	runs = slices.Clone(runs)
	for i := range runs {
		runs[i].Valid = runs[i].Valid || runs[i].InvalidReason == study.Apart
	}
	for _, m := range results.Collect([]results.Trial{t}, runs) {
		what = append(what, m.LoadPoint+": "+p.objectives(m))
	}
	for _, r := range runs {
		if len(r.Bounds) > 0 {
			what = append(what, r.LoadPoint+": "+r.InvalidReason)
		}
	}
	switch {
	case t.Outcome == results.Failed:
		what = []string{fmt.Sprintf("FAILED %s in phase %s: %s", t.FailureClass, t.Phase, t.FailureLine)}
	case t.Outcome == results.Cancelled:
		what = []string{"cancelled"}
	case len(what) == 0 && len(t.Argv) == 0:
		what = []string{"all its runs were measured before"}
	case len(what) == 0:
		what = []string{"no valid run"}
	}
	p.line("[%s] %s  %s  (%.1f s%s)  %s  <- %s", trialPlace(t, at), t.TrialID, strings.Join(what, " | "),
		t.TotalSeconds, left(at), report.Difference(t.Params, p.base), t.Reason)
	for _, d := range t.EffectiveDifferences {
		p.warn(fmt.Sprintf("%s: the server runs with %s %s, and the space expects %s", t.TrialID, d.Param, d.Reported, d.Expected))
	}
	if p.panel == nil {
		return
	}
	if t.Purpose != study.Test {
		p.state.Trials, p.state.Runs = append(p.state.Trials, t), append(p.state.Runs, runs...)
	}
	front := report.NewFront(p.state.Trials, p.state.Runs, p.aim)
	p.panel.do(func() { p.live.end(t, front, at) })
}

// trialPlace is which of how many a trial was.
func trialPlace(t results.Trial, at study.Progress) string {
	switch t.Purpose {
	case study.Confirm:
		return fmt.Sprintf("confirm %d/%d", at.Confirmed, at.ToConfirm)
	case study.Sentinel, study.Test:
		return t.Purpose
	}
	return fmt.Sprintf("%d/%d", at.Done, at.Total)
}

// steps are the configs and the launches that confirm, together.
func steps(at study.Progress) (done, total int) {
	if at.ToConfirm == 0 {
		return at.Done, at.Total
	}
	return at.Done + at.Confirmed, at.Total + at.ToConfirm
}

func (p *progress) close() { p.panel.close() }

// objectives are a measurement's values of what the study is judged by.
func (p *progress) objectives(m results.Measurement) string {
	if p.aim.Uses("ttft_p50_s") && p.aim.Uses("output_tps") {
		return fmt.Sprintf("TTFT %s, %s tok/s", report.Duration(m.TTFT.Value), report.Number(m.TPS.Value))
	}
	var values []string
	for _, o := range p.aim.Objectives {
		values = append(values, report.Label(o)+" "+report.FormatOf(o)(m.Estimate(o).Value))
	}
	return strings.Join(values, ", ")
}
