package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/space"
)

// fakeVariable makes the test binary a server that speaks as llama.cpp's does.
const fakeVariable = "BENCH_TEST_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		os.Exit(fakeMain(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// The workload's first token ids tell the fake server which block of prompts a
// request is of: ids [vocabLow + 100*block, +100) begin the prompts of block.
const (
	vocabLow  = 1000
	perBlock  = 100
	vocabHigh = vocabLow + blockPeriod*perBlock
)

// fakeServer misbehaves by flag; blocks are modulo blockPeriod, -1 is none.
type fakeServer struct {
	port      int
	pid       string // file for the process's identifier
	launches  string // file that counts the launches
	portFails int    // launches that end because the port is taken
	refuse    bool   // ends at once: a bad flag
	never     bool   // is never ready
	stubborn  bool   // ignores SIGTERM
	cached    int    // tokens of each prompt that it says were cached
	failBlock int    // answers 500 to the first failTries tries of this block
	failTries int
	short     int // block whose answers lack a token
	empty     int // block whose answers have no token at all
	die       int // block whose first request ends the process
	hold      int // block whose answers do not end

	mu    sync.Mutex
	tries map[int]int
}

func fakeMain(args []string) int {
	f := fakeServer{tries: map[int]int{}}
	fs := flag.NewFlagSet("fake", flag.ContinueOnError)
	fs.IntVar(&f.port, "port", 0, "")
	fs.StringVar(&f.pid, "pid", "", "")
	fs.StringVar(&f.launches, "launches", "", "")
	fs.IntVar(&f.portFails, "port-fails", 0, "")
	fs.BoolVar(&f.refuse, "refuse", false, "")
	fs.BoolVar(&f.never, "never", false, "")
	fs.BoolVar(&f.stubborn, "stubborn", false, "")
	fs.IntVar(&f.cached, "cached", 0, "")
	fs.IntVar(&f.failBlock, "fail-block", -1, "")
	fs.IntVar(&f.failTries, "fail-tries", 0, "")
	fs.IntVar(&f.short, "short", -1, "")
	fs.IntVar(&f.empty, "empty", -1, "")
	fs.IntVar(&f.die, "die", -1, "")
	fs.IntVar(&f.hold, "hold", -1, "")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if f.pid != "" {
		_ = os.WriteFile(f.pid, []byte(strconv.Itoa(os.Getpid())), 0o644)
	}
	if f.launches != "" {
		n := countFile(f.launches) + 1
		_ = os.WriteFile(f.launches, []byte(strconv.Itoa(n)), 0o644)
		if n <= f.portFails {
			fmt.Fprintf(os.Stderr, "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: %d\n", f.port)
			return 1
		}
	}
	if f.refuse {
		fmt.Fprintln(os.Stderr, "error: invalid argument: --bogus")
		return 1
	}
	if f.stubborn {
		signal.Ignore(syscall.SIGTERM)
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if f.never {
			http.Error(w, `{"error":{"message":"Loading model"}}`, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"status":"ok"}`)
	})
	http.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"tiny"}]}`) })
	http.HandleFunc("/props", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"total_slots":4}`) })
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# TYPE llamacpp:n_decode_total counter\nllamacpp:n_decode_total 5\n")
	})
	http.HandleFunc("/v1/completions", f.complete)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", f.port), nil))
	return 1
}

func countFile(path string) int {
	data, _ := os.ReadFile(path)
	n, _ := strconv.Atoi(string(data))
	return n
}

// complete streams as llama.cpp's server (b11549) does.
func (f *fakeServer) complete(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model     string
		Prompt    []int
		MaxTokens int   `json:"max_tokens"`
		Cache     *bool `json:"cache_prompt"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Prompt) == 0 || q.Model != "tiny" || q.Cache == nil || *q.Cache {
		http.Error(w, fmt.Sprintf("not what was agreed: %+v, %v", q, err), http.StatusBadRequest)
		return
	}
	block, i := (q.Prompt[0]-vocabLow)/perBlock, (q.Prompt[0]-vocabLow)%perBlock
	f.mu.Lock()
	if i == 0 {
		f.tries[block]++
	}
	try := f.tries[block]
	f.mu.Unlock()
	switch block {
	case f.die:
		fmt.Fprintln(os.Stderr, "server.cpp:1: GGML_ASSERT(n > 0) failed")
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.Close() // its connections go before the process does
		}
		<-time.After(300 * time.Millisecond)
		os.Exit(7)
	case f.failBlock:
		if try <= f.failTries {
			http.Error(w, `{"error":{"code":500,"message":"slot is gone"}}`, http.StatusInternalServerError)
			return
		}
	case f.short:
		q.MaxTokens--
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if block != f.empty {
		for range q.MaxTokens {
			fmt.Fprint(w, `data: {"choices":[{"text":"ndu","index":0,"logprobs":null,"finish_reason":null}],"created":1795445785,"model":"tiny","object":"text_completion","id":"chatcmpl-k"}`+"\n\n")
			w.(http.Flusher).Flush()
		}
	} else {
		q.MaxTokens = 0
	}
	if block == f.hold {
		<-r.Context().Done()
		return
	}
	fmt.Fprintf(w, `data: {"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"length"}],"created":1795445785,"model":"tiny","object":"text_completion","usage":{"completion_tokens":%d,"prompt_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d}},"id":"chatcmpl-k"}`+"\n\ndata: [DONE]\n\n",
		q.MaxTokens, len(q.Prompt), q.MaxTokens+len(q.Prompt), f.cached)
}

var llamacpp = sync.OnceValues(func() (*space.Spec, error) { return space.Load("llamacpp") })

// testPlan is a trial of the fake server: two repeats at two load points.
func testPlan(t *testing.T, flags ...string) Plan {
	t.Helper()
	spec, err := llamacpp()
	if err != nil {
		t.Fatal(err)
	}
	server := spec.Server
	server.Argv = []string{"{bin}", "-port", "{port}", "{flags}"}
	server.Env = map[string]string{fakeVariable: "1"}
	server.Info = []space.Endpoint{{Path: "/props"}}
	server.StartTimeoutS, server.StopGraceS = 60, 60
	return Plan{
		StudyID: "s", TrialID: "t0001", ConfigID: "abc", Rank: "12", Purpose: "seed", Reason: "the default", Attempt: 1,
		EngineVersion: "b1", Launch: engine.Launch{Engine: "llamacpp", Bin: os.Args[0], Model: "tiny.gguf", Server: server},
		Flags:    flags,
		Params:   []results.Param{{Name: "parallel", Type: results.IntColumn, Value: int64(4)}},
		Workload: load.Workload{Input: "8", Output: "4", VocabLow: vocabLow, VocabHigh: vocabHigh},
		Runs:     Ladder(closedLoops(1, 2), &load.Source{}, 2),
		Stopping: Stopping{Repeats: 2},
	}
}

// closedLoops are load points of so many requests in flight.
func closedLoops(concurrency ...int) (points []Point) {
	for _, c := range concurrency {
		points = append(points, Point{Concurrency: c})
	}
	return points
}

func testStore(t *testing.T) results.Store {
	t.Helper()
	s := results.Store{Dir: t.TempDir()}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	return s
}

// outcome is what a trial left on disk.
type outcome struct {
	results.Store
	trial results.Trial
	runs  []results.Run
}

// measure runs a plan, and reads back what is on disk.
func measure(t *testing.T, ctx context.Context, p Plan, watch func(Event)) outcome {
	t.Helper()
	o := outcome{Store: testStore(t)}
	row, err := Runner{Store: o.Store, Watch: watch}.Run(ctx, t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.read(t, row)
}

func (o outcome) read(t *testing.T, row results.Trial) outcome {
	t.Helper()
	trials, bad, err := o.Trials()
	if err != nil || len(bad) > 0 || len(trials) != 1 {
		t.Fatalf("%d trials, %v, %v", len(trials), bad, err)
	}
	if o.trial = trials[0]; o.trial.TrialID != row.TrialID || o.trial.Outcome != row.Outcome || o.trial.FailureClass != row.FailureClass {
		t.Errorf("on disk %s %s %s, returned %s %s %s", o.trial.TrialID, o.trial.Outcome, o.trial.FailureClass, row.TrialID, row.Outcome, row.FailureClass)
	}
	if o.runs, bad, err = o.Runs(); err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	slices.SortFunc(o.runs, func(a, b results.Run) int { return cmp.Compare(a.RunID, b.RunID) })
	return o
}

func runIDs(runs []results.Run) string {
	var ids []string
	for _, r := range runs {
		ids = append(ids, strings.TrimPrefix(r.RunID, r.TrialID+"-"))
	}
	return strings.Join(ids, " ")
}

// gone reports whether the process whose pid is in a file has ended.
func gone(t *testing.T, file string) bool {
	t.Helper()
	pid := countFile(file)
	if pid == 0 {
		t.Fatal("the server wrote no pid")
	}
	return syscall.Kill(pid, 0) != nil
}

func pidFile(t *testing.T) string { return filepath.Join(t.TempDir(), "pid") }
