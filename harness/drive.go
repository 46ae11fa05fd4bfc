package main

import (
	"encoding/json"
	"fmt"
	"time"

	"harness/harness/study"
	"harness/results"
	"harness/results/report"
	"harness/search"
)

// summaryJSON ends a sweep or a refine under --json.
type summaryJSON struct {
	Study     string         `json:"study"`
	Engine    string         `json:"engine"`
	Simulated bool           `json:"simulated"`
	Trials    int            `json:"trials"` // launches in the study
	Configs   int            `json:"configs"`
	Failed    map[string]int `json:"failed"`
	HV        *float64       `json:"hv"`
	HVCI      []*float64     `json:"hv_ci"` // 90 %
	Reference []*float64     `json:"reference"`
	Seconds   float64        `json:"seconds"`
	Ended     string         `json:"ended"` // why
	Points    int            `json:"points"`
	Doubtful  int            `json:"doubtful"`      // points whose place on the front is not sure by 0.9
	Confirmed int            `json:"confirmed"`     // launches that confirmed
	Differing int            `json:"differing"`     // launches whose server reported other values than the space expects
	OwnShare  float64        `json:"harness_share"` // of the seconds, neither launch, warm-up, load nor stop of a server

	From []report.SourceJSON `json:"from"` // studies that this one builds on

	Interference *study.Interference `json:"interference,omitempty"` // the verdict on trials beside each other; left out: not tested
	measuringJSON
}

// drive runs a study up to a goal and reports what it came to.
func (a *app) drive(s *study.Study, goal study.Goal, on machineOptions, asJSON bool) error {
	began := time.Now()
	goal.Parallel, goal.Trust = on.parallel, on.trust
	before, err := s.Load()
	if err != nil {
		return err
	}
	aim, err := s.Lock.Aim()
	if err != nil {
		return err
	}
	p := newProgress(a.stderr, s, before, aim, a.terminal && !asJSON && !a.plain)
	exec, done, err := a.executor(s, on, p)
	if err != nil {
		p.close()
		return err
	}
	ended, err := s.Run(a.ctx, a.abort, exec, goal, study.Watcher{Warn: p.warn, Note: p.note, Begin: p.begin, End: p.end})
	done()
	p.close()
	if err != nil {
		return err
	}
	state, err := s.Load()
	if err != nil {
		return err
	}
	if err := a.conclude(s, state, goal, ended, began, asJSON); err != nil {
		return err
	}
	switch {
	case ended == study.Interrupted:
		return &exitError{status: exitInterrupted}
	case study.FailedLaunches(state.Trials) > 0:
		return &exitError{status: exitFailedTrials}
	}
	return nil
}

func (a *app) conclude(s *study.Study, state study.State, goal study.Goal, ended string, began time.Time, asJSON bool) error {
	took := time.Since(began)
	own, err := s.OwnShare(began, took)
	if err != nil {
		return err
	}
	how, err := measuringOf(s, state)
	if err != nil {
		return err
	}
	front, err := assessedFront(s, state)
	if err != nil {
		return err
	}
	failures := report.NewFailures(state.Trials)
	if asJSON {
		doc := front.JSON(s.Lock.ID)
		return a.printJSON(summaryJSON{Study: s.Store.Dir, Engine: s.Lock.Engine, Simulated: s.Lock.Simulated,
			Trials: len(state.Trials), Configs: configsOf(state.Trials), Failed: failures.Counts(), HV: doc.HV, HVCI: doc.HVCI, Reference: doc.Reference,
			Seconds: took.Seconds(), Ended: ended, Points: len(doc.Points), Doubtful: len(front.Doubtful()), Confirmed: study.Confirmed(state.Trials),
			Differing: differing(state.Trials), OwnShare: own, From: doc.From, Interference: s.Lock.Interference, measuringJSON: how.json()})
	}
	fmt.Fprintln(a.stdout)
	if s.Lock.Simulated {
		fmt.Fprintln(a.stdout, simulatedLine)
	}
	if err := printFront(a.stdout, front, s.Default()); err != nil {
		return err
	}
	if len(failures) > 0 {
		fmt.Fprintln(a.stdout)
		if err := failures.Text(a.stdout); err != nil {
			return err
		}
	}
	if err := how.text(a.stdout); err != nil {
		return err
	}
	a.printConfidence(a.stdout, s, state, front)
	if err := a.printBenefit(s, state); err != nil {
		return err
	}
	if n := differing(state.Trials); n > 0 {
		fmt.Fprintf(a.stdout, "\n%s ran with other values than the space expects: %s space learn %s\n", report.Plural(n, "server"), a.program, s.Store.Dir)
	}
	if v := s.Lock.Interference; v != nil {
		fmt.Fprintf(a.stdout, "\nTrials beside each other: %s.\n", v.Text(v.Together))
	}
	fmt.Fprintf(a.stdout, "\nEnded after %s, of which harness itself took %s: %s.\nStudy    %s\nParquet  %s  (and trials, requests, samples beside it)\n",
		round(took), relative(own), ended, s.Store.Dir, s.Store.Glob("runs"))
	a.printReport(a.stdout, s)
	fmt.Fprintf(a.stdout, "Next     %s\n", a.next(s, goal, ended))
	return nil
}

// printBenefit tells whether choosing helped, where there are uniform draws to hold it
// against.
func (a *app) printBenefit(s *study.Study, state study.State) error {
	b, err := s.Benefit(state)
	if err != nil || b.Compared == 0 {
		return err
	}
	fmt.Fprintf(a.stdout, "\nRandom control: of %s each, the chosen ones reach a hypervolume of %.3f and uniform ones %.3f (ln); P(choosing helps) %.2f\n",
		report.Plural(b.Compared, "config"), b.Chosen, b.Control, b.PBetter)
	return nil
}

const simulatedLine = "SIMULATED: these numbers come from a model of the server, not from a GPU."

// next is the command that a user would want now.
func (a *app) next(s *study.Study, goal study.Goal, ended string) string {
	switch {
	case ended == study.Interrupted || ended == study.OutOfBudget:
		return "the same command again, which goes on where this one ended"
	case ended == study.Exhausted || goal.Mode == search.Exhaustive:
		return fmt.Sprintf("%s front --study %s --json", a.program, s.Store.Dir)
	default:
		return fmt.Sprintf("%s refine --study %s", a.program, s.Store.Dir)
	}
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// differing counts the launches whose server reported what the space did not expect.
func differing(trials []results.Trial) int {
	n := 0
	for _, t := range trials {
		if len(t.EffectiveDifferences) > 0 {
			n++
		}
	}
	return n
}

func configsOf(trials []results.Trial) int {
	ids := map[string]bool{}
	for _, t := range trials {
		ids[t.ConfigID] = true
	}
	return len(ids)
}

func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
