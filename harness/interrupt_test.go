package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"harness/results"
	"harness/space"
)

// patience bounds every wait of these tests. It decides nothing but how long a broken
// command may hold them up.
const patience = 30 * time.Second

// waitFor polls until ok holds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// A command is harness as a user's shell starts it: in a process group of its own.
type command struct {
	t      *testing.T
	cmd    *exec.Cmd
	mark   string // in the environment of it and of all that it starts
	lines  chan string
	stdout bytes.Buffer
}

// startCommand starts harness in dir, with env on top of a bare environment.
func startCommand(t *testing.T, dir string, env []string, args ...string) *command {
	t.Helper()
	path, err := exec.LookPath("harness")
	if err != nil {
		t.Fatal(err)
	}
	c := &command{t: t, cmd: exec.Command(path, args...), mark: "MARK=" + strings.ReplaceAll(t.Name(), "/", "-") + strconv.Itoa(os.Getpid()), lines: make(chan string, 1000)}
	c.cmd.Dir = dir
	c.cmd.Env = append([]string{c.mark, "GORACE=" + noExitSleep, "PATH=" + filepath.Join(dir, "bin")}, env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Stdout = &c.stdout
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			c.lines <- in.Text()
		}
	}()
	t.Cleanup(func() { syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) })
	return c
}

// line waits for a line of progress that begins so.
func (c *command) line(prefix string) {
	c.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case l, open := <-c.lines:
			if !open {
				c.t.Fatalf("the command ended without a line %q", prefix)
			}
			c.t.Log(l)
			if strings.HasPrefix(l, prefix) {
				return
			}
		case <-limit:
			c.t.Fatalf("no line %q", prefix)
		}
	}
}

// signal reaches the command's whole process group, as Ctrl-C does.
func (c *command) signal(s syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(-c.cmd.Process.Pid, s); err != nil {
		c.t.Fatal(err)
	}
}

// status waits for the command's end; -N is signal N.
func (c *command) status() int {
	c.t.Helper()
	limit := time.AfterFunc(patience, func() { c.signal(syscall.SIGKILL) })
	defer limit.Stop()
	for l := range c.lines {
		c.t.Log(l)
	}
	err := c.cmd.Wait()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		c.t.Fatal(err)
	}
	if ws := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return -int(ws.Signal())
	}
	return c.cmd.ProcessState.ExitCode()
}

// alive lists the processes that carry the command's mark: itself, and all that it
// started and that did not end.
func (c *command) alive() []string {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var list []string
	for _, f := range files {
		env, err := os.ReadFile(f) // empty for a zombie, an error for what is gone
		if err == nil && slices.Contains(strings.Split(string(env), "\x00"), c.mark) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
			list = append(list, f+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

func needProc(t *testing.T) {
	t.Helper()
	if _, err := os.ReadFile("/proc/self/environ"); err != nil {
		t.Skip("the process table is looked up in /proc, which is not here:", err)
	}
}

// sweepArgs is a sweep of the simulator with two runs a trial; no study is named.
func sweepArgs(trials int) []string {
	return []string{"sweep", "--engine", "sim", "--trials", strconv.Itoa(trials), "--repeats", "2", "--isl", "16", "--osl", "32", "--concurrency", "2"}
}

// onlyStudy is the one study below dir.
func onlyStudy(t *testing.T, dir string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, "studies", "*"))
	if len(found) != 1 {
		t.Fatalf("studies: %q, want one", found)
	}
	return found[0]
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runFiles holds the bytes of all finished runs.
func runFiles(t *testing.T, study string) map[string][]byte {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(study, "runs", "*.parquet"))
	files := map[string][]byte{}
	for _, f := range found {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(f)] = data
	}
	return files
}

// finish gives the same command again, and wants it to go on where the study was: all
// trials done, nothing lost of what was there, nothing measured twice.
func finish(t *testing.T, dir string, trials int) parts {
	t.Helper()
	study := onlyStudy(t, dir)
	before := runFiles(t, study)
	again := startCommand(t, dir, nil, sweepArgs(trials)...)
	if status := again.status(); status != 0 && status != exitFailedTrials {
		t.Fatalf("the same command again: exit %d", status)
	}
	if onlyStudy(t, dir) != study {
		t.Fatal("another study was begun")
	}
	p, err := checkStudy(study)
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, tr := range p.trials {
		if tr.Outcome != results.Cancelled {
			done++
		}
	}
	if done != trials {
		t.Errorf("%d configs are done, want %d", done, trials)
	}
	after := runFiles(t, study)
	for name, data := range before {
		if !bytes.Equal(after[name], data) {
			t.Errorf("run %s was lost or changed", name)
		}
	}
	return p
}

// cancelled is the one trial that was interrupted.
func cancelled(t *testing.T, p parts) results.Trial {
	t.Helper()
	var found []results.Trial
	for _, tr := range p.trials {
		if tr.Outcome == results.Cancelled {
			found = append(found, tr)
		}
	}
	if len(found) != 1 || found[0].FailureClass != "cancelled" {
		t.Fatalf("cancelled trials: %+v, want one", found)
	}
	return found[0]
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	c := startCommand(t, dir, nil, sweepArgs(5)...)
	c.line("[2/5]")
	study := onlyStudy(t, dir)
	waitFor(t, "the third trial's first run", func() bool { return exists(filepath.Join(study, "runs", "t0003-c2-r1.parquet")) })
	c.signal(syscall.SIGINT)
	if status := c.status(); status != exitInterrupted {
		t.Errorf("exit %d, want %d", status, exitInterrupted)
	}
	if left := c.alive(); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if !strings.Contains(c.stdout.String(), "same command") {
		t.Errorf("the next command is not told:\n%s", c.stdout.String())
	}
	p, err := checkStudy(study)
	if err != nil {
		t.Fatal(err)
	}
	if got := cancelled(t, p).TrialID; got != "t0003" {
		t.Errorf("cancelled: %s, want t0003", got)
	}
	p = finish(t, dir, 5)
	if got := len(p.trials); got != 6 {
		t.Errorf("%d trials, want 6: one of them a second attempt", got)
	}
}

// TestInterruptedTwice takes a server that does not end when it is told to: the first
// interruption waits for its grace, the second does not.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	if err := linkFakes(filepath.Join(dir, "bin"), "nvidia-smi", "vllm"); err != nil {
		t.Fatal(err)
	}
	if err := writeHFModel(filepath.Join(dir, "m")); err != nil {
		t.Fatal(err)
	}
	smi, err := filepath.Abs("../gpu/testdata/one_h100.csv")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := space.Load("vllm")
	if err != nil {
		t.Fatal(err)
	}
	c := startCommand(t, dir, []string{"FAKE_SMI=" + smi, "FAKE_DIE=deaf"},
		"sweep", "--engine", "vllm", "--model", "m", "--trials", "3", "--repeats", "2", "--isl", "16", "--osl", "64", "--concurrency", "2", "--study", "s")
	waitFor(t, "the first run", func() bool { return exists(filepath.Join(dir, "s", "runs", "t0001-c2-r1.parquet")) })
	c.signal(syscall.SIGINT)
	log := filepath.Join(dir, "s", "logs", "t0001.log")
	waitFor(t, "the server to be told to end", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && bytes.Contains(text, []byte("shutdown"))
	})
	second := time.Now()
	c.signal(syscall.SIGINT)
	if status := c.status(); status != exitInterrupted {
		t.Errorf("exit %d, want %d", status, exitInterrupted)
	}
	grace := time.Duration(spec.Server.StopGraceS * float64(time.Second))
	if took := time.Since(second); took > grace/2 {
		t.Errorf("it took %v after the second interruption; the server's grace is %v", took, grace)
	}
	if left := c.alive(); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	p, err := checkStudy(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	cancelled(t, p)
}

// TestKilled ends the command as a crash or the kernel does: nobody is left to stop
// the server or to write a row.
func TestKilled(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	c := startCommand(t, dir, nil, sweepArgs(4)...)
	c.line("[1/4]")
	study := onlyStudy(t, dir)
	waitFor(t, "the second trial's first run", func() bool { return exists(filepath.Join(study, "runs", "t0002-c2-r1.parquet")) })
	if len(c.alive()) < 2 {
		t.Errorf("the server cannot be seen in the process table: %q", c.alive())
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := c.status(); status != -int(syscall.SIGKILL) {
		t.Fatalf("status %d", status)
	}
	waitFor(t, fmt.Sprint("no process to be left of ", c.alive()), func() bool { return len(c.alive()) == 0 })
	p := finish(t, dir, 4)
	if got := cancelled(t, p).TrialID; got != "t0002" {
		t.Errorf("cancelled: %s, want t0002", got)
	}
}
