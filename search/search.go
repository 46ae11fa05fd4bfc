// Package search decides which configurations of a lattice to measure next.
//
// A Searcher is asked for configurations (Ask) and told what came of them
// (Tell). What it asks for is one of five modes: the whole lattice (Exhaustive), a
// small design that covers it (SeedDesign), the offspring of the best so far
// (NSGA2), what a model of the objectives expects to add most to the front
// (Hybrid), or uniform draws (Random). Two objectives count: less time to first
// token, TTFT, and more tokens per second, TPS. At the end Confirm asks for second
// launches of what the front depends on, and Front says how sure each point is.
//
// # The stages of Hybrid
//
//	told -> samples          record.go, samples.go: launches combined, costs as logarithms
//	samples -> outlook       features.go, prior.go, gp: models of costs, limits, success, seconds
//	outlook -> view          outlook.go: draws of what the front may be
//	lattice -> prospects     prospects.go: all of it where it is small
//	prospects -> Ask         acquire.go, ehvi.go, hybrid.go: the most expected gain
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
// A configuration is known by its rank in the lattice. Ask never gives a rank that
// is pending or told already; Confirm gives only told ones.
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
	Hybrid     Mode = "hybrid"     // a small seed design, then what a Gaussian process expects to add most to the front
)

// Options are what a Searcher is made from.
type Options struct {
	Mode Mode   // must be given
	Seed uint64 // of all random numbers; 0 is a seed like any other

	// Budget is the number of trials that are wanted in all. SeedDesign stops
	// asking there; the other modes leave stopping to the caller.
	Budget int

	// Population is how many of the best configurations NSGA2 breeds from, at
	// least 2; 0 means an eighth of Budget, but no fewer than 8 nor more than 40. The
	// first twice as many trials are uniform draws.
	Population int

	// Limits are what a point must keep to count for the front. Each point that is
	// told must have their metrics.
	Limits []Limit

	// Memory estimates how much memory a configuration needs, in any unit; nil where
	// there is no estimate. It need not be exact: of configurations that run out of
	// memory, Hybrid learns from what estimate on they do. Its argument is only lent,
	// and it is called by several goroutines at once.
	Memory func(space.Point) float64

	// Prior is what other studies measured. Only Hybrid makes use of it.
	Prior []Prior

	// Reference is up to where Front counts dominated area; the zero value: up to one
	// inferred from what was measured. It changes no ask.
	Reference Reference

	// Control is the share of asks that are uniform draws instead, from 0 to less
	// than 1, so that it can be said whether choosing helped: see NewBenefit.
	Control float64
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
	purposeSeed    = "seed"    // of a sweep: SeedDesign or Exhaustive
	purposeAsk     = "ask"     // of a search: the other modes
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
	SourceExploration = "exploration" // where least is known
	SourceDoubt       = "doubt"       // what settles most doubts of the front
)

// Searcher chooses what to measure next. It is not safe for concurrent use.
type Searcher struct {
	seed    uint64
	control float64
	history *history
	encoder *encoder
	mode    proposer

	reference Reference // of Front
	doubts    *doubt    // of the history's version doubted; nil = not computed
	doubted   int
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
	if o.Control < 0 || !(o.Control < 1) {
		return nil, fmt.Errorf("control share %v: want 0 or more and less than 1, such as 0.2", o.Control)
	}
	for _, limit := range o.Limits {
		if err := limit.validate(); err != nil {
			return nil, err
		}
	}
	for _, prior := range o.Prior {
		if err := prior.validate(); err != nil {
			return nil, err
		}
	}
	if r := o.Reference; r != (Reference{}) && !(positive(r.TTFT) && positive(r.TPS)) {
		return nil, fmt.Errorf("reference of TTFT %v s at %v tokens/s: want both finite and above 0", r.TTFT, r.TPS)
	}
	s := &Searcher{seed: o.Seed, control: o.Control, reference: o.Reference, history: newHistory(l, o.Limits), encoder: newEncoder(l)}
	s.encoder.memory = o.Memory
	s.history.background = newBackground(o.Prior, s.encoder, o.Seed)
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
		s.mode = newHybrid(s.encoder, s.history, o)
	case Random:
		s.mode = uniform{}
	default:
		return nil, fmt.Errorf("search mode %q: want %s, %s, %s, %s or %s", o.Mode, Exhaustive, SeedDesign, NSGA2, Random, Hybrid)
	}
	return s, nil
}

// Ask returns up to n configurations that were never asked for or told, and
// makes them pending. There are fewer, or none, when the lattice or the design
// is exhausted. Ask(2) is the same as Ask(1) twice. Hybrid takes what is pending as
// about to be known, in time that grows with the cube of how many are told and
// pending: ask it for as many as are launched at a time, not for hundreds.
func (s *Searcher) Ask(n int) []Ask {
	var asks []Ask
	for len(asks) < n && !s.history.exhausted() {
		n := s.history.known.len()
		propose := s.mode.propose
		if isControl(n, s.control) {
			propose = control
		}
		a, ok := propose(s.history, stream(s.seed, uint64(n)))
		if !ok {
			break
		}
		s.history.hold(a.Rank)
		asks = append(asks, a)
	}
	return asks
}

// Done reports whether asking on is of no use, and why: every configuration was
// measured, the seed design is complete, or no configuration that is left is
// expected to add more than a thousandth to the hypervolume of the front. It is
// false while anything is pending. What is asked for all the same is as good as
// any: Done never changes an ask.
func (s *Searcher) Done() (reason string, done bool) {
	h := s.history
	if len(h.unmeasured()) > 0 {
		return "", false
	}
	if h.exhausted() {
		return "every configuration of the lattice was measured", true
	}
	if m, ok := s.mode.(finisher); ok {
		return m.finished(h)
	}
	return "", false
}

// A finisher is a mode that may come to an end before the lattice does.
type finisher interface {
	finished(h *history) (reason string, done bool)
}

// Hold makes a configuration pending that this Searcher did not ask for: a trial
// that was already under way when its study was resumed. One that was told is
// being launched again. Holding a pending configuration changes nothing. It fails
// on a rank outside the lattice.
func (s *Searcher) Hold(rank space.Rank) error {
	if err := s.history.check(rank); err != nil {
		return err
	}
	s.history.hold(rank)
	return nil
}

// Tell records what came of one launch of a configuration, whether it was asked
// for or not. Told again, it is another launch: the means over launches count. It
// fails on a rank outside the lattice and on an outcome that is none (see
// Outcome), and then changes nothing.
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
// told since, oldest first.
func (s *Searcher) Pending() []space.Rank {
	return append([]space.Rank(nil), s.history.pending...)
}

// stream returns the random numbers of one decision of a search.
func stream(seed, decision uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, decision))
}
