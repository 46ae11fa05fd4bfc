package main

import (
	"slices"

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
	goal := study.Goal{Mode: search.Hybrid, Purpose: study.Ask, Trials: c.Int("trials"), Budget: budget}
	if !c.Bool("json") {
		a.printRefinePlan(s, state, goal)
	}
	return a.drive(s, goal, c.Bool("json"))
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
