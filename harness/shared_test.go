package main

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"harness/results"
)

// sharedArgs is a sweep of a small lattice whose servers take one to eight simulated
// GPUs, several trials at a time.
func sharedArgs(dir string, trials string) []string {
	return []string{"sweep", "--engine", "sim", "--device-num", "8", "--tune", "tp_size,schedule_policy", "--trust-parallel",
		"--trials", trials, "--repeats", "1", "--isl", "16", "--osl", "8", "--concurrency", "2", "--study", dir}
}

// trialsOf are a study's rows that say when a trial had which devices.
func trialsOf(t *testing.T, dir string) []results.Trial {
	t.Helper()
	trials, bad, err := (results.Store{Dir: dir}).Trials()
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	return slices.DeleteFunc(trials, func(tr results.Trial) bool { return len(tr.GPUs) == 0 })
}

// wantNoneLeasedTwice fails where two trials had a device at the same time. It returns
// how many pairs of them ran at the same time.
func wantNoneLeasedTwice(t *testing.T, trials []results.Trial) (together int) {
	t.Helper()
	end := func(tr results.Trial) time.Time {
		return tr.StartedAt.Add(time.Duration(tr.TotalSeconds * float64(time.Second)))
	}
	for i, a := range trials {
		for _, b := range trials[:i] {
			if !a.StartedAt.Before(end(b)) || !b.StartedAt.Before(end(a)) {
				continue
			}
			together++
			for _, uuid := range a.GPUs {
				if slices.Contains(b.GPUs, uuid) {
					t.Errorf("%s was leased to %s of %s and to %s of %s", uuid, a.TrialID, a.StudyID, b.TrialID, b.StudyID)
				}
			}
		}
	}
	return together
}

// Two harnesses on one machine share eight simulated GPUs. One of them is killed, and
// given again.
func TestTwoHarnessesShareDevices(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	first := startCommand(t, dir, nil, sharedArgs("a", "10")...)
	second := startCommand(t, dir, nil, sharedArgs("b", "10")...)
	first.line("[2/10]")
	if err := syscall.Kill(first.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if status := first.status(); status != -int(syscall.SIGKILL) {
		t.Fatalf("exit %d", status)
	}
	again := startCommand(t, dir, nil, sharedArgs("a", "10")...)
	for _, c := range []*invocation{again, second} {
		if status := c.status(); status != 0 && status != exitFailedTrials {
			t.Errorf("exit %d", status)
		}
	}
	all := slices.Concat(trialsOf(t, filepath.Join(dir, "a")), trialsOf(t, filepath.Join(dir, "b")))
	together := wantNoneLeasedTwice(t, all)
	if together == 0 {
		t.Error("no two trials ran at the same time: the test shows nothing")
	}
	for _, name := range []string{"a", "b"} {
		if _, err := checkStudy(filepath.Join(dir, name), false); err != nil {
			t.Error(err)
		}
	}
}

// A sweep with several trials under way that is interrupted, or killed, leaves no
// process, and goes on where it was.
func TestParallelSweepEnds(t *testing.T) {
	t.Parallel()
	needProc(t)
	for name, tt := range map[string]struct {
		end    func(c *invocation)
		status int
	}{
		"interrupted": {func(c *invocation) { c.signal(syscall.SIGINT) }, exitInterrupted},
		"killed":      {func(c *invocation) { c.cmd.Process.Kill() }, -int(syscall.SIGKILL)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := append(sharedArgs("s", "10"), "--set", "tp_size=1,2", "--server-arg=--sim-startup-s", "--server-arg=0.5")
			c := startCommand(t, dir, nil, args...)
			waitFor(t, "several trials under way", func() bool {
				plans, _ := filepath.Glob(filepath.Join(dir, "s", "plans", "*.json"))
				rows, _ := filepath.Glob(filepath.Join(dir, "s", "trials", "*.parquet"))
				return len(plans) >= len(rows)+3 && len(rows) > 0
			})
			tt.end(c)
			if status := c.status(); status != tt.status {
				t.Fatalf("exit %d, want %d", status, tt.status)
			}
			waitFor(t, "no process to be left", func() bool { return len(c.alive()) == 0 })
			again := startCommand(t, dir, nil, args...)
			if status := again.status(); status != 0 && status != exitFailedTrials {
				t.Fatalf("the same command again: exit %d", status)
			}
			p, err := checkStudy(filepath.Join(dir, "s"), false)
			if err != nil {
				t.Fatal(err)
			}
			cancelled := 0
			for _, tr := range p.trials {
				if tr.Outcome == results.Cancelled {
					cancelled++
				}
			}
			if cancelled == 0 || len(p.trials) != 10+cancelled { // on a busy machine some end meanwhile
				t.Errorf("%d trials, %d of them cancelled", len(p.trials), cancelled)
			}
		})
	}
}
