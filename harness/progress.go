package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"harness/harness/bench"
	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

// progress tells of a running study: a line a trial, and on a terminal a bar with an
// estimate below them.
type progress struct {
	out  io.Writer
	base map[string]string // the default config
	bars *mpb.Progress     // nil: no terminal
	bar  *mpb.Bar

	writing sync.Mutex // lines come from several trials

	mu  sync.Mutex          // the bar reads what follows from its own goroutine
	now map[string]activity // of each running trial
	at  study.Progress
}

// activity is what a trial does.
type activity struct {
	phase string
	text  string
	since time.Time     // zero: not shown
	done  func() string // how far that is; nil: not shown. It is called under mu
}

func newProgress(out io.Writer, terminal bool, base map[string]string) *progress {
	p := &progress{out: out, base: base, now: map[string]activity{}}
	if terminal {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40))
		p.bar = p.bars.AddBar(0,
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.count() })),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return p.state() })))
	}
	return p
}

func (p *progress) count() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	done, total := steps(p.at)
	return fmt.Sprintf("%d/%d", done, total)
}

func (p *progress) state() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return " " + nowText(p.now) + left(p.at)
}

func (a activity) String() string {
	text := a.text
	if !a.since.IsZero() {
		text += fmt.Sprintf(", %.0f s", time.Since(a.since).Seconds())
	}
	if a.done != nil {
		text += a.done()
	}
	return text
}

// nowText tells what one trial does, or of several how many are in which phase.
func nowText(now map[string]activity) string {
	var phases []string
	count := map[string]int{}
	for _, a := range now {
		switch {
		case len(now) > 1:
			if count[a.phase]++; count[a.phase] == 1 {
				phases = append(phases, a.phase)
			}
		default:
			return a.String()
		}
	}
	slices.Sort(phases)
	for i, name := range phases {
		phases[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	return strings.Join(phases, ", ")
}

func left(at study.Progress) string {
	if at.Left <= 0 {
		return ""
	}
	return fmt.Sprintf(", about %s left", round(at.Left))
}

func (p *progress) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.bars != nil {
		text = clipLine(text, terminalWidth())
		if _, err := p.bars.Write([]byte(text)); err == nil {
			return
		}
	}
	io.WriteString(p.out, text)
}

// clipLine keeps a line on one line of the terminal; all of it is in the study.
func clipLine(text string, width int) string {
	if r := []rune(text); len(r) > width {
		return string(r[:width-2]) + "…\n"
	}
	return text
}

func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 20 {
		return w
	}
	return 80
}

func (p *progress) warn(text string) { p.line("warning: %s", text) }

// note tells what was found out on the way.
func (p *progress) note(text string) { p.line("%s", text) }

func (p *progress) event(e bench.Event) {
	p.set(func() {
		p.now[e.TrialID] = activity{phase: e.Phase, text: strings.TrimSpace(e.TrialID + " " + e.Phase + " " + e.Detail)}
	})
	if strings.Contains(e.Detail, "invalid") {
		p.warn(e.TrialID + " " + e.Detail)
	}
}

func (p *progress) begin(plan bench.Plan, at study.Progress) {
	p.set(func() { p.at, p.now[plan.TrialID] = at, activity{phase: "begin", text: plan.TrialID} })
}

// end prints a trial's line: what came of it, and what its config is.
func (p *progress) end(t results.Trial, runs []results.Run, at study.Progress) {
	var what []string
	for _, m := range results.Collect([]results.Trial{t}, runs) {
		what = append(what, fmt.Sprintf("%s: TTFT %s, %s tok/s", m.LoadPoint, report.Duration(m.TTFT.Value), report.Number(m.TPS.Value)))
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
	p.set(func() {
		p.at = at
		delete(p.now, t.TrialID)
	})
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

// set changes what the bar shows.
func (p *progress) set(change func()) {
	p.mu.Lock()
	change()
	at := p.at
	p.mu.Unlock()
	if p.bar != nil {
		done, total := steps(at)
		p.bar.SetTotal(int64(total), false)
		p.bar.SetCurrent(int64(done))
	}
}

func (p *progress) close() {
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
