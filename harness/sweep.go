package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/harness/study"
	"harness/search"
)

// defaultConcurrency is what a server gets where no flag says it.
const defaultConcurrency = 16

// studiesRoot is where studies lie that were not named.
const studiesRoot = "studies"

func (a *app) sweepCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "sweep",
		Usage: "enumerate the valid configs, and measure a seed set of them (all, where --trials is enough)",
		Flags: append(slices.Concat(latticeFlags, workloadFlags, machineFlags, protocolFlags),
			&cli.StringFlag{Name: "server-bin", Usage: "the engine's `PROGRAM`, where it is not on PATH"},
			&cli.StringFlag{Name: "launch", Usage: "start servers by this `TEMPLATE`, as in \"docker run --rm --net host --gpus device={gpus} IMAGE {argv}\"; no shell reads it"},
			&cli.StringSliceFlag{Name: "server-arg", Usage: "a further `ARGUMENT` for every server, repeatable: --server-arg=--trust-remote-code; secrets belong into the environment"},
			&cli.IntFlag{Name: "trials", Usage: "configs to measure", Value: 24},
			&cli.DurationFlag{Name: "budget", Usage: "begin no trial after this `TIME`, such as 30m; 0 is no bound"},
			&cli.StringFlag{Name: "concurrency", Usage: "requests in flight: one number, or a ladder such as 1,8,32 measured on each launch", Value: strconv.Itoa(defaultConcurrency)},
			&cli.StringFlag{Name: "rate", Usage: "requests a second, sent whatever has become of those before: one number, or a ladder such as 0.5,2,8"},
			&cli.BoolFlag{Name: "dry-run", Usage: "stop after the plan"},
			objectiveFlag, sloFlag, fromFlag,
			&cli.Float64Flag{Name: "gpu-price", Usage: "`PRICE` of an hour of one GPU, in any currency: runs get cost_per_million_tokens"},
			allowDriftFlag, studyFlag, seedFlag, plainFlag, jsonFlag),
		Action: a.sweep,
	}, false)
}

// sweepOptions are the values of sweep's own flags.
type sweepOptions struct {
	latticeOptions
	start      startOptions
	trials     int
	budget     time.Duration
	workload   load.Workload
	points     []bench.Point
	openLoop   bench.OpenLoop
	judged     judged
	from       string // as given; "": not
	gpuPrice   float64
	protocol   protocol
	allowDrift bool
	dir        string // "" = choose one
	seed       uint64
	machine    machineOptions
	dryRun     bool
	json       bool
}

func readSweepOptions(c *cli.Context) (sweepOptions, error) {
	o := sweepOptions{start: startOptions{bin: c.String("server-bin"), args: c.StringSlice("server-arg")}, trials: c.Int("trials"), budget: c.Duration("budget"), gpuPrice: c.Float64("gpu-price"), dir: c.String("study"),
		seed: c.Uint64("seed"), dryRun: c.Bool("dry-run"), allowDrift: c.Bool("allow-drift"), json: c.Bool("json")}
	if err := positive(c, "trials"); err != nil {
		return o, err
	}
	if o.budget < 0 {
		return o, usagef("--budget %v: must not be negative", o.budget)
	}
	var err error
	if o.latticeOptions, err = readLatticeOptions(c); err != nil {
		return o, err
	}
	if o.workload, err = readWorkload(c, load.Workload{Input: load.Fixed(defaultISL), Output: load.Fixed(defaultOSL), Seed: o.seed}); err != nil {
		return o, err
	}
	if o.points, err = readPoints(c, o.workload); err != nil {
		return o, err
	}
	if o.openLoop, err = readOpenLoop(c); err != nil {
		return o, err
	}
	if err := plannable(o.points, o.openLoop); err != nil {
		return o, err
	}
	o.from = c.String("from")
	if c.IsSet("from") && o.from == "" {
		return o, usagef("--from is empty: name folders of studies, or none")
	}
	if o.judged, err = readAim(c, judged{}); err != nil {
		return o, err
	}
	if o.protocol, err = readProtocol(c); err != nil {
		return o, err
	}
	if o.machine, err = readMachine(c); err != nil {
		return o, err
	}
	o.start.wrap, err = readLaunch(c.String("launch"))
	return o, err
}

func (a *app) sweep(c *cli.Context) error {
	a.plain = c.Bool("plain")
	o, err := readSweepOptions(c)
	if err != nil {
		return err
	}
	w, err := a.prepareSweep(o)
	if err != nil {
		return err
	}
	defer w.reservation.Release()
	o.machine.reservation = w.reservation
	if !o.json || o.dryRun {
		out := a.stderr
		if o.dryRun {
			out = a.stdout
		}
		if err := w.print(out, o.json); err != nil {
			return err
		}
	}
	if o.dryRun {
		return nil
	}
	if w.moved != nil {
		if err := a.move(w.study, *w.moved); err != nil {
			return err
		}
	}
	if w.study == nil {
		if w.study, err = study.Create(w.dir, w.lock, w.spec, w.lattice); err != nil {
			return err
		}
	}
	mode := search.SeedDesign
	if w.exhaustive() {
		mode = search.Exhaustive
	}
	return a.drive(w.study, study.Goal{Mode: mode, Purpose: study.Seed, Trials: o.trials, Budget: o.budget}, o.machine, o.json)
}
