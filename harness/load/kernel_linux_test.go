package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	server "harness/harness/load/mock"

	"golang.org/x/sys/unix"
)

func TestStampOf(t *testing.T) {
	message := func(level, kind int32, data ...uint64) []byte {
		size := unix.SizeofCmsghdr + 8*len(data)
		b := make([]byte, size)
		le := func(at int, v uint64, n int) {
			for k := range n {
				b[at+k] = byte(v >> (8 * k))
			}
		}
		le(0, uint64(size), 8)
		le(8, uint64(level), 4)
		le(12, uint64(kind), 4)
		for k, v := range data {
			le(16+8*k, v, 8)
		}
		return b
	}
	stamp := message(unix.SOL_SOCKET, unix.SCM_TIMESTAMPNS, 7, 9)
	for _, tt := range []struct {
		name string
		in   []byte
		want int64
	}{
		{"stamp", stamp, 7e9 + 9},
		{"another before", append(message(unix.SOL_IP, 3, 1), stamp...), 7e9 + 9},
		{"nothing", nil, 0},
		{"another", message(unix.SOL_SOCKET, 1, 1, 2), 0},
		{"cut", stamp[:20], 0},
		{"no length", make([]byte, 32), 0},
	} {
		if got := stampOf(tt.in); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// A server that accepts nobody: its queue is full, and dials hang until their timeout.
func TestConnectTimeout(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Listen(fd, 0); err != nil {
			t.Fatal(err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		url := fmt.Sprintf("http://127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
		res := run(t, Target{URL: url, API: Generate}, Options{
			Prompts: prompts(6, 1), Concurrency: 6, FreshConnections: true,
			Timeouts: Timeouts{Connect: 150 * time.Millisecond, FirstToken: 50 * time.Millisecond},
		})
		s := Summarize(res)
		if s.ByClass[ClassConnectTO] == 0 || s.ByClass[ClassConnectTO]+s.ByClass[ClassFirstTO] != 6 {
			t.Errorf("%v, want timeout_connect where the queue was full, and else timeout_first_token", s.ByClass)
		}
	})
}

// A server whose name has two addresses and that listens on one of them.
func TestLocalhost(t *testing.T) {
	m := newMock(t, Generate, nil)
	_, port, _ := net.SplitHostPort(m.Listener.Addr().String())
	target := m.target()
	target.URL = "http://localhost:" + port
	if s := Summarize(mustRun(t, target, Options{Prompts: prompts(3, 2), Concurrency: 2})); s.Failed != 0 {
		t.Errorf("%v", s.ByClass)
	}
}

// A server that only IPv6 reaches.
func TestIPv6(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Skipf("this machine has no IPv6: %v", err)
		}
		m := &mock{api: Generate, remotes: map[string]int{}}
		srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(m.serve)}}
		srv.Start()
		defer srv.Close()
		if s := Summarize(run(t, Target{URL: srv.URL, API: Generate}, Options{Prompts: prompts(3, 2), Concurrency: 2})); s.Failed != 0 || s.OutputTokens != 6 {
			t.Errorf("%v", s.ByClass)
		}
	})
}

// A request larger than the socket's buffers, to a server that reads late.
func TestLargeRequest(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Generate, nil)
		p := Prompt{TokenIDs: make([]int32, 300000), OutputTokens: 2}
		for i := range p.TokenIDs {
			p.TokenIDs[i] = 12345
		}
		rec := run(t, m.target(), Options{Prompts: []Prompt{p, p}, Concurrency: 2}).Records[0]
		if !rec.OK() || rec.WrittenNS <= rec.SendNS || rec.WrittenNS > rec.FirstTokenNS {
			t.Errorf("%s %s: sent at %d, written at %d, first token at %d", rec.Class, rec.Error, rec.SendNS, rec.WrittenNS, rec.FirstTokenNS)
		}
	})
}

// Runs on a quiet machine are no false alarms: at most one in twenty.
func TestQuietIsNoAlarm(t *testing.T) {
	measures(t)
	m := server.Start(t, server.Options{Plan: server.Plan{First: 30 * time.Millisecond, Gap: 10 * time.Millisecond}})
	quiet, alarms := 0, 0
	for range 20 {
		res := mustRun(t, Target{URL: m.URL, API: Completions}, Options{Prompts: prompts(32, 16), Concurrency: 16})
		truth := m.Truth()
		m.Reset()
		if !quietEnough(t, res.Client, truth.LateP99Seconds) {
			continue
		}
		quiet++
		if faults := res.Faults(); len(faults) > 0 {
			alarms++
			t.Logf("%q", faults)
		}
	}
	if quiet < 10 {
		t.Skipf("this machine is too busy to tell: only %d of 20 runs were quiet", quiet)
	}
	if alarms > 1 {
		t.Errorf("%d false alarms in %d quiet runs, at most 1 is good", alarms, quiet)
	}
	t.Logf("%d false alarms in %d quiet runs", alarms, quiet)
}

// A load generator that has to share its only core with a process that never sleeps
// says that its numbers are not to be trusted, whichever way it stamps.
func TestOverloadIsNoticed(t *testing.T) {
	measures(t)
	plan := server.Plan{First: 50 * time.Millisecond, Gap: 50 * time.Millisecond}
	m := server.Start(t, server.Options{Plan: plan})
	child := func(role string) (*exec.Cmd, *bufio.Reader) {
		c := exec.Command(os.Args[0], "-test.run=^TestOverloadChild$")
		c.Env = append(os.Environ(), "LOAD_TEST_ROLE="+role, "LOAD_TEST_URL="+m.URL)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		startOnOneCore(t, c)
		return c, bufio.NewReader(out)
	}
	hog, spins := child("hog")
	defer func() {
		hog.Process.Kill()
		hog.Wait()
	}()
	if line, err := spins.ReadString('\n'); err != nil {
		t.Fatalf("hog: %q: %v", line, err)
	}
	for _, role := range []string{"kernel", "plain"} {
		c, out := child(role)
		text, _ := out.ReadString('\n')
		rest, _ := io.ReadAll(out)
		var saw overload
		if err := errors.Join(c.Wait(), json.Unmarshal([]byte(text), &saw)); err != nil {
			t.Fatalf("%s: %v: %s%s", role, err, text, rest)
		}
		planned := (plan.First + 19*plan.Gap).Seconds()
		switch {
		case len(saw.Faults) > 0:
		case saw.E2E > 1.5*planned: // then what was too slow was the server, and the load generator had time enough
			t.Skipf("%s: this machine is too busy to tell: the answers took %.2f s, and %.2f s were planned: %s", role, saw.E2E, planned, text)
		default:
			t.Errorf("%s: no fault was noticed in %s", role, text)
		}
		t.Logf("%s: %q", role, saw.Faults)
		t.Logf("%s: %s", role, text)
	}
}

// An overload is what the child tells of its run: its faults, and all that they are
// judged by.
type overload struct {
	Faults               []string
	Client               Client
	ITL, TTFT, E2E, Took float64 // medians and the whole run, in seconds
	Failed               map[string]int
}

// TestOverloadChild is the other side of TestOverloadIsNoticed.
func TestOverloadChild(t *testing.T) {
	role := os.Getenv("LOAD_TEST_ROLE")
	if !slices.Contains([]string{"hog", "kernel", "plain"}, role) {
		t.Skip("not a child")
	}
	if role == "hog" {
		fmt.Println("spinning")
		for n := 0; ; n++ { // until it is killed
			runtime.KeepAlive(n)
		}
	}
	run := runBy(kernelTransport)
	if role == "plain" {
		run = runBy(plainTransport)
	}
	res := run(t, Target{URL: os.Getenv("LOAD_TEST_URL"), API: Completions}, Options{Prompts: prompts(2000, 20), Concurrency: 2000})
	s := Summarize(res)
	json.NewEncoder(os.Stdout).Encode(overload{
		Faults: res.Faults(), Client: res.Client, Failed: s.ByClass, Took: res.DurationSeconds,
		ITL: median(s.ITLSeconds), TTFT: median(s.TTFTSeconds), E2E: median(s.E2ESeconds),
	})
}

// startOnOneCore starts a process on the last core that this one may use: a process begins
// with the cores of the thread that starts it.
func startOnOneCore(t *testing.T, c *exec.Cmd) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var may, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	for core := range 1024 {
		if may.IsSet(core) {
			one.Zero()
			one.Set(core)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &may)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
}
