package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/harness/load"
	"harness/harness/study"
	"harness/results/report"
	"harness/search"
	"harness/space"
)

// What a run asks for where the flags do not say.
const (
	defaultISL         = 512
	defaultOSL         = 64
	defaultConcurrency = 16
)

// studiesRoot is where studies lie that were not named.
const studiesRoot = "studies"

func (a *app) sweepCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "sweep",
		Usage: "enumerate the valid configs, and measure a seed set of them (all, where --trials is enough)",
		Flags: append(slices.Clone(latticeFlags),
			&cli.StringFlag{Name: "server-bin", Usage: "the engine's `PROGRAM`, where it is not on PATH"},
			&cli.StringFlag{Name: "launch", Usage: "start servers by this `TEMPLATE`, as in \"docker run --rm --net host --gpus device={gpus} IMAGE {argv}\"; no shell reads it"},
			&cli.IntFlag{Name: "trials", Usage: "configs to measure", Value: 24},
			&cli.DurationFlag{Name: "budget", Usage: "begin no trial after this `TIME`, such as 30m; 0 is no bound"},
			&cli.StringFlag{Name: "concurrency", Usage: "requests in flight: one number, or a ladder such as 1,8,32 measured on each launch", Value: strconv.Itoa(defaultConcurrency)},
			&cli.IntFlag{Name: "isl", Usage: "prompt `TOKENS` of each request", Value: defaultISL},
			&cli.IntFlag{Name: "osl", Usage: "output `TOKENS` of each request", Value: defaultOSL},
			&cli.IntFlag{Name: "repeats", Usage: "runs at each load point", Value: 3},
			&cli.BoolFlag{Name: "dry-run", Usage: "stop after the plan"},
			studyFlag, seedFlag, jsonFlag),
		Action: a.sweep,
	}, false)
}

// sweepOptions are the values of sweep's own flags.
type sweepOptions struct {
	latticeOptions
	bin         string
	wrap        []string
	trials      int
	budget      time.Duration
	concurrency []int
	isl, osl    int
	repeats     int
	dir         string // "" = choose one
	seed        uint64
	dryRun      bool
	json        bool
}

func readSweepOptions(c *cli.Context) (sweepOptions, error) {
	o := sweepOptions{bin: c.String("server-bin"), trials: c.Int("trials"), budget: c.Duration("budget"),
		isl: c.Int("isl"), osl: c.Int("osl"), repeats: c.Int("repeats"), dir: c.String("study"),
		seed: c.Uint64("seed"), dryRun: c.Bool("dry-run"), json: c.Bool("json")}
	if err := positive(c, "trials", "isl", "osl", "repeats"); err != nil {
		return o, err
	}
	if o.budget < 0 {
		return o, usagef("--budget %v: must not be negative", o.budget)
	}
	var err error
	if o.latticeOptions, err = readLatticeOptions(c); err != nil {
		return o, err
	}
	if o.concurrency, err = readConcurrency(c.String("concurrency")); err != nil {
		return o, err
	}
	o.wrap, err = readLaunch(c.String("launch"))
	return o, err
}

func (a *app) sweep(c *cli.Context) error {
	o, err := readSweepOptions(c)
	if err != nil {
		return err
	}
	w, err := a.prepareSweep(o)
	if err != nil {
		return err
	}
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
	if w.study == nil {
		if w.study, err = study.Create(w.dir, w.lock, w.spec, w.lattice); err != nil {
			return err
		}
	}
	mode := search.SeedDesign
	if w.exhaustive() {
		mode = search.Exhaustive
	}
	return a.drive(w.study, study.Goal{Mode: mode, Purpose: study.Seed, Trials: o.trials, Budget: o.budget}, o.json)
}

// sweepWork is a sweep, ready to begin or to go on.
type sweepWork struct {
	options   sweepOptions
	chosen    chosen
	inventory gpu.Inventory
	lock      study.Lock
	spec      *space.Spec
	lattice   *space.Lattice
	dir       string
	study     *study.Study // that goes on; nil: a new one
	measured  int          // configs that it has
}

// exhaustive reports whether the sweep measures all of the lattice.
func (w *sweepWork) exhaustive() bool {
	return w.lattice.Count().Cmp(space.RankOf(uint64(w.options.trials))) <= 0
}

// prepareSweep finds the engine, compiles the lattice, and decides whether a study
// goes on or begins. Nothing is written.
func (a *app) prepareSweep(o sweepOptions) (*sweepWork, error) {
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return nil, err
	}
	w := &sweepWork{options: o, inventory: inventory}
	if w.chosen, err = choose(a.ctx, o.latticeOptions, o.bin, o.wrap, inventory); err != nil {
		return nil, err
	}
	if err := w.checkDevices(); err != nil {
		return nil, err
	}
	w.spec = w.chosen.spec
	candidate := o.dir
	if candidate == "" {
		if candidate, err = study.Newest(studiesRoot); err != nil {
			return nil, err
		}
	}
	if candidate != "" {
		old, err := study.ReadLock(candidate)
		if err == nil {
			return w, w.goOn(candidate, old)
		}
		if !o.mayCreate(candidate) {
			return nil, err
		}
	}
	return w, w.begin()
}

// mayCreate reports whether a study can begin in a folder.
func (o sweepOptions) mayCreate(dir string) bool {
	entries, err := os.ReadDir(dir)
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0
}

// goOn continues a study that asks and measures the same. One that was named must;
// else a new one begins.
func (w *sweepWork) goOn(dir string, old study.Lock) error {
	if err := w.compile(old.Facts); err != nil {
		return err
	}
	diffs := old.Differences(w.lock)
	if len(diffs) > 0 {
		if w.options.dir == "" {
			return w.begin()
		}
		text := ""
		for _, d := range diffs {
			text += "\n  " + d
		}
		return fmt.Errorf("study %s was begun with other settings:%s\nrepeat the command that began it, or name another folder with --study", dir, text)
	}
	s, err := study.Open(dir)
	if err != nil {
		return err
	}
	state, err := s.Load()
	if err != nil {
		return err
	}
	done, refined := study.Measured(state.Trials)
	complete := done >= w.options.trials || w.exhaustive() && w.lattice.Count().Cmp(space.RankOf(uint64(done))) <= 0
	if w.options.dir == "" && (complete || refined > 0) {
		return w.begin()
	}
	w.study, w.dir, w.lock, w.lattice, w.measured = s, dir, s.Lock, s.Lattice, done
	return nil
}

func (w *sweepWork) begin() error {
	if err := w.compile(nil); err != nil {
		return err
	}
	w.dir = w.options.dir
	if w.dir == "" {
		w.dir = filepath.Join(studiesRoot, w.lock.Created.Local().Format("20060102-150405")+"-"+w.chosen.engine)
	}
	w.lock.ID = filepath.Base(w.dir)
	return nil
}

// compile gathers the facts, with the volatile ones of a study that goes on, and
// makes lattice and lock of them.
func (w *sweepWork) compile(old map[string]space.Value) error {
	o := w.options
	facts, err := gatherFacts(o.latticeOptions, w.chosen.simulated, w.chosen.launch.Model, w.inventory, o.isl+o.osl, slices.Max(o.concurrency))
	if err != nil {
		return err
	}
	for _, name := range volatile {
		if v, ok := old[name]; ok {
			facts[name] = v
		}
	}
	if w.lattice, err = compileSpec(w.spec, o.latticeOptions, facts); err != nil {
		return err
	}
	workload := load.Workload{InputTokens: o.isl, OutputTokens: o.osl, Seed: o.seed, Text: !w.spec.Server.TokenIDs}
	workload.VocabLow, workload.VocabHigh = vocabulary(w.spec.Server.Vocab, facts)
	host, _ := os.Hostname()
	w.lock = study.Lock{
		Schema: study.LockVersion, Created: time.Now().UTC().Truncate(time.Second),
		Engine: w.chosen.engine, EngineVersion: w.chosen.version, Simulated: w.chosen.simulated,
		Space: w.spec.Name, SpaceHash: w.spec.Hash, LatticeID: w.lattice.ID(), Raw: w.lattice.Raw(), Valid: w.lattice.Count(),
		Facts: facts, Tune: o.tune, Set: o.set, Launch: w.chosen.launch,
		Workload: workload, WorkloadHash: workload.Hash(), Concurrency: o.concurrency, Repeats: o.repeats,
		Objectives: report.Objectives, Seed: o.seed, Host: host, GPUs: w.gpus(),
	}
	return nil
}

// compileSpec compiles a lattice; a name or value that the user got wrong is a usage
// error.
func compileSpec(spec *space.Spec, o latticeOptions, facts map[string]space.Value) (*space.Lattice, error) {
	lattice, err := spec.Compile(space.Options{Facts: facts, Tune: o.tune, Set: o.set})
	var empty *space.EmptyError
	if err != nil && !errors.As(err, &empty) {
		return nil, &exitError{exitUsage, err}
	}
	return lattice, err
}

// vocabulary is the range of token ids for random prompts: the engine's safe range,
// cut to the model's vocabulary where that is known.
func vocabulary(safe [2]int, facts map[string]space.Value) (low, high int) {
	low, high = safe[0], safe[1]
	if v, ok := facts["vocab_size"]; ok {
		if n, ok := v.AsInt(); ok && n > 0 {
			high = min(high, int(n))
			low = min(low, high/4)
		}
	}
	return low, high
}

func (w *sweepWork) checkDevices() error {
	n := len(w.inventory.Usable())
	if !w.chosen.launch.Server.NeedsGPU || w.options.devices <= n {
		return nil
	}
	why := w.inventory.Reason
	if n > 0 {
		why = fmt.Sprintf("%s can be used", plural(n, "GPU"))
	}
	return fmt.Errorf("--device-num %d, but %s: see `harness gpu`", w.options.devices, why)
}

// gpus are the devices that the study's servers may use: the first usable ones.
func (w *sweepWork) gpus() []study.GPU {
	var list []study.GPU
	if w.chosen.simulated || !w.chosen.launch.Server.NeedsGPU {
		return list
	}
	for _, d := range w.inventory.Usable()[:w.options.devices] {
		list = append(list, study.GPU{UUID: d.UUID, Name: d.Name})
	}
	return list
}
