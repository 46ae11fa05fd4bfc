// Package study is the loop: it asks the search what to try, plans a trial, hands
// it to an executor, tells the search what came of it, and goes on where it was
// after an interruption.
//
// The flow is Create or Open -> Study.Run -> Study.Load for reports. In Run one
// goroutine owns all: next.go asks, queue.go orders what waits for devices, dispatch.go
// claims them, puts the plan on disk and starts its trial, loop.go records the row that
// comes back and tells the search. together.go tests whether trials may run beside each
// other before any does. A study has no state but its folder: the lockfile, the
// plans, and the parts that trials wrote. A plan without a row is a trial that was
// interrupted; what of it was measured still counts, and the rest is measured first.
package study

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"harness/results"
	"harness/space"
)

// Study is a search on disk.
type Study struct {
	Lock    Lock
	Spec    *space.Spec
	Lattice *space.Lattice
	Store   results.Store
}

// Create begins a study in a folder that is Vacant.
func Create(dir string, lock Lock, spec *space.Spec, lattice *space.Lattice) (*Study, error) {
	if _, err := os.ReadDir(dir); err == nil && !Vacant(dir) {
		return nil, fmt.Errorf("%s is not empty, and no study: name another folder with --study", dir)
	}
	s := &Study{Lock: lock, Spec: spec, Lattice: lattice, Store: results.Store{Dir: dir, StudyID: lock.ID}}
	if err := s.Store.Create(); err != nil {
		return nil, fmt.Errorf("create study: %w: name a folder that can be written with --study", err)
	}
	if err := writeLock(dir, lock, spec.Source); err != nil {
		return nil, fmt.Errorf("create study: %w: name a folder that can be written with --study", err)
	}
	return s, nil
}

// Open opens a study, and compiles its lattice from what it keeps: the spec and the
// facts of when it began.
func Open(dir string) (*Study, error) {
	lock, err := ReadLock(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, specName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("study %s: %w", dir, err)
	}
	spec, err := space.Parse(path, text)
	if err != nil {
		return nil, err
	}
	spec.Name = lock.Space
	lattice, err := spec.Compile(space.Options{Facts: lock.Facts, Tune: lock.Tune, Set: lock.Set, Flags: lock.KnownFlags()})
	if err != nil {
		return nil, fmt.Errorf("study %s: %w", dir, err)
	}
	if lattice.ID() != lock.LatticeID {
		return nil, fmt.Errorf("study %s: its space compiles to lattice %s, and the study was begun in %s: the file %s was changed, or another harness began it", dir, lattice.ID(), lock.LatticeID, specName)
	}
	return &Study{Lock: lock, Spec: spec, Lattice: lattice, Store: results.Store{Dir: dir, StudyID: lock.ID}}, nil
}

// Listed is a folder that is a study.
type Listed struct {
	Dir  string
	Lock Lock
}

// List returns the studies below root, the one that was begun last first; none where
// there is no such folder.
func List(root string) ([]Listed, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Listed
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if lock, err := ReadLock(dir); err == nil {
			list = append(list, Listed{dir, lock})
		}
	}
	slices.SortStableFunc(list, func(a, b Listed) int { return b.Lock.Created.Compare(a.Lock.Created) })
	return list, nil
}

// Newest returns the study below root that was begun last; "" where there is none.
func Newest(root string) (string, error) {
	list, err := List(root)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].Dir, nil
}

// State is what is on disk.
type State struct {
	Trials []results.Trial // by identifier, which is the order of launches
	Runs   []results.Run
	Bad    []*results.BadPart // damaged or foreign; their rows count as not measured
}

// Load reads a study's rows, but for those of the test of interference, which are no
// results.
func (s *Study) Load() (State, error) {
	all, err := s.load()
	state, _ := all.split()
	return state, err
}

func (s *Study) load() (State, error) {
	trials, bad, err := s.Store.Trials()
	if err != nil {
		return State{}, err
	}
	runs, badRuns, err := s.Store.Runs()
	if err != nil {
		return State{}, err
	}
	return State{Trials: trials, Runs: runs, Bad: append(bad, badRuns...)}, nil
}

// Default holds the text of each parameter's value in the engine's default config.
func (s *Study) Default() map[string]string {
	base := map[string]string{}
	for name, v := range s.Lattice.Config(s.Lattice.Default()) {
		base[name] = v.String()
	}
	return base
}

// A launch is one deliberate launch of a config: its own measurement (replicate 0), or
// a further one. An interruption or a passing fault makes further attempts at it, and
// no further launch.
type launch struct {
	config    string // ID
	replicate int
}

func launchOf(t results.Trial) launch { return launch{t.ConfigID, int(t.Replicate)} }

// config is what is known of one launch of a config from its trials.
type config struct {
	launch
	rank     space.Rank
	purpose  string
	reason   string
	source   string
	gain     float64
	success  float64
	attempts int
	faults   int    // passing ones
	began    string // the trial that began the launch under way; "": none is
	outcome  string // of the trials together: ok, failed, or cancelled = to be measured still
	trials   []results.Trial

	devices  int  // that a server takes; 0: not known, so all
	passed   int  // younger configs that began before it
	alone    bool // nothing runs beside it
	together int  // launches of the test that run at a time; 0: not the test's
}

// configs groups trials by launch, in the order in which these were first asked for.
func configs(trials []results.Trial) ([]*config, error) {
	byLaunch := map[launch]*config{}
	var list []*config
	for _, t := range trials {
		c := byLaunch[launchOf(t)]
		if c == nil {
			rank, err := space.ParseRank(t.Rank)
			if err != nil {
				return nil, fmt.Errorf("trial %s: %w", t.TrialID, err)
			}
			c = &config{launch: launchOf(t), rank: rank, purpose: t.Purpose, reason: t.Reason, outcome: results.Cancelled}
			byLaunch[c.launch] = c
			list = append(list, c)
		}
		c.add(t)
	}
	return list, nil
}

// Measured counts the configs that are done, failed ones included: those of the seed
// design, and those that a refinement asked for.
func Measured(trials []results.Trial) (seeds, asks int) {
	known, err := configs(trials)
	if err != nil {
		return 0, 0
	}
	for _, c := range known {
		switch {
		case c.outcome == results.Cancelled || c.replicate > 0:
		case c.purpose == Seed:
			seeds++
		default:
			asks++
		}
	}
	return seeds, asks
}
