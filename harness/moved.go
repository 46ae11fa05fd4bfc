package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/harness/engine"
	"harness/harness/study"
	"harness/space"
)

var allowDriftFlag = &cli.BoolFlag{Name: "allow-drift", Usage: "go on although the engine's version, the model's files, the GPUs or the host have changed; study.json records it"}

// allowed refuses to go on with a study where another command would measure something
// else, or on something else without leave.
func allowed(dir string, old, now study.Lock, allowDrift bool) error {
	if old.ModelFiles == "" || now.ModelFiles == "" { // of an older harness, or not here
		old.ModelFiles = now.ModelFiles
	}
	all, moved := old.Differences(now), old.Moved(now)
	switch {
	case len(all) == 0:
		return nil
	case len(old.Settings(now)) > 0:
		return fmt.Errorf("study %s was begun with other settings:%s\nrepeat the command that began it, or name another folder with --study", dir, lines(all))
	case allowDrift:
		return nil
	}
	return fmt.Errorf("study %s was measured on something else:%s\nits numbers and new ones are not of one thing: begin another study with --study, or go on with --allow-drift, which records it", dir, lines(moved))
}

func lines(texts []string) string {
	all := ""
	for _, t := range texts {
		all += "\n  " + t
	}
	return all
}

// sameMachine refuses to go on with a study where its engine, its model or its machine
// are not what they were, unless that is allowed: then the study records it.
func (a *app) sameMachine(s *study.Study, allowDrift bool) error {
	now, err := a.here(s.Lock)
	if err != nil {
		return err
	}
	if err := allowed(s.Store.Dir, s.Lock, now, allowDrift); err != nil {
		return err
	}
	return a.move(s, now)
}

// move goes on with a study here, and says so where that is elsewhere.
func (a *app) move(s *study.Study, now study.Lock) error {
	for _, what := range s.Lock.Moved(now) {
		fmt.Fprintf(a.stderr, "warning: the study goes on although this has changed: %s\n", what)
	}
	return s.Move(now)
}

// here is a study's lock as this machine would make it.
func (a *app) here(l study.Lock) (study.Lock, error) {
	host, err := os.Hostname()
	if err != nil || l.Simulated {
		return l, err
	}
	l.Host = host
	if files := modelFingerprint(l.Launch.Model); files != "" && l.ModelFiles != "" {
		l.ModelFiles = files
	}
	if l.Launch.Wrap == nil {
		if l.EngineVersion, err = engine.Version(a.ctx, l.Launch); err != nil {
			return l, fmt.Errorf("the study's engine cannot be asked for its version: %w", err)
		}
	}
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return l, err
	}
	l.GPUs = replaced(l.GPUs, inventory.Usable())
	return l, nil
}

// replaced are a study's GPUs: those of them that are usable now, and in place of the
// others the first that are.
func replaced(was []study.GPU, usable []gpu.Device) []study.GPU {
	var list []study.GPU
	has := func(uuid string) func(gpu.Device) bool { return func(d gpu.Device) bool { return d.UUID == uuid } }
	spare := slices.DeleteFunc(slices.Clone(usable), func(d gpu.Device) bool {
		return slices.ContainsFunc(was, func(g study.GPU) bool { return g.UUID == d.UUID })
	})
	for _, g := range was {
		switch i := slices.IndexFunc(usable, has(g.UUID)); {
		case i >= 0:
			list = append(list, study.GPU{UUID: usable[i].UUID, Name: usable[i].Name})
		case len(spare) > 0:
			list = append(list, study.GPU{UUID: spare[0].UUID, Name: spare[0].Name})
			spare = spare[1:]
		}
	}
	return list
}

// settingFacts are those that the command's flags make; the others follow from machine
// and model.
var settingFacts = []string{"device_num", "tokens_per_request", "target_concurrency"}

// keepFacts takes over the facts that a study keeps when it goes on.
func keepFacts(facts, old map[string]space.Value, o sweepOptions) {
	for name, v := range old {
		_, set := o.facts[name]
		if slices.Contains(volatile, name) || o.allowDrift && !set && !slices.Contains(settingFacts, name) {
			facts[name] = v
		}
	}
}
