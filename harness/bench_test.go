package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results"
)

// simulator runs the simulated server in dir until end is called.
func simulator(dir string, flags ...string) (url string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		return "", nil, err
	}
	command, err := exec.LookPath("harness")
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(command, append([]string{"sim", "--port", port}, flags...)...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // it is killed
	}()
	end = func() {
		cmd.Process.Kill()
		<-ended
	}
	url = "http://127.0.0.1:" + port
	up := func() bool {
		resp, err := http.Get(url + "/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	if !pollFor(up) {
		end()
		return "", nil, fmt.Errorf("the simulator does not answer at %s", url)
	}
	return url, end, nil
}

// startSim runs the simulated server until the script ends, and sets URL.
//
//	simserver FLAG ...
func startSim(ts *testscript.TestScript, neg bool, flags []string) {
	url, end, err := simulator(ts.Getenv("WORK"), flags...)
	ts.Check(err)
	ts.Defer(end)
	ts.Setenv("URL", url)
}

// Ctrl-C in the middle of a run: what was measured is shown and kept, and the status
// says so.
func TestBenchInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, end, err := simulator(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	c := startCommand(t, dir, nil, "bench", "--url", url, "--concurrency", "2", "--isl", "8", "--osl", "20", "--requests", "4", "--repeats", "1000", "--out", "o", "--plain", "--client-gate", "warn")
	c.line("[2/1000] c2")
	c.signal(syscall.SIGINT)
	if status := c.status(); status != exitInterrupted {
		t.Errorf("status %d, want %d", status, exitInterrupted)
	}
	if text := c.stdout.String(); !strings.Contains(text, "valid runs") || !strings.Contains(text, "output tok/s") {
		t.Errorf("what was measured is not shown:\n%s", text)
	}
	runs, err := readMeasured(results.Store{Dir: filepath.Join(dir, "o")}, load.Workload{})
	if err != nil || len(runs) < 2 {
		t.Fatalf("%d runs are kept, %v", len(runs), err)
	}
	for i, m := range runs { // the signal may also have come between two runs
		if last := i == len(runs)-1; !m.Row.Valid && !(last && m.Row.InvalidReason == "interrupted") {
			t.Errorf("run %d of %d: valid %v, %q", i+1, len(runs), m.Row.Valid, m.Row.InvalidReason)
		}
	}
}

// sameNumbers compares two documents of bench, but for warnings that only the running
// server could give.
//
//	samenumbers FILE FILE
func sameNumbers(ts *testscript.TestScript, neg bool, files []string) {
	var docs [2]map[string]any
	for i, f := range files {
		dec := json.NewDecoder(strings.NewReader(ts.ReadFile(f)))
		dec.UseNumber() // to the last digit
		ts.Check(dec.Decode(&docs[i]))
		delete(docs[i], "warnings")
	}
	var differ []string
	for _, key := range slices.Concat(slices.Collect(maps.Keys(docs[0])), slices.Collect(maps.Keys(docs[1]))) {
		if !reflect.DeepEqual(docs[0][key], docs[1][key]) {
			differ = append(differ, fmt.Sprintf("%s: %v, %v", key, docs[0][key], docs[1][key]))
		}
	}
	if (len(differ) == 0) == neg {
		ts.Fatalf("these differ: %q", differ)
	}
}

// plainServer speaks OpenAI's chat format as a service does that knows nothing else: it
// refuses fields that are not OpenAI's, and wants a key.
func plainServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret-1" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"data":[{"id":"gpt-x","owned_by":"someone"}]}`)
	})
	mux.HandleFunc("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var q map[string]any
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q["ignore_eos"] != nil || q["model"] != "gpt-x" || r.Header.Get("Authorization") != "Bearer secret-1" {
			http.Error(w, fmt.Sprintf("unknown field in %v", q), http.StatusBadRequest)
			return
		}
		text := q["messages"].([]any)[0].(map[string]any)["content"].(string)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"w\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
			7+2*len(strings.Fields(text)))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// A service that only speaks OpenAI's chat format is measured with text of the right
// length, and the key is shown nowhere.
func TestBenchOfAPlainService(t *testing.T) {
	s := plainServer(t)
	t.Setenv("OPENAI_API_KEY", "secret-1")
	out := filepath.Join(t.TempDir(), "out")
	var stdout, stderr strings.Builder
	a := app{ctx: t.Context(), abort: t.Context(), stdout: &stdout, stderr: &stderr}
	status := a.run([]string{"harness", "bench", "--url", s.URL + "/v1", "--isl", "107", "--osl", "4", "--requests", "8", "--concurrency", "2", "--repeats", "1", "--header", "X-Team: secret-2", "--out", out, "--client-gate", "warn"})
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, &stdout, &stderr)
	}
	for _, want := range []string{"openai", "the chat interface, model gpt-x", "prompt_tokens of two generations"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, &stderr)
		}
	}
	if !strings.Contains(stdout.String(), "Tokens   107.0 prompt and 1.0 output") {
		t.Errorf("the prompts are not 107 tokens long:\n%s", &stdout)
	}
	secret, err := exec.Command("grep", "-r", "secret-", out).CombinedOutput()
	if text := stdout.String() + stderr.String() + string(secret); strings.Contains(text, "secret-") || err == nil {
		t.Errorf("a secret is shown:\n%s", text)
	}
}

// Each flag of a workload gives the workload that it says; flags that contradict are
// refused.
func TestWorkloadFlags(t *testing.T) {
	read := func(args ...string) (load.Workload, []bench.Point, error) {
		var w load.Workload
		var points []bench.Point
		app := &cli.App{Flags: append([]cli.Flag{&cli.StringFlag{Name: "concurrency", Value: "16"}, &cli.StringFlag{Name: "rate"}}, workloadFlags...),
			Action: func(c *cli.Context) (err error) {
				if w, err = readWorkload(c, load.Workload{Input: "512", Output: "64", Seed: 1}); err == nil {
					points, err = readPoints(c, w)
				}
				return err
			}, ExitErrHandler: func(*cli.Context, error) {}}
		err := app.Run(append([]string{"x"}, args...))
		return w, points, err
	}
	one := []bench.Point{{Concurrency: 16}}
	for _, tt := range []struct {
		args   string
		want   load.Workload
		points []bench.Point
	}{
		{"", load.Workload{Input: "512", Output: "64", Seed: 1}, one},
		{"--isl 5 --osl uniform:1-9", load.Workload{Input: "5", Output: "uniform:1-9", Seed: 1}, one},
		{"--range-ratio 0.5 --range-ratio-style sglang", load.Workload{Input: "uniform:256-512", Output: "uniform:32-64", Seed: 1}, one},
		{"--range-ratio 0.5 --range-ratio-style vllm --isl 10", load.Workload{Input: "uniform:5-15", Output: "uniform:32-96", Seed: 1}, one},
		{"--prefix 2x3x40", load.Workload{Input: "512", Output: "64", Seed: 1, Prefix: &load.Prefix{Groups: 2, PerGroup: 3, Tokens: 40}}, one},
		{"--turns 3 --think 1500ms", load.Workload{Input: "512", Output: "64", Seed: 1, Turns: &load.Turns{Count: 3, ThinkSeconds: 1.5}}, one},
		{"--vocab 5-9", load.Workload{Input: "512", Output: "64", Seed: 1, VocabLow: 5, VocabHigh: 9}, one},
		{"--trace /t --trace-speed 2", load.Workload{Seed: 1, Trace: &load.TraceFile{Path: "/t", Speed: 2}}, []bench.Point{{}}},
		{"--sharegpt /s --osl 9", load.Workload{Output: "9", Seed: 1, ShareGPT: &load.ShareGPTFile{Path: "/s"}}, one},
		{"--rate 0.5,8", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Rate: 0.5}, {Rate: 8}}},
		{"--rate 4 --concurrency 1,8", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Concurrency: 1}, {Concurrency: 8}, {Rate: 4}}},
		{"--burst 4,8", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Concurrency: 4, Once: true}, {Concurrency: 8, Once: true}}},
		{"--stages c2:5s,r4:1m", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Stages: "c2:5s,r4:60s"}}},
		{"--rate-cap 2", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Concurrency: 16, RateCap: 2}}},
		{"--concurrency 2,4 --rate-cap 2 --rate 1", load.Workload{Input: "512", Output: "64", Seed: 1}, []bench.Point{{Concurrency: 2, RateCap: 2}, {Concurrency: 4, RateCap: 2}, {Rate: 1}}},
		{"--trace /t --concurrency 2", load.Workload{Seed: 1, Trace: &load.TraceFile{Path: "/t"}}, []bench.Point{{Concurrency: 2}}},
	} {
		got, points, err := read(strings.Fields(tt.args)...)
		if err != nil || !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(points, tt.points) {
			t.Errorf("%s: %+v at %v, %v; want %+v at %v", tt.args, got, points, err, tt.want, tt.points)
		}
	}
	for args, want := range map[string]string{
		"--isl 0": "--isl 0", "--osl x": "--osl x", "--isl uniform:9-5": "empty", "--prefix 8x16": "8x16x2048", "--prefix 8x16x0": "at least 1", "--turns 0": "at least 1",
		"--think 1s": "--turns", "--vocab 9": "LOW-HIGH", "--vocab 9-5": "not empty", "--trace-speed 2": "--trace", "--trace /t --sharegpt /s": "leave one out",
		"--trace /t --isl 5": "the file says", "--range-ratio 0.5": "go together", "--range-ratio-style vllm": "go together", "--range-ratio 2 --range-ratio-style vllm": "0 to less than 1",
		"--range-ratio 0.5 --range-ratio-style llama": "llama", "--isl uniform:1-2 --range-ratio 0.5 --range-ratio-style vllm": "single number",
		"--turns 2 --prefix 1x1x1": "one of", "--rate 0": "--rate", "--rate 1,1": "twice", "--rate x": "--rate",
		"--burst 0": "--burst", "--burst 4 --rate 1": "--burst and --rate", "--stages c2:5s --concurrency 4": "--stages and --concurrency", "--stages c2": "such as c8:30s",
		"--rate-cap 0": "--rate-cap 0", "--rate-cap 1 --rate 2": "beside --concurrency", "--workload /nowhere": "/nowhere",
	} {
		_, _, err := read(strings.Fields(args)...)
		var exit *exitError
		if err == nil || !errors.As(err, &exit) || exit.status != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want a usage error with %q", args, err, want)
		}
	}
}
