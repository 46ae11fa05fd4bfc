package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"harness/harness/study"
	"harness/results"
)

// BenchmarkFront is `harness front` on a study of 1,000 trials and 5,000 runs, as parts
// and packed: parts are read, checked and listed, the front with its probabilities
// computed and printed. It leaves the start of the process out.
func BenchmarkFront(b *testing.B) {
	dir := largeStudy(b)
	front := func(b *testing.B) {
		for b.Loop() {
			var out, log bytes.Buffer
			a := app{ctx: context.Background(), abort: context.Background(), stdout: &out, stderr: &log}
			if status := a.run([]string{"harness", "front", "--study", dir}); status != 0 || !bytes.Contains(out.Bytes(), []byte("1000 configs")) {
				b.Fatalf("status %d\n%s%s", status, &out, &log)
			}
		}
	}
	b.Run("parts", front)
	a := app{ctx: context.Background(), abort: context.Background(), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	if status := a.run([]string{"harness", "pack", "--study", dir}); status != 0 {
		b.Fatalf("pack: status %d\n%s", status, a.stderr)
	}
	b.Run("packed", front)
}

// largeStudy is a simulated study of one trial, and 999 more that are made up of it.
func largeStudy(b *testing.B) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "s")
	sweep := exec.Command("harness", "sweep", "--engine", "sim", "--device-num", "8", "--trials", "1", "--repeats", "1", "--concurrency", "16",
		"--isl", "8", "--osl", "4", "--client-gate", "warn", "--study", dir)
	if out, err := sweep.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	s, err := study.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	state, err := s.Load()
	if err != nil || len(state.Trials) != 1 || len(state.Runs) != 1 {
		b.Fatal(state, err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 1000 {
		t := state.Trials[0]
		t.TrialID, t.ConfigID, t.Rank = fmt.Sprintf("t%04d", i+1), fmt.Sprintf("%016x", rng.Uint64()), strconv.Itoa(1000*i)
		if i > 0 {
			writeLarge(b, s.Store, t, state.Runs[0], rng)
		}
	}
	return dir
}

func writeLarge(b *testing.B, store results.Store, t results.Trial, r results.Run, rng *rand.Rand) {
	ttft, tps := 1+rng.Float64(), 1+rng.Float64()
	r.TrialID, r.ConfigID, r.Requests = t.TrialID, t.ConfigID, 0
	for k := range 5 {
		r.RunID, r.Repeat = fmt.Sprintf("%s-c16-r%d", t.TrialID, k+1), int32(k+1)
		r.TTFTP50S, r.OutputTPS = 0.05*ttft*(1+0.01*rng.NormFloat64()), 1000*tps*(1+0.01*rng.NormFloat64())
		if err := store.WriteRun(r, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.WriteTrial(t); err != nil {
		b.Fatal(err)
	}
}
