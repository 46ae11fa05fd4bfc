package engine

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"harness/space"
)

// fakeVariable makes the test binary a server: what it does is its -mode.
const fakeVariable = "ENGINE_TEST_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		os.Exit(fake(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fake is a server of several characters:
//
//	serve     answers; ends on SIGTERM
//	silent    never listens
//	stubborn  answers; logs SIGTERM and goes on
//	family    as serve, with a stubborn child that never listens; its pid is in pid
//	parent    starts a family as harness does, with a guard; the child's pid is in pid
//	guard     is the guard of the group that its argument names
func fake(args []string) int {
	fs := flag.NewFlagSet("fake", flag.ContinueOnError)
	port := fs.Int("port", 0, "")
	mode := fs.String("mode", "serve", "")
	pid := fs.String("pid", "", "")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	switch *mode {
	case "silent":
		return sleep()
	case "stubborn-silent":
		signal.Ignore(syscall.SIGTERM)
		return sleep()
	case "stubborn":
		terms := make(chan os.Signal, 1)
		signal.Notify(terms, syscall.SIGTERM)
		go func() {
			for range terms {
				fmt.Fprintln(os.Stderr, "SIGTERM: no")
			}
		}()
	case "family":
		child := exec.Command(os.Args[0], "-mode", "stubborn-silent")
		if err := child.Start(); err != nil {
			return 1
		}
		writePID(*pid, child.Process.Pid)
	case "guard":
		pgid, err := strconv.Atoi(fs.Arg(0))
		if err != nil {
			return 2
		}
		Guard(os.Stdin, pgid)
		return 0
	case "parent":
		l := fakeLaunch("-mode", "family", "-pid", *pid)
		l.Guard = []string{"{self}", "-mode", "guard"}
		if _, err := Start(l, nil, Place{}, *pid+".log"); err != nil {
			return 1
		}
		return sleep()
	}
	return serve(*port)
}

// sleep waits for a signal that ends the process; a test that dies takes it along.
func sleep() int {
	<-time.After(time.Minute)
	return 1
}

func serve(port int) int {
	answer := func(path, body string) {
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/flush" && r.Method != http.MethodPost {
				http.Error(w, "POST only", http.StatusMethodNotAllowed)
				return
			}
			fmt.Fprint(w, body)
		})
	}
	answer("/health", `{"status":"ok"}`)
	answer("/flush", `{"success":true}`)
	answer("/held", `{"success":false}`)
	answer("/props", `{"n_ctx":256}`)
	answer("/text", `no JSON`)
	answer("/v1/models", `{"object":"list","data":[{"id":"tiny","object":"model"},{"id":"other"}]}`)
	answer("/metrics", metricsText)
	answer("/broken-metrics", "a{ 1\n")
	http.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "requests are pending\nmore", http.StatusBadRequest)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+strconv.Itoa(port), nil))
	return 1
}

const metricsText = `# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{engine_type="unified",model_name="m"} 3
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 12
# TYPE vllm:ttft_seconds histogram
vllm:ttft_seconds_bucket{le="0.1"} 1
vllm:ttft_seconds_bucket{le="+Inf"} 2
vllm:ttft_seconds_sum 0.75
vllm:ttft_seconds_count 2
# TYPE gc_seconds summary
gc_seconds{quantile="0.5"} 0.1
gc_seconds_sum 0.5
gc_seconds_count 4
untyped_thing 7
`

func writePID(path string, pid int) {
	tmp := path + ".tmp"
	if os.WriteFile(tmp, []byte(strconv.Itoa(pid)), 0o644) == nil {
		_ = os.Rename(tmp, path)
	}
}

// fakeLaunch starts the test binary as a server with these arguments.
func fakeLaunch(args ...string) Launch {
	return Launch{Engine: "fake", Bin: os.Args[0], Server: space.Server{
		Argv:          append([]string{"{bin}", "-port", "{port}", "{flags}"}, args...),
		Env:           map[string]string{fakeVariable: "1"},
		Ready:         space.Endpoint{Path: "/health", Expect: "ok"},
		StartTimeoutS: 60, StopGraceS: 60,
	}}
}

// script is a server that is a shell script.
func script(text string) Launch {
	l := fakeLaunch()
	l.Server.Argv = []string{"/bin/sh", "-c", text}
	return l
}

// begin starts a server that the test's end stops without grace.
func begin(t *testing.T, l Launch, flags ...string) *Server {
	t.Helper()
	s, err := Start(l, flags, Place{}, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(ended(), 0) })
	return s
}

func ready(t *testing.T, l Launch, flags ...string) *Server {
	t.Helper()
	s := begin(t, l, flags...)
	if err := s.WaitReady(t.Context()); err != nil {
		t.Fatalf("%v; log:\n%s", err, logEnd(s.LogPath))
	}
	return s
}

// ended is a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("in vain: %s", what)
		}
	}
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	var pid int
	eventually(t, "a pid in "+path, func() bool {
		data, err := os.ReadFile(path)
		if err == nil {
			pid, err = strconv.Atoi(string(data))
		}
		return err == nil
	})
	return pid
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
