package study

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Move is a change of what a study runs on that its user allowed: rows from then on
// were measured there.
type Move struct {
	At   time.Time `json:"at"`
	What []string  `json:"what"` // each with the value before and after
}

// onTheSpot returns the lock as it would be where another one was made: with its engine,
// machine and model, and all that decides what is asked and how it is measured left as
// it is.
func (l Lock) onTheSpot(other Lock) Lock {
	l.EngineVersion, l.Host, l.GPUs, l.ModelFiles = other.EngineVersion, other.Host, other.GPUs, other.ModelFiles
	l.Flags, l.Launch.Bin = other.Flags, other.Launch.Bin
	return l
}

// Moved says how what a study runs on differs from where another lock was made: the
// engine's version, program and flags, the model's files, the GPUs, the host.
func (l Lock) Moved(now Lock) []string { return l.Differences(l.onTheSpot(now)) }

// Settings are the differences that are none of these: what another command wants.
func (l Lock) Settings(now Lock) []string { return l.onTheSpot(now).Differences(now) }

// Move goes on where another lock was made, and records it. What the study asks stays as
// it is: its lattice, with the facts that it began with.
func (s *Study) Move(now Lock) error {
	unlock, err := s.Store.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	what := s.Lock.Moved(now)
	if len(what) == 0 {
		return nil
	}
	l := s.Lock.onTheSpot(now)
	l.Flags = s.Lock.Flags // the lattice was compiled for them
	l.Moves = append(slices.Clone(l.Moves), Move{time.Now().UTC().Truncate(time.Second), what})
	spec, err := os.ReadFile(filepath.Join(s.Store.Dir, specName))
	if err == nil {
		err = writeLock(s.Store.Dir, l, spec)
	}
	if err == nil {
		s.Lock = l
	}
	return err
}
