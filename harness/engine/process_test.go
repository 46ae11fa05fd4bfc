package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServerStartsAndStops(t *testing.T) {
	s := ready(t, fakeLaunch())
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Errorf("URL %s is not on the loopback", s.URL)
	}
	s.Stop(t.Context(), s.StopGrace())
	if got := s.Exit().Status; got != -int(syscall.SIGTERM) {
		t.Errorf("status %d, want SIGTERM's: the grace is a minute", got)
	}
	s.Stop(t.Context(), s.StopGrace()) // again is no harm
}

func TestServerThatIsNeverReady(t *testing.T) {
	l := fakeLaunch("-mode", "silent")
	l.Server.StartTimeoutS = 0.05
	if err := begin(t, l).WaitReady(t.Context()); !errors.Is(err, ErrNotUp) {
		t.Errorf("got %v, want ErrNotUp", err)
	}
}

func TestServerThatAnswersOtherwiseIsNotReady(t *testing.T) {
	l := fakeLaunch()
	l.Server.StartTimeoutS = 0.3
	l.Server.Ready.Expect = "something else"
	if err := begin(t, l).WaitReady(t.Context()); !errors.Is(err, ErrNotUp) {
		t.Errorf("got %v, want ErrNotUp", err)
	}
}

// The start timeout is an hour: only the process's end can end the wait.
func TestDeathBeforeReadinessIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		script string
		status int
		text   string
	}{
		{"echo no; exit 3", 3, "exit status 3 after"},
		{"exit 0", 0, "exit status 0 after"},
		{"kill -KILL $$", -9, "signal killed after"},
	} {
		l := script(tt.script)
		l.Server.StartTimeoutS = 3600
		s := begin(t, l)
		if err := s.WaitReady(t.Context()); !errors.Is(err, ErrExited) {
			t.Fatalf("%s: got %v, want ErrExited", tt.script, err)
		}
		if got := s.Exit(); got.Status != tt.status || !strings.HasPrefix(got.String(), tt.text) {
			t.Errorf("%s: %v, want %s", tt.script, got, tt.text)
		}
	}
}

// Another process may have taken the port, and answer in place of the dead server.
func TestForeignAnswerIsNoReadiness(t *testing.T) {
	other := ready(t, fakeLaunch())
	s := begin(t, script("exit 1"))
	<-s.Done()
	s.URL = other.URL
	if err := s.WaitReady(t.Context()); !errors.Is(err, ErrExited) {
		t.Errorf("got %v, want ErrExited", err)
	}
}

func TestWaitReadyEndsWithItsContext(t *testing.T) {
	if err := begin(t, fakeLaunch("-mode", "silent")).WaitReady(ended()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestStubbornServerIsKilledAfterTheGrace(t *testing.T) {
	s := ready(t, fakeLaunch("-mode", "stubborn"))
	s.Stop(t.Context(), 200*time.Millisecond)
	if got := s.Exit().Status; got != -int(syscall.SIGKILL) {
		t.Errorf("status %d, want SIGKILL's", got)
	}
	if log := logEnd(s.LogPath); !strings.Contains(log, "SIGTERM: no") {
		t.Errorf("it was not asked before: %q", log)
	}
}

// The grace is an hour: the context's end must cut it short.
func TestAbortEndsTheGrace(t *testing.T) {
	s := ready(t, fakeLaunch("-mode", "stubborn"))
	ctx, abort := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		s.Stop(ctx, time.Hour)
		close(stopped)
	}()
	eventually(t, "SIGTERM in the log", func() bool { return strings.Contains(logEnd(s.LogPath), "SIGTERM: no") })
	select {
	case <-stopped:
		t.Fatal("stopped before the abort")
	default:
	}
	abort()
	<-stopped
	if got := s.Exit().Status; got != -int(syscall.SIGKILL) {
		t.Errorf("status %d, want SIGKILL's", got)
	}
}

// A server's children outlive its SIGTERM, and hold the GPU's memory.
func TestStopEndsTheWholeGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	s := ready(t, fakeLaunch("-mode", "family", "-pid", file))
	pid := readPID(t, file)
	if !alive(pid) {
		t.Fatal("the server has no child to leave behind")
	}
	s.Stop(t.Context(), s.StopGrace())
	if alive(pid) {
		t.Errorf("process %d of the server's group still runs after Stop", pid)
	}
}

// A group lives as long as one of its members that is no zombie.
func TestAwaitGroup(t *testing.T) {
	cmd := exec.Command("tail", "-f", "/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	pid := cmd.Process.Pid
	defer syscall.Kill(-pid, syscall.SIGKILL)
	if !groupAlive(pid) {
		t.Fatal("a running group is not alive")
	}
	if awaitGroup(pid, 10*time.Millisecond); !groupAlive(pid) {
		t.Fatal("it is gone although nobody killed it")
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitGroup(pid, time.Minute)
	if groupAlive(pid) {
		t.Error("awaitGroup returned before the group was gone")
	}
	if err := syscall.Kill(-pid, 0); err != nil {
		t.Errorf("the leader is no zombie (%v): the test shows nothing", err)
	}
}

// kill -9 of the parent takes the whole family along: the child of the server too,
// which Pdeathsig does not reach and SIGTERM does not end.
func TestServerDiesWithItsParent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	parent := exec.Command(os.Args[0], "-mode", "parent", "-pid", file)
	parent.Env = append(os.Environ(), fakeVariable+"=1")
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	pid := readPID(t, file)
	if !alive(pid) {
		t.Fatal("the parent started no server")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the server's child after its parent's", func() bool { return !alive(pid) })
}

func TestChildsEnvironment(t *testing.T) {
	t.Setenv("LLAMA_ARG_THREADS", "7")
	t.Setenv("ENGINE_TEST_KEPT", "kept")
	t.Setenv("ENGINE_TEST_SET", "parent's")
	t.Setenv("CUDA_VISIBLE_DEVICES", "parent's")
	l := script("env")
	l.Server.UnsetEnv = []string{"LLAMA_ARG_*"}
	l.Server.Env = map[string]string{"ENGINE_TEST_SET": "spec's"}
	for _, tt := range []struct {
		gpus []string
		cuda string
	}{
		{nil, "CUDA_VISIBLE_DEVICES=parent's"},
		{[]string{"GPU-1", "GPU-2"}, "CUDA_VISIBLE_DEVICES=GPU-1,GPU-2"},
	} {
		s, err := Start(l, nil, Place{GPUs: tt.gpus}, filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		got := strings.Split(logEnd(s.LogPath), "\n")
		for _, want := range []string{"ENGINE_TEST_KEPT=kept", "ENGINE_TEST_SET=spec's", tt.cuda} {
			name, _, _ := strings.Cut(want, "=")
			has := slices.DeleteFunc(slices.Clone(got), func(kv string) bool { return !strings.HasPrefix(kv, name+"=") })
			if !slices.Equal(has, []string{want}) {
				t.Errorf("GPUs %v: %v, want once %s", tt.gpus, has, want)
			}
		}
		if slices.ContainsFunc(got, func(kv string) bool { return strings.HasPrefix(kv, "LLAMA_ARG_") }) {
			t.Error("LLAMA_ARG_THREADS was inherited")
		}
	}
}

func TestStartErrors(t *testing.T) {
	l := fakeLaunch()
	l.Bin = filepath.Join(t.TempDir(), "missing")
	if _, err := Start(l, nil, Place{}, filepath.Join(t.TempDir(), "log")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), l.Bin) {
		t.Errorf("missing program: %v", err)
	}
	if _, err := Start(fakeLaunch(), nil, Place{}, filepath.Join(t.TempDir(), "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder of the log: %v", err)
	}
}

// A server runs on the CPUs that it was given, and its parent on its own.
func TestPlaceHasCPUs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	p, err := start([]string{"/bin/cat", "/proc/self/status"}, nil, []int{0}, path)
	if err != nil {
		t.Skip(err)
	}
	<-p.Done()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Cpus_allowed_list:\t0\n") {
		t.Errorf("not on CPU 0 alone:\n%s", text)
	}
	own, err := os.ReadFile("/proc/self/status")
	if err == nil && runtime.NumCPU() > 1 && strings.Contains(string(own), "Cpus_allowed_list:\t0\n") {
		t.Error("the parent was moved too")
	}
}

// A server's port is no other's until it was stopped, be it listening or not.
func TestPortsAreNotSharedWhileServersStart(t *testing.T) {
	l := fakeLaunch()
	l.Server.Argv = []string{"/bin/sleep", "60"}
	s, err := Start(l, nil, Place{}, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	taken := func() bool {
		ports.Lock()
		defer ports.Unlock()
		return ports.taken[s.port]
	}
	if !taken() || !strings.HasSuffix(s.URL, fmt.Sprintf(":%d", s.port)) {
		t.Errorf("port %d of %s is not taken", s.port, s.URL)
	}
	s.Stop(t.Context(), 0)
	if taken() {
		t.Error("it is taken still")
	}
}
