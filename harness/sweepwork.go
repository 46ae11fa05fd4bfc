package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"harness/gpu"
	"harness/harness/load"
	"harness/harness/study"
	"harness/space"
)

// sweepWork is a sweep, ready to begin or to go on.
type sweepWork struct {
	options   sweepOptions
	chosen    chosen
	inventory gpu.Inventory
	lock      study.Lock
	spec      *space.Spec
	lattice   *space.Lattice
	source    *load.Source
	dir       string
	study     *study.Study // that goes on; nil: a new one
	moved     *study.Lock  // where it goes on, if that is elsewhere by --allow-drift
	measured  int          // configs that it has

	reservation *gpu.Reservation // nil: its servers need no GPU, or simulated ones
}

// exhaustive reports whether the sweep measures all of the lattice.
func (w *sweepWork) exhaustive() bool {
	return w.lattice.Count().Cmp(space.RankOf(uint64(w.options.trials))) <= 0
}

// prepareSweep finds the engine, compiles the lattice, and decides whether a study
// goes on or begins. Nothing is written but the reservation of its GPUs.
func (a *app) prepareSweep(o sweepOptions) (_ *sweepWork, err error) {
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return nil, err
	}
	w := &sweepWork{options: o, inventory: inventory}
	defer func() {
		if err != nil {
			w.reservation.Release()
		}
	}()
	if w.chosen, err = choose(a.ctx, o.latticeOptions, o.start, inventory); err != nil {
		return nil, err
	}
	if err := w.checkDevices(); err != nil {
		return nil, err
	}
	if err := o.judged.checkEnergy(o.gpuPrice, w.chosen.simulated || w.chosen.launch.Server.NeedsGPU, w.chosen.engine); err != nil {
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
			return w, w.goOn(a.ctx, candidate, old)
		}
		if o.dir != "" && !study.Vacant(o.dir) {
			if _, missing := os.Stat(filepath.Join(o.dir, study.LockName)); errors.Is(missing, fs.ErrNotExist) {
				err = fmt.Errorf("%s is not an empty folder, and no study: name another with --study", o.dir)
			}
			return nil, err
		}
	}
	return w, w.begin(a.ctx)
}

// goOn continues a study that asks and measures the same. One that was named must;
// else a new one begins.
func (w *sweepWork) goOn(ctx context.Context, dir string, old study.Lock) error {
	if err := w.compile(ctx, &old); err != nil {
		return err
	}
	w.lock.From = old.From
	if err := w.readFrom(); err != nil {
		return err
	}
	here := w.lock
	if err := allowed(dir, old, here, w.options.allowDrift); err != nil {
		if w.options.dir == "" {
			return w.begin(ctx)
		}
		return err
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
		return w.begin(ctx)
	}
	w.study, w.dir, w.lock, w.lattice, w.measured = s, dir, s.Lock, s.Lattice, done
	if len(old.Moved(here)) > 0 {
		w.moved = &here
	}
	return nil
}

func (w *sweepWork) begin(ctx context.Context) error {
	if err := w.compile(ctx, nil); err != nil {
		return err
	}
	w.dir = w.options.dir
	if w.dir == "" {
		w.dir = filepath.Join(studiesRoot, w.lock.Created.Local().Format("20060102-150405")+"-"+w.chosen.engine)
	}
	w.lock.ID = filepath.Base(w.dir)
	return w.readFrom()
}

// readFrom takes up the studies of --from; without it the lock's own stay.
func (w *sweepWork) readFrom() error {
	if w.options.from == "" {
		return nil
	}
	var err error
	w.lock.From, err = readFrom(w.options.from, w.lock)
	return err
}

// compile gathers the facts, and makes lattice and lock of them. Of a study that goes on
// the volatile facts stay; where it may go on elsewhere, all that its user did not set.
func (w *sweepWork) compile(ctx context.Context, old *study.Lock) error {
	o, flags := w.options, w.chosen.flags
	var err error
	if w.source, err = openWorkload(o.workload); err != nil {
		return err
	}
	inFlight := 0
	for _, p := range o.points {
		inFlight = max(inFlight, p.ConcurrencyGuess())
	}
	devices, err := w.reserve(ctx, old)
	if err != nil {
		return err
	}
	facts, err := gatherFacts(o.latticeOptions, w.chosen.simulated, w.chosen.launch.Model, devices, w.source.MostTokens(), inFlight)
	if err != nil {
		return err
	}
	if old != nil {
		keepFacts(facts, old.Facts, o)
		if o.allowDrift {
			flags = old.KnownFlags()
		}
	}
	if w.lattice, err = compileSpec(w.spec, o.latticeOptions, facts, flags); err != nil {
		return err
	}
	workload := w.source.Workload()
	workload.Text = workload.Text || !w.spec.Server.TokenIDs
	if workload.VocabLow == 0 && workload.VocabHigh == 0 {
		workload.VocabLow, workload.VocabHigh = vocabulary(w.spec.Server.Vocab, facts)
	}
	host, _ := os.Hostname()
	w.lock = study.Lock{
		Schema: study.LockVersion, Created: time.Now().UTC().Truncate(time.Second),
		Engine: w.chosen.engine, EngineVersion: w.chosen.version, Simulated: w.chosen.simulated,
		Space: w.spec.Name, SpaceHash: w.spec.Hash, LatticeID: w.lattice.ID(), Raw: w.lattice.Raw(), Valid: w.lattice.Count(),
		Facts: facts, Tune: o.tune, Set: o.set, Launch: w.chosen.launch,
		Flags:    w.chosen.knownFlags(),
		Workload: workload, WorkloadHash: workload.Hash(), OpenLoop: o.openLoop, LoadPoints: o.points,
		Objectives: o.judged.objectives, Limits: o.judged.limits, SLO: o.judged.slo, GPUPrice: o.gpuPrice, Seed: o.seed, Host: host, GPUs: w.gpus(devices),
	}
	if !w.lock.Simulated {
		w.lock.ModelFiles = modelFingerprint(w.lock.Launch.Model)
	}
	o.protocol.set(&w.lock)
	return nil
}

// compileSpec compiles a lattice; a name or value that the user got wrong is a usage
// error.
func compileSpec(spec *space.Spec, o latticeOptions, facts map[string]space.Value, flags map[string]bool) (*space.Lattice, error) {
	for _, name := range slices.Sorted(maps.Keys(o.facts)) {
		if !hasFact(spec, name) {
			var names []string
			for _, f := range spec.Facts {
				names = append(names, f.Name)
			}
			return nil, usagef("space %s has no fact %s: there are %s", spec.Name, name, strings.Join(names, ", "))
		}
	}
	lattice, err := spec.Compile(space.Options{Facts: facts, Tune: o.tune, Set: o.set, Flags: flags})
	var empty *space.EmptyError
	switch {
	case errors.As(err, &empty):
		return nil, fmt.Errorf("%w: widen --set, give other --fact or --device-num; `harness space show` lists rules and values", err)
	case err != nil:
		return nil, &exitError{exitUsage, err}
	}
	return lattice, nil
}

func hasFact(spec *space.Spec, name string) bool {
	return slices.ContainsFunc(spec.Facts, func(f space.Fact) bool { return f.Name == name })
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
	if !w.chosen.launch.Server.NeedsGPU {
		return nil
	}
	if err := w.inventory.Need(w.options.devices); err != nil {
		return fmt.Errorf("--device-num %d: %w", w.options.devices, err)
	}
	return nil
}

func (w *sweepWork) leasesGPUs() bool {
	return !w.chosen.simulated && w.chosen.launch.Server.NeedsGPU
}

// reserve picks the devices that the study's servers may use: those that a study which
// goes on has, or that are now in their place; of a new one such as nobody is on.
func (w *sweepWork) reserve(ctx context.Context, old *study.Lock) ([]gpu.Device, error) {
	w.reservation.Release()
	w.reservation = nil
	n := w.options.devices
	if !w.leasesGPUs() {
		return firstUsable(w.inventory, n), nil
	}
	want := gpu.Want{Devices: n}
	if old != nil {
		if was := replaced(old.GPUs, w.inventory.Usable()); len(was) == n {
			want.Of = uuidsOf(was)
		}
	}
	var err error
	if w.reservation, err = gpu.Reserve(ctx, gpu.LockDir(), w.inventory, want); err != nil {
		return nil, fmt.Errorf("--device-num %d: %w", n, err)
	}
	return w.reservation.Devices, nil
}

// gpus are the study's, none where its servers need none.
func (w *sweepWork) gpus(devices []gpu.Device) []study.GPU {
	var list []study.GPU
	if w.leasesGPUs() {
		for _, d := range devices {
			list = append(list, study.GPU{UUID: d.UUID, Name: d.Name})
		}
	}
	return list
}

func uuidsOf(gpus []study.GPU) []string {
	var list []string
	for _, g := range gpus {
		list = append(list, g.UUID)
	}
	return list
}
