package executor

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"harness/gpu"
	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/harness/sim"
	"harness/results"
	"harness/space"
)

// fakeVariable makes the test binary a simulated SGLang server.
const fakeVariable = "EXECUTOR_TEST_SIM"

func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(sim.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// testPlan is a trial of SGLang's spec with the simulator in the engine's place.
func testPlan(t *testing.T, flags ...string) bench.Plan {
	t.Helper()
	spec, err := space.Load("sglang")
	if err != nil {
		t.Fatal(err)
	}
	server := spec.Server
	server.Argv = []string{"{bin}", "--host", "{host}", "--port", "{port}", "--enable-metrics", "--sim-startup-s", "0", "{flags}"}
	server.Env = map[string]string{fakeVariable: "1"}
	return bench.Plan{StudyID: "s", TrialID: "t0001", ConfigID: "c", Rank: "0", Purpose: "seed", Attempt: 1, Simulated: true,
		Launch: engine.Launch{Engine: "sim", Bin: os.Args[0], Model: "sim", Server: server}, Flags: flags,
		Workload: load.Workload{Input: "16", Output: "4"}, Runs: bench.Ladder([]bench.Point{{Concurrency: 2}}, &load.Source{}, 2), Stopping: bench.Stopping{Repeats: 2}}
}

func run(t *testing.T, p bench.Plan) (results.Store, results.Trial) {
	t.Helper()
	s := results.Store{Dir: t.TempDir()}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	events := 0
	m, err := NewMachine(t.TempDir(), gpu.Simulated("H100", 8, 80<<30), []string{"SIM-0", "SIM-1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &Local{Store: s, Machine: m, Watch: func(bench.Event) { events++ }}
	slot, err := l.Claim(1, false)
	if err != nil || slot == nil || l.Free() != 1 {
		t.Fatalf("claimed %v, %v; %d free", slot, err, l.Free())
	}
	row, err := slot.Run(t.Context(), t.Context(), p)
	slot.Release()
	if err != nil {
		t.Fatal(err)
	}
	if events == 0 {
		t.Error("nobody was told")
	}
	return s, row
}

// A whole trial over SGLang's own interface: /generate, /flush_cache, /server_info
// and /metrics.
func TestLocalRunsATrial(t *testing.T) {
	s, row := run(t, testPlan(t))
	if row.Outcome != results.OK || !row.Simulated || len(row.GPUs) != 1 || row.GPUs[0] != "SIM-0" || !strings.Contains(row.EffectiveConfig, "/server_info") {
		t.Fatalf("%s %s: %s\n%s", row.Outcome, row.FailureClass, row.FailureLine, row.LogTail)
	}
	runs, bad, err := s.Runs()
	if err != nil || len(bad) > 0 || len(runs) != 2 {
		t.Fatalf("%d runs, %v, %v", len(runs), bad, err)
	}
	for _, r := range runs {
		if !r.Valid || !r.Flushed || !r.Simulated || r.OutputTokens != 8*4 || r.PromptTokens != 8*16 || r.CachedTokens != 0 {
			t.Errorf("%+v", r)
		}
	}
	samples, err := s.Samples("t0001")
	if err != nil || len(samples) == 0 || !strings.HasPrefix(samples[0].Metric, "sglang:") || !samples[0].Simulated {
		t.Errorf("%d samples, %v", len(samples), err)
	}
}

// A server that grows much slower in the middle of a run ends it, long before its requests'
// own bounds do, as slow; one of which nothing comes any more, as one that hangs.
func TestSlowRunEnds(t *testing.T) {
	t.Parallel()
	for factor, class := range map[int]string{150: engine.Slow, 1e6: engine.HangServing} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			slowRunEnds(t, factor, class)
		})
	}
}

func slowRunEnds(t *testing.T, factor int, class string) {
	const warm = 1 + 5*4 // requests before the runs, at most; the two runs have 16 more
	s, row := run(t, testPlan(t, "--sim-fail", fmt.Sprintf("slow:%d@%d", factor, warm+1)))
	if row.FailureClass != class || row.Phase != engine.PhaseRun || row.ExitStatus != nil || !strings.Contains(row.FailureLine, "not done after 5") {
		t.Errorf("%s %s in %s: %s\n%s", row.Outcome, row.FailureClass, row.Phase, row.FailureLine, row.LogTail)
	}
	runs, _, err := s.Runs()
	if err != nil || len(runs) == 0 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if r := runs[len(runs)-1]; r.Valid || !strings.Contains(r.InvalidReason, "not done after 5") {
		t.Errorf("%s: valid %v, %s", r.RunID, r.Valid, r.InvalidReason)
	}
}

// SGLang's ways to fail, by its own log lines and exit statuses.
func TestLocalClassifiesFailures(t *testing.T) {
	for _, tt := range []struct{ flags, class, phase string }{
		{"--bogus 1", engine.BadFlag, engine.PhaseStart},
		{"--tp-size 16", engine.IllegalConfig, engine.PhaseStart},
		{"--sim-fail crash@3", engine.Crash, engine.PhaseWarmup},
		{"--sim-fail oom@0", engine.OOMServing, engine.PhaseFirst},
	} {
		t.Run(tt.flags, func(t *testing.T) {
			_, row := run(t, testPlan(t, strings.Fields(tt.flags)...))
			if row.Outcome != results.Failed || row.FailureClass != tt.class || row.Phase != tt.phase || row.ExitStatus == nil {
				t.Errorf("%s %s in %s, %v: %s; want %s in %s\n%s", row.Outcome, row.FailureClass, row.Phase, row.ExitStatus, row.FailureLine, tt.class, tt.phase, row.LogTail)
			}
		})
	}
}
