package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"harness/results/report"
)

func (a *app) frontCommand() *cli.Command {
	return command(&cli.Command{
		Name:   "front",
		Usage:  "print a study's Pareto table, with intervals and the probability of each point",
		Flags:  []cli.Flag{studyFlag, jsonFlag},
		Action: a.front,
	}, false)
}

func (a *app) front(c *cli.Context) error {
	s, state, err := a.readStudy(c)
	if err != nil {
		return err
	}
	f, err := assessedFront(s, state)
	if err != nil {
		return err
	}
	how, err := measuringOf(s, state)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(struct {
			report.FrontJSON
			measuringJSON
		}{f.JSON(s.Lock.ID), how.json()})
	}
	fmt.Fprintf(a.stdout, "Study %s: %s %s, space %s, %s tried\n", s.Store.Dir, s.Lock.Engine, s.Lock.EngineVersion, s.Lock.Space, report.Plural(configsOf(state.Trials), "config"))
	if s.Lock.Simulated {
		fmt.Fprintln(a.stdout, simulatedLine)
	}
	if err := printFront(a.stdout, f, s.Default()); err != nil {
		return err
	}
	failures := report.NewFailures(state.Trials)
	if len(failures) > 0 {
		fmt.Fprintln(a.stdout)
	}
	if err := failures.Text(a.stdout); err != nil {
		return err
	}
	return how.text(a.stdout)
}

func printFront(out io.Writer, f report.Front, base map[string]string) error {
	if err := f.Text(out, base); err != nil || len(f.Rows) == 0 {
		return err
	}
	fmt.Fprintln(out)
	return f.Best(out, base)
}
