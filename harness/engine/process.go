package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"time"
)

// Process is a server that was started: a child in a process group of its own,
// whose output goes to a log file. It has one owner, who calls Stop.
type Process struct {
	cmd     *exec.Cmd
	started time.Time
	log     *os.File
	done    chan struct{} // closed when the child was reaped
	exit    Exit          // valid after done
	guard   *guard        // nil: none
}

// Exit is how a server ended by itself.
type Exit struct {
	Status int           // exit status; -N: signal N, as Python writes it
	After  time.Duration // since the launch
}

func (e Exit) String() string {
	if e.Status < 0 {
		return fmt.Sprintf("signal %s after %.1f s", syscall.Signal(-e.Status), e.After.Seconds())
	}
	return fmt.Sprintf("exit status %d after %.1f s", e.Status, e.After.Seconds())
}

// signal is what ended the server, as the kernel or a shell in between says it; 0: none.
func (e Exit) signal() syscall.Signal {
	switch {
	case e.Status < 0:
		return syscall.Signal(-e.Status)
	case e.Status > 128:
		return syscall.Signal(e.Status - 128)
	}
	return 0
}

// start runs argv with its output in logPath. The child leads a new process group,
// and dies with this process even where that is killed.
func start(argv, env []string, cpus []int, logPath string) (*Process, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{}), started: time.Now()}
	if err := startOnOwnThread(cmd, cpus); err != nil {
		log.Close()
		return nil, err
	}
	go p.reap()
	return p, nil
}

// reap is the one waiter on the child.
func (p *Process) reap() {
	err := p.cmd.Wait()
	p.exit = Exit{After: time.Since(p.started)}
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		p.exit.Status = ee.ExitCode()
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			p.exit.Status = -int(ws.Signal())
		}
	}
	p.log.Close()
	close(p.done)
}

// Done is closed when the server's first process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the server ended; valid after Done.
func (p *Process) Exit() Exit { return p.exit }

// Age is the time since the launch.
func (p *Process) Age() time.Duration { return time.Since(p.started) }

// Stop ends the server and all of its process group: SIGTERM, then SIGKILL after
// grace, or at once when ctx ends. It returns when the child was reaped and the group
// is gone, so that the next server finds the memory free; what even SIGKILL does not
// end (a driver that hangs) is waited for no longer than goneWithin. End the clients'
// requests first: llama.cpp waits 30 s for open streams.
func (p *Process) Stop(ctx context.Context, grace time.Duration) {
	select {
	case <-p.done:
	default:
		p.signal(syscall.SIGTERM)
		timer := time.NewTimer(grace)
		select {
		case <-p.done:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	p.signal(syscall.SIGKILL) // also what outlived its leader
	<-p.done
	awaitGroup(p.cmd.Process.Pid, goneWithin)
	p.guard.release()
	p.guard = nil
}

// signal reaches the whole group. An empty group is no error: it is what we want.
func (p *Process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}

// environ is the parent's environment without the names that match a pattern of
// unset, and with set on top.
func environ(parent []string, unset []string, set map[string]string) []string {
	var env []string
	for _, kv := range parent {
		name, _, _ := strings.Cut(kv, "=")
		if _, replaced := set[name]; !replaced && !matchesAny(unset, name) {
			env = append(env, kv)
		}
	}
	for k, v := range set {
		env = append(env, k+"="+v)
	}
	return env
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, name); ok {
			return true
		}
	}
	return false
}
