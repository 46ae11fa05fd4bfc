// Package search decides which configurations of a lattice to measure next.
//
// A Searcher is asked for configurations (Ask) and told what came of them
// (Tell). What it asks for is one of four modes: the whole lattice (Exhaustive),
// a small design that covers it (SeedDesign), the offspring of the best so far
// (NSGA2), or uniform draws (Random). Two objectives count: less time to first
// token, TTFT, and more tokens per second, TPS.
//
// # State
//
// All that a Searcher knows is its Options, the set of (configuration, outcome)
// that it was told and the set of configurations that are pending: asked for and
// not yet told. The next ask is a function of these alone. Its random numbers
// come from the seed and from how many configurations are known, not from a
// generator that has moved on. So nothing has to be saved: telling a new Searcher
// the recorded history, in any order, makes it go on as the old one would have.
//
// A configuration is known by its rank in the lattice. No rank is ever asked for
// when it is pending or told already.
package search

import (
	"fmt"
	"math/rand/v2"

	"harness/space"
)

// Mode says how a Searcher chooses.
type Mode string

// The modes of a Searcher.
const (
	Exhaustive Mode = "exhaustive" // each configuration once, those that launch alike together; up to a million
	SeedDesign Mode = "seed"       // Budget configurations: the engine's default, then what covers most pairs of values
	NSGA2      Mode = "nsga2"      // offspring of the best told so far
	Random     Mode = "random"     // uniform, without replacement
	Hybrid     Mode = "hybrid"     // model
)

// Options are what a Searcher is made from.
type Options struct {
	Mode Mode   // must be given
	Seed uint64 // of all random numbers; 0 is a seed like any other

	// Budget is the number of trials that are wanted in all. SeedDesign stops
	// asking there; the other modes leave stopping to the caller.
	Budget int

	// Population is how many of the best configurations NSGA2 breeds from, at
	// least 2; 0 means an eighth of Budget, but no fewer than 8 nor more than 40.
	Population int

	// Limits are what a point must keep to count for the front. Each point that is
	// told must have their metrics.
	Limits []Limit
}

// An Ask is a configuration to measure.
type Ask struct {
	Rank    space.Rank
	Purpose string // what for: see the purposes
	Source  string // what chose it: see the sources
	Reason  string // why this one, in a few words for a person

	// Gain is the expected growth of the hypervolume of the front, as a share of
	// what it is, with failure allowed for; Success is the probability that it works.
	// They are 0 where no model was asked.
	Gain, Success float64
}

// The purposes of an Ask.
const (
	purposeSeed    = "seed"    // chosen before anything was measured
	purposeAsk     = "ask"     // chosen for what was measured
	purposeConfirm = "confirm" // measured before: another launch, to be surer of it
	purposeControl = "control" // uniform, so that the others can be held against it
)

// The sources of an Ask.
const (
	SourceOrder       = "order"       // the order of the lattice
	SourceDesign      = "design"      // the seed design
	SourceUniform     = "uniform"     // a uniform draw
	SourceEvolution   = "evolution"   // offspring of the best
	SourceModel       = "model"       // the highest expected gain
	SourceExploration = "exploration" // the least known
	SourceDoubt       = "doubt"       // what settles most doubts of the front
)

// Searcher chooses what to measure next. It is not safe for concurrent use.
type Searcher struct {
	seed    uint64
	history *history
	mode    proposer
}

// A proposer is one mode of choosing.
type proposer interface {
	// propose returns a configuration that is not known to h, or false when it
	// has none to offer. It depends on h and rng alone.
	propose(h *history, rng *rand.Rand) (Ask, bool)
}

// New returns a Searcher that has been told nothing. It fails on options that
// make no sense and on an Exhaustive search of more than a million configurations.
func New(l *space.Lattice, o Options) (*Searcher, error) {
	if o.Budget < 0 {
		return nil, fmt.Errorf("budget %d: want 0 trials or more", o.Budget)
	}
	if o.Population < 0 || o.Population == 1 {
		return nil, fmt.Errorf("population %d: want at least 2, or 0 for a default", o.Population)
	}
	for _, limit := range o.Limits {
		if err := limit.validate(); err != nil {
			return nil, err
		}
	}
	s := &Searcher{seed: o.Seed, history: newHistory(l, o.Limits)}
	switch o.Mode {
	case Exhaustive:
		tour, err := newTour(l)
		if err != nil {
			return nil, err
		}
		s.mode = tour
	case SeedDesign:
		s.mode = &design{lattice: l, seed: o.Seed, size: o.Budget, draws: poolSize}
	case NSGA2:
		s.mode = &evolution{lattice: l, size: populationSize(o)}
	case Hybrid:
		s.mode = newHybrid(l, o)
	case Random:
		s.mode = uniform{}
	default:
		return nil, fmt.Errorf("search mode %q: want %s, %s, %s or %s", o.Mode, Exhaustive, SeedDesign, NSGA2, Random)
	}
	return s, nil
}

// Ask returns up to n configurations that were never asked for or told, and
// makes them pending. There are fewer, or none, when the lattice or the design
// is exhausted. Ask(2) is the same as Ask(1) twice.
func (s *Searcher) Ask(n int) []Ask {
	var asks []Ask
	for len(asks) < n && !s.history.exhausted() {
		a, ok := s.mode.propose(s.history, stream(s.seed, uint64(s.history.known.len())))
		if !ok {
			break
		}
		s.history.hold(a.Rank)
		asks = append(asks, a)
	}
	return asks
}

// Hold makes a configuration pending that this Searcher did not ask for: a trial
// that was already under way when its study was resumed. Holding a known
// configuration changes nothing. It fails on a rank outside the lattice.
func (s *Searcher) Hold(rank space.Rank) error {
	if err := s.history.check(rank); err != nil {
		return err
	}
	s.history.hold(rank)
	return nil
}

// Tell records what came of a configuration, whether it was asked for or not.
// Told again, a configuration has the newer outcome. It fails on a rank outside
// the lattice and on an outcome that is none (see Outcome), and then changes nothing.
func (s *Searcher) Tell(rank space.Rank, o Outcome) error {
	if err := s.history.check(rank); err != nil {
		return err
	}
	if err := o.validate(s.history.limits); err != nil {
		return fmt.Errorf("configuration %s: %w", rank, err)
	}
	s.history.tell(rank, o)
	return nil
}

// Pending returns the configurations that were asked for, or held, and not yet
// told, oldest first.
func (s *Searcher) Pending() []space.Rank {
	return append([]space.Rank(nil), s.history.pending...)
}

// stream returns the random numbers of one decision of a search.
func stream(seed, decision uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, decision))
}
