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
const patience = 2 * time.Minute

// pollFor reports whether ok came to hold in time.
func pollFor(ok func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !pollFor(ok) {
		t.Fatalf("gave up waiting: %s", what)
	}
}

// An invocation is harness as a user's shell starts it: in a process group of its own.
type invocation struct {
	t      *testing.T
	cmd    *exec.Cmd
	mark   string // in the environment of it and of all that it starts
	lines  chan string
	stdout bytes.Buffer
}

// startCommand starts harness in dir, with env on top of a bare environment.
func startCommand(t *testing.T, dir string, env []string, args ...string) *invocation {
	t.Helper()
	path, err := exec.LookPath("harness")
	if err != nil {
		t.Fatal(err)
	}
	c := &invocation{t: t, cmd: exec.Command(path, args...), mark: "MARK=" + strings.ReplaceAll(t.Name(), "/", "-") + strconv.Itoa(os.Getpid()), lines: make(chan string, 1000)}
	c.cmd.Dir = dir
	c.cmd.Env = append([]string{c.mark, "GORACE=" + noExitSleep, "PATH=" + filepath.Join(dir, "bin"), "HARNESS_GPU_LOCKS=" + filepath.Join(dir, "locks")}, env...)
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
	t.Cleanup(c.killAll)
	return c
}

// line waits for a line of progress that begins so, and returns it.
func (c *invocation) line(prefix string) string {
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
				return l
			}
		case <-limit:
			c.t.Fatalf("no line %q", prefix)
		}
	}
}

// signal reaches the command's whole process group, as Ctrl-C does.
func (c *invocation) signal(s syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(-c.cmd.Process.Pid, s); err != nil {
		c.t.Fatal(err)
	}
}

// status waits for the command's end; -N is signal N.
func (c *invocation) status() int {
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

// alive lists the processes that carry the command's mark, by pid with their command
// line: itself, and all that it started and that did not end.
func (c *invocation) alive() map[int]string {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	found := map[int]string{}
	for _, f := range files {
		env, err := os.ReadFile(f) // empty for a zombie, an error for what is gone
		if err == nil && slices.Contains(strings.Split(string(env), "\x00"), c.mark) {
			dir := filepath.Dir(f)
			pid, _ := strconv.Atoi(filepath.Base(dir))
			line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			found[pid] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return found
}

// killAll ends what a failed test would leave.
func (c *invocation) killAll() {
	for pid := range c.alive() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func needProc(t *testing.T) {
	t.Helper()
	if _, err := os.ReadFile("/proc/self/environ"); err != nil {
		t.Skip("the process table is looked up in /proc, which is not here:", err)
	}
}

// sweepArgs is a sweep of the simulator with two runs a trial; no study is named.
func sweepArgs(trials int) []string {
	return []string{"sweep", "--engine", "sim", "--trials", strconv.Itoa(trials), "--repeats", "2", "--isl", "16", "--osl", "20", "--concurrency", "2"}
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
	if status := again.status(); status != 0 && status != 3 {
		t.Fatalf("the same command again: exit %d", status)
	}
	if onlyStudy(t, dir) != study {
		t.Fatal("another study was begun")
	}
	p, err := checkStudy(study, false)
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

// wantOneCancelled wants one trial to be recorded as interrupted.
func wantOneCancelled(t *testing.T, p parts) {
	t.Helper()
	n := 0
	for _, tr := range p.trials {
		if tr.Outcome == results.Cancelled && tr.FailureClass == "cancelled" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d trials are recorded as cancelled, want 1", n)
	}
}

// waitMidTrial returns when a trial of a study has its first run and is not done.
func waitMidTrial(t *testing.T, study string) {
	t.Helper()
	waitFor(t, "a trial that is half measured", func() bool {
		first, _ := filepath.Glob(filepath.Join(study, "runs", "t*-c2-r1.parquet"))
		return slices.ContainsFunc(first, func(f string) bool {
			id, _, _ := strings.Cut(filepath.Base(f), "-")
			return !exists(filepath.Join(study, "trials", id+".parquet"))
		})
	})
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	c := startCommand(t, dir, nil, sweepArgs(4)...)
	c.line("[2/4]")
	study := onlyStudy(t, dir)
	waitMidTrial(t, study)
	c.signal(syscall.SIGINT)
	if status := c.status(); status != 130 {
		t.Errorf("exit %d, want 130", status)
	}
	if left := c.alive(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if !strings.Contains(c.stdout.String(), "same command") {
		t.Errorf("the next command is not told:\n%s", c.stdout.String())
	}
	p, err := checkStudy(study, false)
	if err != nil {
		t.Fatal(err)
	}
	wantOneCancelled(t, p)
	p = finish(t, dir, 4)
	if got := len(p.trials); got != 5 {
		t.Errorf("%d trials, want 5: one of them a second attempt", got)
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
		"sweep", "--engine", "vllm", "--model", "m", "--trials", "3", "--repeats", "2", "--client-gate", "warn", "--isl", "16", "--osl", "64", "--concurrency", "2", "--study", "s")
	waitMidTrial(t, filepath.Join(dir, "s"))
	c.signal(syscall.SIGINT)
	log := filepath.Join(dir, "s", "logs", "t0001.log")
	waitFor(t, "the server to be told to end", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && bytes.Contains(text, []byte("shutdown"))
	})
	second := time.Now()
	c.signal(syscall.SIGINT)
	if status := c.status(); status != 130 {
		t.Errorf("exit %d, want 130", status)
	}
	grace := time.Duration(spec.Server.StopGraceS * float64(time.Second))
	if took := time.Since(second); took > grace/2 {
		t.Errorf("it took %v after the second interruption; the server's grace is %v", took, grace)
	}
	if left := c.alive(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	p, err := checkStudy(filepath.Join(dir, "s"), false)
	if err != nil {
		t.Fatal(err)
	}
	wantOneCancelled(t, p)
}

// TestKilled ends the command as a crash or the kernel does: nobody is left to stop
// the server or to write a row.
func TestKilled(t *testing.T) {
	t.Parallel()
	needProc(t)
	dir := t.TempDir()
	c := startCommand(t, dir, nil, sweepArgs(3)...)
	c.line("[1/3]")
	study := onlyStudy(t, dir)
	waitMidTrial(t, study)
	if len(c.alive()) < 2 {
		t.Errorf("the server cannot be seen in the process table: %v", c.alive())
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := c.status(); status != -int(syscall.SIGKILL) {
		t.Fatalf("status %d", status)
	}
	waitFor(t, fmt.Sprintf("no process to be left of %v", c.alive()), func() bool { return len(c.alive()) == 0 })
	wantOneCancelled(t, finish(t, dir, 3))
}
