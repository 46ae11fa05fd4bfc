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
			&cli.DurationFlag{Name: "budget", Usage: "begin no trial after this `TIME`, such as 30m; 0 is no bound"},
			&cli.StringFlag{Name: "concurrency", Usage: "as `harness sweep` was given; a study keeps its own"},
			&cli.StringFlag{Name: "rate", Usage: "likewise"},
			studyFlag, jsonFlag,
		}, workloadFlags),
		Action: a.refine,
	}, false)
}

func (a *app) refine(c *cli.Context) error {
	if err := positive(c, "trials"); err != nil {
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
	state, err := s.Load()
	if err != nil {
		return err
	}
	if seeds, asks := study.Measured(state.Trials); seeds+asks == 0 {
		return study.ErrNoHistory
	}
	goal := study.Goal{Mode: mode, Purpose: study.Ask, Trials: c.Int("trials"), Budget: budget, Control: control}
	if !c.Bool("json") {
		a.printRefinePlan(s, state, goal)
	}
	return a.drive(s, goal, c.Bool("json"))
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
