package study

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"harness/results"
	"harness/search"
)

// Source is another study that a study builds on. Its rows up to a trial count, so that
// the same asks follow however it grows.
type Source struct {
	Dir     string `json:"dir"` // absolute
	ID      string `json:"id"`
	Through string `json:"through"` // the last trial that counts

	// Differs says under which other conditions it was measured. Where it is empty its
	// rows count as if they had been measured here; else as a prior, of which only the
	// shape counts, and that as long as it fits.
	Differs []string `json:"differs,omitempty"`
}

// NewSource looks at the study in dir as one for a study with lock l to build on.
func NewSource(dir string, l Lock) (Source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Source{}, err
	}
	other, err := Open(abs)
	if err != nil {
		return Source{}, err
	}
	if other.Lock.Simulated != l.Simulated {
		kind := map[bool]string{true: "simulated", false: "measured"}
		return Source{}, fmt.Errorf("study %s is %s, and this one is %s: their numbers never mix", dir, kind[other.Lock.Simulated], kind[l.Simulated])
	}
	if other.Lock.ID == l.ID && other.Lock.Created.Equal(l.Created) {
		return Source{}, fmt.Errorf("study %s cannot build on itself", dir)
	}
	state, err := other.Load()
	if err != nil {
		return Source{}, err
	}
	if seeds, asks := Measured(state.Trials); seeds+asks == 0 {
		return Source{}, fmt.Errorf("study %s: nothing was measured in it yet", dir)
	}
	return Source{Dir: abs, ID: other.Lock.ID, Through: state.Trials[len(state.Trials)-1].TrialID, Differs: l.conditions(other.Lock)}, nil
}

// conditions names those in which another study was measured otherwise, so that its
// values say nothing here.
func (l Lock) conditions(other Lock) []string {
	var names []string
	for _, c := range []struct {
		name string
		a, b any
	}{
		{"engine", l.Engine, other.Engine}, {"engine version", l.EngineVersion, other.EngineVersion},
		{"model", l.Launch.Model, other.Launch.Model}, {"workload", l.WorkloadHash, other.WorkloadHash},
		{"arrivals", l.OpenLoop, other.OpenLoop}, {"load points", l.LoadPoints, other.LoadPoints},
		{"GPU", l.hardware(), other.hardware()}, {"lattice", l.LatticeID, other.LatticeID},
		{"limits of requests", l.SLO, other.SLO},
	} {
		if !reflect.DeepEqual(c.a, c.b) {
			names = append(names, c.name)
		}
	}
	return names
}

// hardware is what makes a machine as fast as it is, as far as a lock knows it: its
// GPUs, and of a machine without any, its name.
func (l Lock) hardware() string {
	if len(l.GPUs) == 0 {
		return l.Host
	}
	var names []string
	for _, g := range l.GPUs {
		names = append(names, g.Name)
	}
	return strings.Join(names, ", ")
}

// prior is what a source measured, by the aim of the study that builds on it.
func (o Source) prior(aim results.Aim) (search.Prior, error) {
	s, err := Open(o.Dir)
	if err != nil {
		return search.Prior{}, fmt.Errorf("%w: this study builds on it; bring it back, or go on without it: `harness refine --from none`", err)
	}
	if s.Lock.ID != o.ID {
		return search.Prior{}, fmt.Errorf("%s is study %s, and this one builds on study %s that was there: bring that back, or go on without it: `harness refine --from none`", o.Dir, s.Lock.ID, o.ID)
	}
	state, err := s.Load()
	if err != nil {
		return search.Prior{}, err
	}
	state.Trials = slices.DeleteFunc(state.Trials, func(t results.Trial) bool { return t.TrialID > o.Through })
	known, err := configs(state.Trials)
	if err != nil {
		return search.Prior{}, err
	}
	p := search.Prior{Lattice: s.Lattice, Elsewhere: len(o.Differs) > 0}
	for _, c := range known {
		if c.outcome != results.Cancelled {
			p.Told = append(p.Told, search.Told{Rank: c.rank, Outcome: outcomeOf(c, state.Runs, aim)})
		}
	}
	return p, nil
}

// priors are those of all sources.
func (s *Study) priors(aim results.Aim) ([]search.Prior, error) {
	var list []search.Prior
	for _, source := range s.Lock.From {
		p, err := source.prior(aim)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// usesOf tells what became of the sources.
func usesOf(sources []Source, fits []search.PriorFit) []results.SourceUse {
	var uses []results.SourceUse
	for i, f := range fits {
		uses = append(uses, results.SourceUse{Study: sources[i].ID, Differs: sources[i].Differs, Points: f.Usable,
			Compared: f.Compared, Correlation: f.Correlation, Kept: f.Kept})
	}
	return uses
}
