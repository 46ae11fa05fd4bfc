package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/search/replay"
)

func (a *app) replayCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "replay",
		Usage: "run the search against a recorded table instead of a server, many times, with the truth known",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "table", Usage: "the table: a `FILE` .csv, .tsv or .parquet with a row for each config"},
			&cli.StringFlag{Name: "param", Usage: "the columns that are parameters, `NAME,NAME`: numbers are ordinal, all else categorical"},
			&cli.StringSliceFlag{Name: "min", Usage: "a `COLUMN` to minimise; with --max one or two in all"},
			&cli.StringSliceFlag{Name: "max", Usage: "a `COLUMN` to maximise"},
			&cli.StringFlag{Name: "status", Usage: "`COLUMN=VALUE`: rows with another value there failed"},
			&cli.StringFlag{Name: "infeasible", Usage: "make configs fail where this `CONDITION` on the parameters holds, such as \"tp == 8 and pp > 1\""},
			&cli.StringFlag{Name: "reference", Usage: "the hypervolume's reference point, `X,Y` in the objectives' units, those to minimise first"},
			&cli.StringFlag{Name: "method", Usage: "the methods to compare, `NAME,NAME`", Value: "hybrid,nsga2,random"},
			&cli.IntFlag{Name: "seeds", Usage: "runs of each method; they count on from --seed", Value: 20},
			&cli.IntFlag{Name: "budget", Usage: "asks of each run", Value: 64},
			&cli.StringFlag{Name: "noise-cv", Usage: "simulate noise: the coefficient of variation of a measurement of each objective, `CV,CV`"},
			&cli.BoolFlag{Name: "confirm", Usage: "with noise: let each run measure again what it doubts of its front, a quarter of --budget at most"},
			&cli.StringFlag{Name: "asks", Usage: "score asks of other programs too: a `FILE` with columns method, seed, ask, row (from 1) and perhaps ask_s"},
			&cli.StringFlag{Name: "out", Usage: "write a row for each ask to this Parquet `FILE`"},
			&cli.IntFlag{Name: "jobs", Usage: "runs at a time; 0 is one for each processor. The seconds of an ask are fair with 1 only"},
			seedFlag, jsonFlag,
		},
		Action: a.replay,
	}, false)
}

func (a *app) replay(c *cli.Context) error {
	problem, o, err := readReplay(c)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	var others []replay.Run
	if path := c.String("asks"); path != "" {
		asks, err := replay.ReadTable(path)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if others, err = problem.Asked(asks); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	var runs []replay.Run
	if len(o.Methods) > 0 {
		show := replayProgress{app: a, total: len(o.Methods) * o.Seeds, seeds: o.Seeds, done: map[string]int{}}
		o.Done = show.run
		runs, err = problem.Run(a.ctx, o)
		show.end()
		if err != nil {
			return err
		}
	}
	runs = append(runs, others...)
	if path := c.String("out"); path != "" {
		if err := problem.WriteCurves(path, runs); err != nil {
			return err
		}
	}
	report := problem.Report(o, runs)
	if c.Bool("json") {
		return a.printJSON(report)
	}
	return report.Text(a.stdout)
}

// readReplay reads the table and checks all that the flags say of it.
func readReplay(c *cli.Context) (*replay.Problem, replay.Options, error) {
	o := replay.Options{Seeds: c.Int("seeds"), Seed: c.Uint64("seed"), Budget: c.Int("budget"), Jobs: c.Int("jobs"), Methods: names(c.String("method"))}
	columns := replay.Columns{Params: names(c.String("param")), Minimise: c.StringSlice("min"), Maximise: c.StringSlice("max"),
		Status: c.String("status"), Infeasible: c.String("infeasible")}
	var err error
	if columns.Reference, err = numbers(c, "reference"); err != nil {
		return nil, o, err
	}
	if o.NoiseCV, err = numbers(c, "noise-cv"); err != nil {
		return nil, o, err
	}
	if c.Bool("confirm") {
		o.Confirm = (o.Budget + 3) / 4
	}
	switch {
	case c.String("table") == "":
		return nil, o, fmt.Errorf("--table FILE is needed: the recorded table")
	case len(columns.Params) == 0:
		return nil, o, fmt.Errorf("--param NAME,NAME is needed: the columns of the table that are parameters")
	case len(columns.Minimise)+len(columns.Maximise) == 0:
		return nil, o, fmt.Errorf("--min COLUMN and --max COLUMN say what is compared: one or two are needed")
	case len(o.Methods) == 0 && c.String("asks") == "":
		return nil, o, fmt.Errorf("--method NAME,NAME is needed: what is compared")
	}
	table, err := replay.ReadTable(c.String("table"))
	if err != nil {
		return nil, o, err
	}
	problem, err := replay.NewProblem(table, columns)
	if err != nil {
		return nil, o, err
	}
	return problem, o, problem.Check(o)
}

// names splits NAME,NAME; "" has none.
func names(text string) []string {
	var all []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// numbers reads a flag of the form X,Y; nil where it is not given.
func numbers(c *cli.Context, flag string) ([]float64, error) {
	var all []float64
	for _, text := range names(c.String(flag)) {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("--%s %q: write numbers with a comma between them, such as 0.1,0.05", flag, c.String(flag))
		}
		all = append(all, x)
	}
	return all, nil
}

// replayProgress tells of finished runs: in one live line on a terminal, else in a
// line for each method.
type replayProgress struct {
	*app
	total, seeds, finished int
	done                   map[string]int
}

func (p *replayProgress) run(r replay.Run) {
	p.finished++
	p.done[r.Method]++
	reached := "did not reach 95 % of the front"
	if n := r.N95(); n > 0 {
		reached = fmt.Sprintf("reached 95 %% of the front at ask %d of %d", n, len(r.Asks))
	}
	switch {
	case p.terminal:
		fmt.Fprintf(p.stderr, "\r\x1b[K[%d/%d] %s, seed %d, %s", p.finished, p.total, r.Method, r.Seed, reached)
	case p.done[r.Method] == p.seeds:
		fmt.Fprintf(p.stderr, "[%d/%d] %s: all %d runs\n", p.finished, p.total, r.Method, p.seeds)
	}
}

func (p *replayProgress) end() {
	if p.terminal {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
}
