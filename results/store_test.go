package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func testStore(t *testing.T) Store {
	t.Helper()
	s := Store{Dir: t.TempDir()}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	return s
}

func testTrial() Trial {
	exit, after := int32(-9), 1.5
	return Trial{
		StudyID: "s", TrialID: "t0001", ConfigID: "abc", Rank: "340282366920938463463374607431768211455", Purpose: "seed",
		Replicate: 2, Attempt: 1, Outcome: Failed, FailureClass: "crash", Phase: "run", ExitStatus: &exit, FailureSeconds: &after,
		Engine: "sim", Simulated: true, GPUs: []string{"GPU-1", "GPU-2"}, Argv: []string{"server", "--tp-size", "2"},
		EffectiveCompared: 5, EffectiveDifferences: []Difference{{"tp_size", "2", "4"}, {"page_size", "1", "none"}},
		Interference: NeighboursRefused, InterferenceWhy: "output_tps -7.0 %", InterferenceRatios: []Ratio{{"output_tps", 0.93, 0.91, 0.95}},
		CPUs: []int32{2, 3}, StartedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), LaunchSeconds: 0.25,
		Params: []Param{
			{Name: "tp_size", Type: IntColumn, Value: int64(2)},
			{Name: "page_size", Type: IntColumn}, // flag omitted
			{Name: "enable_mixed_chunk", Type: BoolColumn, Value: false},
			{Name: "mem_fraction_static", Type: FloatColumn, Value: 0.85},
			{Name: "schedule_policy", Type: StringColumn, Value: "lpm"},
		},
	}
}

func TestTrialKeepsEveryColumn(t *testing.T) {
	s := testStore(t)
	want := testTrial()
	if err := s.WriteTrial(want); err != nil {
		t.Fatal(err)
	}
	got, bad, err := s.Trials()
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	byName := cmpopts.SortSlices(func(a, b Param) bool { return a.Name < b.Name })
	if diff := cmp.Diff([]Trial{want}, got, byName); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestRunKeepsItsRequests(t *testing.T) {
	s := testStore(t)
	run := Run{RunID: "t0001-c4-r1", TrialID: "t0001", Valid: true, TTFTP50S: 0.012, StartedAt: time.Unix(1, 0).UTC()}
	want := []Request{
		{RunID: run.RunID, Request: 0, SendNS: 5, FirstTokenNS: 100, ChunkNS: []int64{100, 200, 300}, ChunkTokens: []int32{1, 1, 2}},
		{RunID: run.RunID, Request: 1, FirstTokenNS: -1, FailureClass: "reset", Error: "connection reset"},
	}
	if err := s.WriteRun(run, want); err != nil {
		t.Fatal(err)
	}
	runs, bad, err := s.Runs()
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	if diff := cmp.Diff([]Run{run}, runs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	got, err := s.Requests(run.RunID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestParameterMayNotTakeAColumnsName(t *testing.T) {
	trial := testTrial()
	trial.Params = append(trial.Params, Param{Name: "engine", Type: IntColumn})
	if err := testStore(t).WriteTrial(trial); err == nil || !strings.Contains(err.Error(), `"engine"`) {
		t.Errorf("got %v, want an error that names the parameter", err)
	}
}

func TestUnwrittenTemporaryFilesAreNoParts(t *testing.T) {
	s := testStore(t)
	if err := os.WriteFile(filepath.Join(s.Dir, trialsDir, ".tmp-1.parquet"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, bad, err := s.Trials(); err != nil || len(got)+len(bad) > 0 {
		t.Errorf("got %v, %v, %v", got, bad, err)
	}
}

func TestLockHasOneOwner(t *testing.T) {
	s := testStore(t)
	unlock, err := s.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d on ", os.Getpid())) {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	again, err := s.Lock()
	if err != nil {
		t.Fatal("after unlock:", err)
	}
	again()
}

func TestUnreadableFolderIsAnError(t *testing.T) {
	s := testStore(t)
	if err := os.RemoveAll(filepath.Join(s.Dir, trialsDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, trialsDir), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Trials()
	var b *BadPart
	if err == nil || errors.As(err, &b) {
		t.Errorf("got %v, want an error of the folder", err)
	}
}
