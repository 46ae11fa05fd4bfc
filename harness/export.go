package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results"
	"harness/results/export"
	"harness/results/report"
)

// tables are the kinds of exports that hold points, not one server.
var tables = map[string]func(export.Points, io.Writer) error{
	"json": export.Points.JSON, "csv": export.Points.CSV, "optuna": export.Points.Optuna,
}

func (a *app) exportCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "export",
		Usage: "take a measured config away: as a command, a container, a manifest, or a table",
		Description: "One point is chosen by --trial, --knee, --slo, --max or --min; without any it is the knee.\n" +
			"As a table (json, csv, optuna) it is all points, unless one is chosen.",
		Flags: []cli.Flag{
			studyFlag,
			&cli.StringFlag{Name: "as", Usage: strings.Join(export.Kinds(), ", ") + " (the engine's own config file), json, csv or optuna (a journal)", Value: "shell"},
			&cli.StringFlag{Name: "trial", Usage: "the config of trial `ID`"},
			&cli.BoolFlag{Name: "knee", Usage: "the front's point that is nearest to the best of both objectives (as logs, each from 0 to 1 over the front)"},
			&cli.StringFlag{Name: "slo", Usage: "the highest output tokens/s that keeps `METRIC=VALUE,...`, such as ttft_p99=0.5s,itl_p99=50ms"},
			&cli.StringFlag{Name: "max", Usage: "the highest `METRIC`, such as output_tps"},
			&cli.StringFlag{Name: "min", Usage: "the lowest `METRIC`, such as ttft_p99"},
			&cli.StringFlag{Name: "load", Usage: "only points measured at this `LOAD`, such as c16"},
			&cli.StringFlag{Name: "image", Usage: "the container `IMAGE`; the engine's own of the measured version by default"},
			&cli.StringFlag{Name: "host", Usage: "the `ADDRESS` to listen at, or that a container's port is published at", Value: "127.0.0.1"},
			&cli.IntFlag{Name: "port", Usage: "the `PORT`; the engine's usual one by default"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "write to `FILE`; - is stdout", Value: "-"},
		},
		Action: a.export,
	}, false)
}

func (a *app) export(c *cli.Context) error {
	kind := c.String("as")
	if tables[kind] == nil && !slices.Contains(export.Kinds(), kind) {
		return usagef("--as %s: there are %s, json, csv and optuna", kind, strings.Join(export.Kinds(), ", "))
	}
	if p := c.Int("port"); p < 0 || p > 65535 {
		return usagef("--port %d: must be from 1 to 65535", p)
	}
	how, err := readPick(c)
	if err != nil {
		return err
	}
	s, state, err := a.readStudy(c)
	if err != nil {
		return err
	}
	front, err := assessedFront(s, state)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if table := tables[kind]; table != nil {
		if how.given {
			row, _, err := how.row(front)
			if err != nil {
				return err
			}
			front.Rows = []report.Row{row}
		}
		err = table(pointsOf(s, state, front, !how.given), &text)
	} else {
		err = a.exportOne(c, s, state, front, how, &text)
	}
	if err != nil {
		return err
	}
	return a.writeOut(c.String("out"), kind, text.Bytes())
}

// exportOne writes the deployment of the point that was chosen.
func (a *app) exportOne(c *cli.Context, s *study.Study, state study.State, front report.Front, how pick, text *bytes.Buffer) error {
	row, why, err := how.row(front)
	if err != nil {
		return err
	}
	if s.Lock.Simulated && c.String("as") != "shell" {
		return fmt.Errorf("--as %s: study %s is simulated: no server was measured that could be deployed; --as shell writes the simulator's command", c.String("as"), s.Lock.ID)
	}
	i := slices.IndexFunc(state.Trials, func(t results.Trial) bool { return t.TrialID == row.TrialID })
	d, err := deploymentOf(s, state.Trials[i], placeOf(c))
	if err != nil {
		return err
	}
	d.Notes = append(a.provenance(s, row, why), d.Notes...)
	if c.String("out") != "-" || a.terminal {
		fmt.Fprintf(a.stderr, "%s at %s: %s\n", row.TrialID, row.LoadPoint, why)
	}
	return export.Write(text, c.String("as"), d)
}

// writeOut writes an export to stdout or to a file, a shell's as an executable.
func (a *app) writeOut(path, kind string, text []byte) error {
	if path == "-" {
		_, err := a.stdout.Write(text)
		return err
	}
	mode := os.FileMode(0o644)
	if kind == "shell" || kind == "docker" {
		mode = 0o755
	}
	return os.WriteFile(path, text, mode)
}
