package main

import (
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/search"
)

func (a *app) refineCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "refine",
		Usage: "continue a study: measure what a model expects to gain most, nothing twice",
		Flags: slices.Concat([]cli.Flag{
			&cli.IntFlag{Name: "trials", Usage: "further configs to measure", Value: 24},
			&cli.StringFlag{Name: "mode", Usage: "how configs are chosen: hybrid (a Gaussian process's expected gain), nsga2 or random", Value: string(search.Hybrid)},
			&cli.StringFlag{Name: "control", Usage: "random: a tenth of the asks are uniform draws, or a `SHARE` below 1, to tell whether choosing helps"},
			&cli.IntFlag{Name: "confirm", Usage: "then launch at most `N` times more what the front depends on, where its place there is most in doubt; by default a fifth of --trials"},
			objectiveFlag, sloFlag, fromFlag,
			&cli.DurationFlag{Name: "budget", Usage: "begin no trial after this `TIME`, such as 30m; 0 is no bound"},
			&cli.StringFlag{Name: "concurrency", Usage: "as `harness sweep` was given; a study keeps its own"},
			&cli.StringFlag{Name: "rate", Usage: "likewise"},
			allowDriftFlag, studyFlag, plainFlag, jsonFlag,
		}, workloadFlags, machineFlags),
		Action: a.refine,
	}, false)
}

func (a *app) refine(c *cli.Context) error {
	a.plain = c.Bool("plain")
	trials, confirm, err := refineCounts(c)
	if err != nil {
		return err
	}
	budget := c.Duration("budget")
	if budget < 0 {
		return usagef("--budget %v: must not be negative", budget)
	}
	mode, control, err := searchFlags(c)
	if err != nil {
		return err
	}
	s, err := a.openStudy(c)
	if err != nil {
		return err
	}
	if err := sameWorkload(c, s.Lock); err != nil {
		return err
	}
	if err := a.sameMachine(s, c.Bool("allow-drift")); err != nil {
		return err
	}
	if err := reconsider(c, s); err != nil {
		return err
	}
	state, err := s.Load()
	if err != nil {
		return err
	}
	if seeds, asks := study.Measured(state.Trials); seeds+asks == 0 {
		return study.ErrNoHistory
	}
	on, err := readMachine(c)
	if err != nil {
		return err
	}
	goal := study.Goal{Mode: mode, Purpose: study.Ask, Trials: trials, Confirm: confirm, Budget: budget, Control: control}
	if !c.Bool("json") {
		a.printRefinePlan(s, state, goal, on)
	}
	return a.drive(s, goal, on, c.Bool("json"))
}

// confirmShare is the part of a refinement's trials that confirm by default.
const confirmShare = 5

// refineCounts are how many configs are asked for, and how many launches confirm.
func refineCounts(c *cli.Context) (trials, confirm int, err error) {
	trials, confirm = c.Int("trials"), c.Int("confirm")
	if !c.IsSet("confirm") {
		confirm = trials / confirmShare
	}
	switch {
	case confirm < 0:
		return 0, 0, usagef("--confirm %d: write how many launches, or 0 for none", confirm)
	case trials < 0 || trials == 0 && confirm == 0:
		return 0, 0, usagef("--trials %d: at least 1 is needed, or 0 with --confirm N", trials)
	}
	return trials, confirm, nil
}

// reconsider takes up what a study is to be judged by from now on, and what it builds
// on. What its runs have not measured cannot be asked of them.
func reconsider(c *cli.Context, s *study.Study) error {
	now, err := readAim(c, judged{s.Lock.Objectives, s.Lock.Limits, s.Lock.SLO})
	if err != nil {
		return err
	}
	if now.slo != s.Lock.SLO && now.slo.Limits() {
		was := "no such limits"
		if s.Lock.SLO.Limits() {
			was = s.Lock.SLO.String()
		}
		return usagef("--slo %s: limits of single requests are counted while a run is measured, and study %s was begun with %s: begin another with `harness sweep`; limits of a run's metrics, such as ttft_p99=0.5s, can be asked of any", now.slo, s.Lock.ID, was)
	}
	if err := now.checkEnergy(s.Lock.GPUPrice, s.Lock.Simulated || s.Lock.Launch.Server.NeedsGPU, s.Lock.Engine); err != nil {
		return err
	}
	from := s.Lock.From
	if c.IsSet("from") {
		if from, err = readFrom(c.String("from"), s.Lock); err != nil {
			return err
		}
	}
	after := s.Lock
	after.Objectives, after.Limits, after.From = now.objectives, now.limits, from
	if len(s.Lock.Differences(after)) == 0 {
		return nil
	}
	state, err := s.Load()
	if err != nil {
		return err
	}
	if n := len(state.Trials); n > 0 && !slices.Equal(slices.Concat(s.Lock.Objectives, s.Lock.Limits), slices.Concat(after.Objectives, after.Limits)) {
		after.AimSince = state.Trials[n-1].TrialID
	}
	return s.Amend(func(l *study.Lock) {
		l.Objectives, l.Limits, l.AimSince, l.From = after.Objectives, after.Limits, after.AimSince, after.From
	})
}

// searchFlags are how a refinement chooses.
func searchFlags(c *cli.Context) (mode search.Mode, control float64, err error) {
	switch mode = search.Mode(c.String("mode")); mode {
	case search.Hybrid, search.NSGA2, search.Random:
	default:
		return "", 0, usagef("--mode %s: want hybrid, nsga2 or random", mode)
	}
	switch text := c.String("control"); text {
	case "":
	case "random":
		control = 0.1
	default:
		if control, err = strconv.ParseFloat(text, 64); err != nil || !(control >= 0 && control < 1) {
			return "", 0, usagef("--control %s: want random, or a share from 0 to below 1", text)
		}
	}
	return mode, control, nil
}

// openStudy opens the study that --study names, or the newest.
func (a *app) openStudy(c *cli.Context) (*study.Study, error) {
	dir, err := studyDir(c)
	if err != nil {
		return nil, err
	}
	return study.Open(dir)
}

func studyDir(c *cli.Context) (string, error) {
	if dir := c.String("study"); dir != "" {
		return dir, nil
	}
	dir, err := study.Newest(studiesRoot)
	if err == nil && dir == "" {
		err = usagef("there is no study below %s: begin one with `harness sweep`, or name one with --study", studiesRoot)
	}
	return dir, err
}
