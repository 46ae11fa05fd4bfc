package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harness/harness/engine"
	"harness/results"
)

func TestTrialWritesAllItsParts(t *testing.T) {
	t.Parallel()
	pid := pidFile(t)
	var phases []string
	o := measure(t, t.Context(), testPlan(t, "-pid", pid), func(e Event) {
		if len(phases) == 0 || phases[len(phases)-1] != e.Phase {
			phases = append(phases, e.Phase)
		}
	})
	if got := strings.Join(phases, " "); got != "launch warmup run stop" {
		t.Errorf("phases: %s", got)
	}
	r := o.trial
	if r.Outcome != results.OK || r.FailureClass != "" || r.ExitStatus != nil {
		t.Fatalf("outcome %s, %s: %s\n%s", r.Outcome, r.FailureClass, r.FailureLine, r.LogTail)
	}
	if !strings.Contains(strings.Join(r.Argv, " "), "-port ") || r.EffectiveConfig != `{"/props":{"total_slots":4}}` || r.Model != "tiny.gguf" {
		t.Errorf("launch: %q, %s, %s", r.Argv, r.EffectiveConfig, r.Model)
	}
	if r.LaunchSeconds <= 0 || r.WarmupSeconds <= 0 || r.MeasureSeconds <= 0 || r.TotalSeconds < r.LaunchSeconds+r.WarmupSeconds+r.MeasureSeconds {
		t.Errorf("times: %g, %g, %g of %g s", r.LaunchSeconds, r.WarmupSeconds, r.MeasureSeconds, r.TotalSeconds)
	}
	if len(r.Params) != 1 || r.Params[0].Value != int64(4) {
		t.Errorf("params: %v", r.Params)
	}
	if got := runIDs(o.runs); got != "c1-r1 c1-r2 c2-r1 c2-r2" {
		t.Fatalf("runs %s", got)
	}
	for _, run := range o.runs {
		checkRun(t, o, run)
	}
	samples, err := o.Samples("t0001")
	if err != nil || len(samples) != 4 || samples[0].Metric != "llamacpp:n_decode_total" || samples[0].Value != 5 || samples[0].RunID != "t0001-c1-r1" {
		t.Errorf("samples, one a run: %v, %v", samples, err)
	}
	if !gone(t, pid) {
		t.Error("the server still runs")
	}
}

func checkRun(t *testing.T, o outcome, run results.Run) {
	t.Helper()
	if !run.Valid || run.Requests != 8 || run.Failures != 0 || run.OutputTokens != 32 || run.PromptTokens != 64 || run.CachedTokens != 0 || run.Flushed {
		t.Errorf("%s: %+v", run.RunID, run)
	}
	if !(run.TTFTP50S > 0 && run.TTFTP50S <= run.TTFTP99S && run.OutputTPS > 0 && run.DurationS > 0) {
		t.Errorf("%s: TTFT %g, %g s, %g tok/s in %g s", run.RunID, run.TTFTP50S, run.TTFTP99S, run.OutputTPS, run.DurationS)
	}
	requests, err := o.Requests(run.RunID)
	if err != nil || len(requests) != 8 {
		t.Fatalf("%s: %d requests, %v", run.RunID, len(requests), err)
	}
	for i, r := range requests {
		if int(r.Request) != i || r.Status != 200 || r.FailureClass != "" || r.OutputTokens != 4 || r.Requested != 4 || len(r.ChunkNS) != 4 ||
			!(r.SendNS <= r.FirstTokenNS && r.FirstTokenNS <= r.LastTokenNS && r.LastTokenNS <= r.DoneNS) {
			t.Errorf("%s, request %d: %+v", run.RunID, i, r)
		}
	}
}

// Whatever goes wrong is a row with its class, phase, exit status and log.
func TestFailuresAreRows(t *testing.T) {
	t.Parallel()
	const warmup, probe = "33", "63"
	for _, tt := range []struct {
		name   string
		flags  string
		class  string
		phase  string
		exit   string // "" = it did not end by itself
		line   string
		tail   string
		kept   string // runs on disk
		reason string // of the last of them
	}{
		{name: "refuses a flag", flags: "-refuse", class: engine.BadFlag, phase: engine.PhaseStart, exit: "1",
			line: "error: invalid argument: --bogus", tail: "--bogus"},
		{name: "does not generate", flags: "-fail-tries 9 -fail-block " + probe, class: engine.RequestErrors, phase: engine.PhaseFirst,
			line: "first generation: http_status"},
		{name: "generates nothing", flags: "-empty " + probe, class: engine.WrongOutput, phase: engine.PhaseFirst, line: "first generation"},
		{name: "dies at the first generation", flags: "-die " + probe, class: engine.Crash, phase: engine.PhaseFirst, exit: "7", line: "GGML_ASSERT", tail: "GGML_ASSERT"},
		{name: "dies in the warm-up", flags: "-die " + warmup, class: engine.Crash, phase: engine.PhaseWarmup, exit: "7", line: "GGML_ASSERT", tail: "GGML_ASSERT"},
		{name: "answers nothing in the warm-up", flags: "-fail-tries 9 -fail-block " + warmup, class: engine.RequestErrors, phase: engine.PhaseWarmup,
			line: "requests failed, the first: http_status"},
		{name: "dies in a run", flags: "-die 1", class: engine.Crash, phase: engine.PhaseRun, exit: "7", line: "GGML_ASSERT", tail: "GGML_ASSERT",
			kept: "c1-r1 c2-r1"},
		{name: "stops in the first generation", flags: "-hold " + probe, class: engine.HangServing, phase: engine.PhaseFirst, line: "first generation: timeout_gap"},
		{name: "stops in the warm-up", flags: "-hold " + warmup, class: engine.HangServing, phase: engine.PhaseWarmup, line: "timeout_gap"},
		{name: "makes too few tokens", flags: "-short 0", class: engine.WrongOutput, phase: engine.PhaseRun,
			line: "wrong_count", kept: "c1-r1 c1-r1.2 c1-r1.3", reason: "requests failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pid := pidFile(t)
			p := testPlan(t, append(strings.Fields(tt.flags), "-pid", pid)...)
			if strings.HasPrefix(tt.flags, "-hold") {
				p.Launch.Server.StallTimeoutS = 0.5
			}
			o := measure(t, t.Context(), p, nil)
			r := o.trial
			exit := ""
			if r.ExitStatus != nil {
				exit = fmt.Sprint(*r.ExitStatus)
			}
			if r.Outcome != results.Failed || r.FailureClass != tt.class || r.Phase != tt.phase || exit != tt.exit {
				t.Errorf("%s, %s in phase %s, exit %q; want %s in phase %s, exit %q", r.Outcome, r.FailureClass, r.Phase, exit, tt.class, tt.phase, tt.exit)
			}
			if !strings.Contains(r.FailureLine, tt.line) || !strings.Contains(r.LogTail, tt.tail) || r.FailureSeconds == nil || *r.FailureSeconds <= 0 {
				t.Errorf("line %q, tail %q, after %v", r.FailureLine, r.LogTail, r.FailureSeconds)
			}
			if kept := runIDs(o.runs); kept != tt.kept {
				t.Errorf("runs on disk: %s, want %s", kept, tt.kept)
			}
			if n := len(o.runs); tt.reason != "" && !strings.Contains(o.runs[n-1].InvalidReason, tt.reason) {
				t.Errorf("invalid: %q", o.runs[n-1].InvalidReason)
			}
			if !gone(t, pid) {
				t.Error("the server still runs")
			}
		})
	}
}

func TestServerThatIsNeverReadyHangsAtStart(t *testing.T) {
	t.Parallel()
	p := testPlan(t, "-never")
	p.Launch.Server.StartTimeoutS = 0.3
	r := measure(t, t.Context(), p, nil).trial
	if r.FailureClass != engine.HangStart || r.Phase != engine.PhaseStart || r.ExitStatus != nil || !strings.Contains(r.FailureLine, "not ready in time (0.3 s)") {
		t.Errorf("%s in %s, %v: %s", r.FailureClass, r.Phase, r.ExitStatus, r.FailureLine)
	}
}

func TestInvalidRunIsKeptAndMeasuredAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		flags   string
		outcome string
		class   string
		runs    string
		valid   string // of each run
	}{
		{"valid at the last try", "-fail-block 0 -fail-tries 2", results.OK, "", "c1-r1 c1-r1.2 c1-r1.3 c1-r2 c2-r1 c2-r2", "nnyyyy"},
		{"never valid", "-fail-block 0 -fail-tries 9", results.Failed, engine.RequestErrors, "c1-r1 c1-r1.2 c1-r1.3", "nnn"},
		// It serves, and other load points may be of use: the numbers of this one are not.
		{"cached, no request fails", "-cached 6", results.OK, "", "c1-r1 c1-r1.2 c1-r1.3", "nnn"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := testPlan(t, strings.Fields(tt.flags)...)
			if tt.class == "" && tt.valid == "nnn" {
				p.Runs = p.Runs[:1]
			}
			o := measure(t, t.Context(), p, nil)
			valid := ""
			for _, r := range o.runs {
				valid += map[bool]string{true: "y", false: "n"}[r.Valid]
				if r.Valid != (r.InvalidReason == "") {
					t.Errorf("%s: valid %v, reason %q", r.RunID, r.Valid, r.InvalidReason)
				}
			}
			if o.trial.Outcome != tt.outcome || o.trial.FailureClass != tt.class || runIDs(o.runs) != tt.runs || valid != tt.valid {
				t.Errorf("%s %s, runs %s, valid %s; want %s %s, %s, %s", o.trial.Outcome, o.trial.FailureClass, runIDs(o.runs), valid, tt.outcome, tt.class, tt.runs, tt.valid)
			}
			blocks := map[int64]bool{}
			for _, r := range o.runs {
				if blocks[r.Block] {
					t.Errorf("%s: the prompts of block %d were used twice", r.RunID, r.Block)
				}
				blocks[r.Block] = true
			}
		})
	}
}

// Runs of a trial that is apart are measured like others, once, and stored as no results.
func TestRunsApartAreNoResults(t *testing.T) {
	t.Parallel()
	p := testPlan(t)
	p.Apart = "interference test"
	o := measure(t, t.Context(), p, nil)
	if o.trial.Outcome != results.OK || len(o.runs) != 4 {
		t.Fatalf("%s with %d runs, want 4", o.trial.Outcome, len(o.runs))
	}
	for _, r := range o.runs {
		if r.Valid || r.InvalidReason != p.Apart || r.OutputTPS == 0 {
			t.Errorf("%s: valid %v, %q, %g tok/s", r.RunID, r.Valid, r.InvalidReason, r.OutputTPS)
		}
	}
}

func TestTakenPortIsRetried(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fails, launches int }{{0, 1}, {2, 3}, {9, portTries}} {
		file := filepath.Join(t.TempDir(), "launches")
		o := measure(t, t.Context(), testPlan(t, "-launches", file, "-port-fails", fmt.Sprint(tt.fails)), nil)
		want := results.OK
		if tt.fails >= portTries {
			want = results.Failed
		}
		if o.trial.Outcome != want || countFile(file) != tt.launches {
			t.Errorf("%d taken ports: %s %s after %d launches, want %s after %d", tt.fails, o.trial.Outcome, o.trial.FailureClass, countFile(file), want, tt.launches)
		}
		if want == results.Failed && (o.trial.FailureClass != engine.Port || o.trial.ExitStatus == nil) {
			t.Errorf("%d taken ports: %s", tt.fails, o.trial.FailureClass)
		}
	}
}

func TestOtherFailuresAreNotRetried(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "launches")
	if o := measure(t, t.Context(), testPlan(t, "-refuse", "-launches", file), nil); countFile(file) != 1 {
		t.Errorf("%s after %d launches, want 1", o.trial.FailureClass, countFile(file))
	}
}

// A cancelled trial leaves its finished runs, its row, and no process.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags string
		at    string // event
		runs  string
	}{
		{"at start", "-never", "launch ", ""},
		{"in the warm-up", "-hold 33", "warmup round 1", ""},
		{"in the third run", "-hold 2", "run c1, repeat 2 (3 of 4)", "c1-r1 c2-r1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := measure(t, ctx, testPlan(t, strings.Fields(tt.flags)...), func(e Event) {
				if strings.HasPrefix(e.Phase+" "+e.Detail, tt.at) {
					cancel()
				}
			})
			r := o.trial
			if r.Outcome != results.Cancelled || r.FailureClass != engine.Cancelled || r.ExitStatus != nil || r.Phase != "" {
				t.Errorf("%s %s %v %q", r.Outcome, r.FailureClass, r.ExitStatus, r.Phase)
			}
			if got := runIDs(o.runs); got != tt.runs {
				t.Errorf("runs on disk: %q, want %q", got, tt.runs)
			}
		})
	}
}

// The server ignores SIGTERM, and the grace is an hour: abort must end it.
func TestAbortKillsTheServer(t *testing.T) {
	t.Parallel()
	pid := pidFile(t)
	p := testPlan(t, "-stubborn", "-hold", "0", "-pid", pid)
	p.Launch.Server.StopGraceS = 3600
	ctx, cancel := context.WithCancel(t.Context())
	abort, kill := context.WithCancel(t.Context())
	defer kill()
	row, err := Runner{Store: testStore(t), Watch: func(e Event) {
		switch e.Phase {
		case "run":
			cancel()
		case "stop":
			kill()
		}
	}}.Run(ctx, abort, p, nil)
	if err != nil || row.Outcome != results.Cancelled {
		t.Errorf("%s, %v", row.Outcome, err)
	}
	if !gone(t, pid) {
		t.Error("the server still runs")
	}
}

// The harness's own trouble is an error, and leaves no row: the trial counts as
// interrupted.
func TestOwnTroubleIsAnError(t *testing.T) {
	t.Parallel()
	missing := testPlan(t)
	missing.Launch.Bin = filepath.Join(t.TempDir(), "missing")
	store := testStore(t)
	if _, err := (Runner{Store: store}).Run(t.Context(), t.Context(), missing, nil); err == nil || !strings.Contains(err.Error(), "trial t0001: start "+missing.Launch.Bin) {
		t.Errorf("missing program: %v", err)
	}
	if trials, _, _ := store.Trials(); len(trials) != 0 {
		t.Errorf("it left %d rows", len(trials))
	}

	pid := pidFile(t)
	store = testStore(t)
	if err := os.RemoveAll(filepath.Join(store.Dir, "runs")); err != nil {
		t.Fatal(err)
	}
	_, err := Runner{Store: store}.Run(t.Context(), t.Context(), testPlan(t, "-pid", pid), nil)
	if err == nil || !strings.Contains(err.Error(), "run t0001-c1-r1") {
		t.Errorf("a run that cannot be stored: %v", err)
	}
	if trials, _, _ := store.Trials(); len(trials) != 0 || !gone(t, pid) {
		t.Errorf("it left %d rows, or its server", len(trials))
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	p := testPlan(t)
	r := Interrupted(p)
	if r.Outcome != results.Cancelled || r.FailureClass != engine.Cancelled || r.TrialID != p.TrialID || r.ConfigID != p.ConfigID ||
		r.Rank != p.Rank || r.Purpose != p.Purpose || r.Attempt != 1 || len(r.Params) != 1 || r.FailureLine == "" {
		t.Errorf("%+v", r)
	}
	if err := testStore(t).WriteTrial(r); err != nil {
		t.Error(err)
	}
}
