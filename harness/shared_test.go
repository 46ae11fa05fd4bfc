package main

import (
	"path/filepath"
	"slices"
	"strings"
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

// Of eight GPUs each of two harnesses takes such as the other is not on, also between
// the other's trials, and never one that another program is on. One is killed: its GPUs
// are free again.
func TestHarnessesTakeOtherGPUs(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	if err := linkFakes(filepath.Join(dir, "bin"), "nvidia-smi", "vllm"); err != nil {
		t.Fatal(err)
	}
	if err := writeHFModel(filepath.Join(dir, "m")); err != nil {
		t.Fatal(err)
	}
	recorded, err := filepath.Abs("../gpu/testdata/eight_a100.csv") // GPU 3 has 79 GiB in use
	if err != nil {
		t.Fatal(err)
	}
	start := func(study, devices string, more ...string) *invocation {
		args := []string{"sweep", "--engine", "vllm", "--model", "m", "--device-num", devices, "--trials", "200", "--trust-parallel", "--repeats", "1",
			"--client-gate", "warn", "--isl", "16", "--osl", "8", "--concurrency", "2", "--study", study}
		return startCommand(t, dir, []string{"FAKE_SMI=" + recorded, "HARNESS_NVML=0"}, append(args, more...)...)
	}
	gpus := func(study, devices string) string { // of a plan
		c := start(study, devices, "--dry-run")
		if status := c.status(); status != 0 {
			t.Fatalf("exit %d", status)
		}
		for line := range strings.Lines(c.stdout.String()) {
			if strings.HasPrefix(line, "GPUs ") {
				return strings.TrimSpace(strings.TrimPrefix(line, "GPUs"))
			}
		}
		t.Fatalf("a plan without GPUs:\n%s", &c.stdout)
		return ""
	}
	first := start("a", "4")
	if line := first.line("GPUs"); !strings.HasSuffix(line, "4 x NVIDIA A100-SXM4-80GB: 0-2,4; not taken: GPU 3 has 80720 MiB in use") {
		t.Error(line)
	}
	first.line("[2/")
	second := start("b", "3")
	if line := second.line("GPUs"); !strings.Contains(line, "3 x NVIDIA A100-SXM4-80GB: 5-7; not taken: GPU 0-2,4 is in use by harness, process ") || !strings.HasSuffix(line, "; GPU 3 has 80720 MiB in use") {
		t.Error(line)
	}
	second.line("[2/")
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := first.status(); status != -int(syscall.SIGKILL) {
		t.Fatalf("exit %d", status)
	}
	if line := gpus("c", "4"); !strings.HasPrefix(line, "4 x NVIDIA A100-SXM4-80GB: 0-2,4; not taken: GPU 3 has") || !strings.Contains(line, "GPU 5-7 is in use by harness, process ") {
		t.Error(line)
	}
	if line := gpus("c", "7"); !strings.HasPrefix(line, "7 x NVIDIA A100-SXM4-80GB: 0-2,4-7; GPU 5-7 is in use by harness, process ") || !strings.Contains(line, ", trials take turns; not taken: GPU 3 has") {
		t.Error(line)
	}
	more := start("c", "8", "--dry-run")
	if line := more.line("harness: --device-num 8: 8 GPUs are wanted, and 7 of 8 can be had now: "); !strings.Contains(line, "GPU 3 has 80720 MiB in use") || !strings.Contains(line, "GPU 5-7 is in use by harness, process ") {
		t.Error(line)
	}
	if status := more.status(); status != exitFailed {
		t.Errorf("exit %d", status)
	}
	second.signal(syscall.SIGINT)
	if status := second.status(); status != exitInterrupted {
		t.Errorf("exit %d", status)
	}
	wantNoneLeasedTwice(t, slices.Concat(trialsOf(t, filepath.Join(dir, "a")), trialsOf(t, filepath.Join(dir, "b"))))
	for _, tr := range trialsOf(t, filepath.Join(dir, "b")) {
		if slices.ContainsFunc(tr.GPUs, func(uuid string) bool { return uuid[:5] < "GPU-5" }) {
			t.Errorf("%s was on %v", tr.TrialID, tr.GPUs)
		}
	}
	if left := gpus("c", "7"); strings.Contains(left, "is in use by") {
		t.Error(left)
	}
}
