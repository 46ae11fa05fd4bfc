package study

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harness/search"
)

// sourceStudy is a study with some rows.
func sourceStudy(t *testing.T, change func(*Lock)) *Study {
	t.Helper()
	spec := parseSpec(t, testSpec)
	lattice := compileSpec(t, spec)
	lock := testLock(spec, lattice)
	lock.ID, lock.Created = "source", time.Unix(1_700_000_000, 0).UTC()
	if change != nil {
		change(&lock)
	}
	s, err := Create(filepath.Join(t.TempDir(), "source"), lock, spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s, &fakeExecutor{}, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 12}, Complete)
	return s
}

// Rows of the same conditions count as if they had been measured here, and others as a
// prior; what a source measures later changes nothing.
func TestStudyBuildsOnOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Lock){"": nil, "GPU": func(l *Lock) { l.Host = "elsewhere" }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := sourceStudy(t, change)
			s := newStudy(t)
			source, err := NewSource(other.Store.Dir, s.Lock)
			if err != nil || source.Through != "t0012" || strings.Join(source.Differs, ",") != name {
				t.Fatalf("%+v, %v", source, err)
			}
			if err := s.Amend(func(l *Lock) { l.From = []Source{source} }); err != nil {
				t.Fatal(err)
			}
			run(t, reopen(t, s), &fakeExecutor{}, sweep, Complete)
			first := &fakeExecutor{}
			run(t, reopen(t, s), first, Goal{Mode: search.Hybrid, Purpose: Ask, Trials: 2}, Complete)
			a, err := reopen(t, s).Assess(stateOf(t, s), [2]float64{10, 1})
			if err != nil || len(a.From) != 1 || a.From[0].Points == 0 {
				t.Fatalf("%+v, %v", a.From, err)
			}
			if use := a.From[0]; name != "" && use.Kept != [2]bool{true, true} {
				t.Errorf("the same formula is dropped: %+v", use)
			}
			run(t, reopen(t, other), &fakeExecutor{}, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 14}, Complete)
			again, err := reopen(t, s).Assess(stateOf(t, s), [2]float64{10, 1})
			if err != nil || again.From[0].Points != a.From[0].Points {
				t.Errorf("the source grew, and counts %d points, not %d (%v)", again.From[0].Points, a.From[0].Points, err)
			}
			if err := os.Rename(other.Store.Dir, other.Store.Dir+"-away"); err != nil {
				t.Fatal(err)
			}
			_, err = reopen(t, s).Run(t.Context(), t.Context(), &fakeExecutor{}, refine, Watcher{})
			if err == nil || !strings.Contains(err.Error(), "builds on it") || !strings.Contains(err.Error(), "--from none") {
				t.Errorf("without its source: %v", err)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	here := fullLock()
	for want, change := range map[string]func(*Lock){
		"": func(l *Lock) { l.Seed, l.Host, l.Repeats = 9, "h2", 9 }, "engine": func(l *Lock) { l.Engine = "sglang" },
		"engine version": func(l *Lock) { l.EngineVersion = "9" }, "model": func(l *Lock) { l.Launch.Model = "x" },
		"workload": func(l *Lock) { l.WorkloadHash = "x" }, "arrivals": func(l *Lock) { l.OpenLoop.Pure = false },
		"load points": func(l *Lock) { l.LoadPoints = l.LoadPoints[:1] }, "GPU": func(l *Lock) { l.GPUs[0].Name = "H200" },
		"lattice": func(l *Lock) { l.LatticeID = "x" }, "limits of requests": func(l *Lock) { l.SLO.TTFTSeconds = 9 },
	} {
		other := fullLock()
		change(&other)
		if got := strings.Join(here.conditions(other), ","); got != want {
			t.Errorf("differs in %q, want %q", got, want)
		}
	}
}

func TestSourcesRefused(t *testing.T) {
	t.Parallel()
	s := newStudy(t)
	if _, err := NewSource(s.Store.Dir, s.Lock); err == nil || !strings.Contains(err.Error(), "cannot build on itself") {
		t.Errorf("itself: %v", err)
	}
	empty := newStudy(t)
	lock := s.Lock
	lock.ID = "another"
	if _, err := NewSource(empty.Store.Dir, lock); err == nil || !strings.Contains(err.Error(), "nothing was measured") {
		t.Errorf("empty: %v", err)
	}
	lock.Simulated = false
	if _, err := NewSource(empty.Store.Dir, lock); err == nil || !strings.Contains(err.Error(), "numbers never mix") {
		t.Errorf("simulated: %v", err)
	}
	if _, err := NewSource(t.TempDir(), lock); err == nil || !strings.Contains(err.Error(), "is not a study") {
		t.Errorf("no study: %v", err)
	}
}
