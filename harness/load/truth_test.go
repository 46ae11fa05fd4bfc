package load

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	server "harness/harness/load/mock"
)

// A comparison is a run's stamps beside those of the server that wrote, in seconds.
type comparison struct {
	stamp []float64 // best stamp of each event with tokens, minus its write
	user  []float64 // the program's, likewise
	late  float64   // the mock's own p99 lateness
}

// compare matches the records of a run with the server's by their prompts, whose
// lengths all differ.
func compare(t testing.TB, res *Result, truth server.Truth) (c comparison) {
	t.Helper()
	start := res.Start.UnixNano()
	byLength := map[int]*server.Request{}
	for i := range truth.Requests {
		byLength[truth.Requests[i].PromptTokens] = &truth.Requests[i]
	}
	for i := range res.Records {
		rec := &res.Records[i]
		if !rec.OK() {
			t.Fatalf("record %d: %s: %s", i, rec.Class, rec.Error)
		}
		want := byLength[rec.PromptTokens]
		ns, _ := rec.TokenChunks()
		if want == nil || len(ns) != len(want.WriteNS) {
			t.Fatalf("record %d: %d events of %d tokens, the server's record is %+v", i, len(ns), rec.OutputTokens, want)
		}
		n := 0
		for k := range rec.ChunkNS {
			if !rec.HasTokens(k) {
				continue
			}
			c.stamp = append(c.stamp, seconds(start+rec.ChunkNS[k]-want.WriteNS[n]))
			user := rec.ChunkNS[k]
			if rec.ChunkUserNS != nil {
				user = rec.ChunkUserNS[k]
			}
			c.user = append(c.user, seconds(start+user-want.WriteNS[n]))
			n++
		}
	}
	slices.Sort(c.stamp)
	slices.Sort(c.user)
	c.late = truth.LateP99Seconds
	return c
}

// ofLengths are prompts whose lengths all differ, from 1 token.
func ofLengths(n, output int) []Prompt {
	p := make([]Prompt, n)
	for i := range p {
		p[i] = Prompt{TokenIDs: make([]int32, i+1), Text: strings.Repeat(" w", i+1), OutputTokens: output}
	}
	return p
}

// quietEnough skips what a busy machine would decide: when the canary was late, or the
// mock itself was.
func quietEnough(t *testing.T, c Client, late float64) bool {
	if c.CanaryP99Seconds > 2*maxCanarySeconds || c.WaitShare > maxWaitShare/4 || c.StealShare > 0.03 || late > 5e-3 {
		t.Logf("left out: this machine is busy: canary p99 %.2f ms, no core for %.1f %%, steal %.1f %%, mock late p99 %.2f ms",
			c.CanaryP99Seconds*1e3, c.WaitShare*100, c.StealShare*100, late*1e3)
		return false
	}
	return true
}

// measures skips a test of accuracy where it would take too long or tell nothing.
func measures(t *testing.T) {
	t.Helper()
	if testing.Short() || raceDetector {
		t.Skip("takes some seconds of a quiet machine, and no race detector")
	}
}

// ofFive calls measure five times and gives the median of each of its values over
// the runs that were quiet. It skips the test if fewer than three were.
func ofFive(t *testing.T, measure func() (values []float64, quiet bool)) []float64 {
	t.Helper()
	var runs [][]float64
	for range 5 {
		if v, quiet := measure(); quiet {
			runs = append(runs, v)
		}
	}
	if len(runs) < 3 {
		t.Skip("this machine is too busy to tell: fewer than 3 of 5 runs were quiet")
	}
	medians := make([]float64, len(runs[0]))
	for k := range medians {
		var of []float64
		for _, v := range runs {
			of = append(of, v[k])
		}
		medians[k] = median(of)
	}
	return medians
}

// The stamps and what is derived from them, beside the server's own record of when it
// wrote. Bounds in seconds, and as shares of the truth.
func TestStampsAgainstTheTruth(t *testing.T) {
	measures(t)
	const us = 1e-6
	for _, tt := range []struct {
		name            string
		run             runFunc
		streams, tokens int
		gap             time.Duration
		p50, p99        float64
	}{
		{"kernel, 64 streams", runBy(kernelTransport), 64, 30, 15 * time.Millisecond, 50 * us, 300 * us},
		{"plain, 64 streams", runBy(plainTransport), 64, 30, 15 * time.Millisecond, 400 * us, 2500 * us},
		{"kernel, 256 streams", runBy(kernelTransport), 256, 20, 25 * time.Millisecond, 50 * us, 300 * us},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := server.Start(t, server.Options{Plan: server.Plan{First: 60 * time.Millisecond, Gap: tt.gap, Mode: server.Staggered}})
			got := ofFive(t, func() ([]float64, bool) {
				m.Reset()
				res := tt.run(t, Target{URL: m.URL, API: Completions}, Options{Prompts: ofLengths(tt.streams, tt.tokens), Concurrency: tt.streams})
				truth := m.Truth()
				c := compare(t, res, truth)
				return append([]float64{rank(c.stamp, 0.5), rank(c.stamp, 0.99), res.Client.ErrorP99Seconds}, deviations(res, truth)...), quietEnough(t, res.Client, truth.LateP99Seconds)
			})
			p99 := max(tt.p99, 2*got[2]) // on a busy machine no better than the client itself says
			for k, bound := range []struct {
				what string
				most float64
			}{
				{"stamp p50, s", tt.p50}, {"stamp p99, s", p99}, {"client error p99, s", 1},
				{"median TTFT", 0.01}, {"p99 TTFT", 0.03}, {"median TPOT", 0.002}, {"output TPS", 0.002},
			} {
				if got[k] > bound.most {
					t.Errorf("%s is off by %.3g, and at most %.3g is good", bound.what, got[k], bound.most)
				}
				t.Logf("%s: %.3g", bound.what, got[k])
			}
		})
	}
}

// deviations are how far the metrics are from the same of the server's record, as
// shares of it: median and p99 of TTFT, median TPOT, output tokens a second.
func deviations(res *Result, truth server.Truth) []float64 {
	var ttft, tpot []float64
	first, last := int64(never), int64(0)
	tokens := 0
	for _, r := range truth.Requests {
		n := len(r.WriteNS)
		ttft = append(ttft, seconds(r.WriteNS[0]-r.ArrivalNS))
		tpot = append(tpot, seconds(r.WriteNS[n-1]-r.WriteNS[0])/float64(n-1))
		first, last = min(first, r.ArrivalNS), max(last, r.WriteNS[n-1])
		tokens += n
	}
	slices.Sort(ttft)
	slices.Sort(tpot)
	s := Summarize(res)
	mine, myTPOT := slices.Sorted(slices.Values(s.TTFTSeconds)), slices.Sorted(slices.Values(s.TPOTSeconds))
	off := func(got, want float64) float64 { return math.Abs(got/want - 1) }
	return []float64{
		off(rank(mine, 0.5), rank(ttft, 0.5)), off(rank(mine, 0.99), rank(ttft, 0.99)),
		off(rank(myTPOT, 0.5), rank(tpot, 0.5)), off(s.OutputTPS, float64(tokens)/seconds(last-first)),
	}
}

// An open loop keeps its schedule.
func TestScheduleIsKept(t *testing.T) {
	measures(t)
	for _, tt := range []struct {
		arrival    Arrival
		rate       float64
		burstiness float64
	}{{Constant, 200, 1}, {Poisson, 1000, 1}, {Gamma, 500, 0.5}} {
		t.Run(fmt.Sprintf("%s %v", tt.arrival, tt.rate), func(t *testing.T) {
			m := server.Start(t, server.Options{})
			n := int(tt.rate / 4)
			got := ofFive(t, func() ([]float64, bool) {
				c := mustRun(t, Target{URL: m.URL, API: Completions}, Options{Prompts: ofLengths(n, 1), Rate: tt.rate, Arrival: tt.arrival, Burstiness: tt.burstiness, Seed: 5}).Client
				return []float64{c.LagP50Seconds, c.LagP99Seconds, math.Abs(c.RateRatio - 1), c.CanaryP99Seconds}, quietEnough(t, c, 0)
			})
			p99 := max(1.5e-3, 2*got[3]) // on a busy machine no better than the client itself says
			if got[0] > 100e-6 || got[1] > p99 || got[2] > 0.001 {
				t.Errorf("lag p50 %.0f us, p99 %.0f us, rate off by %.3g; at most 100 us, %.0f us and 0.001 is good", got[0]*1e6, got[1]*1e6, got[2], p99*1e6)
			}
			t.Logf("lag p50 %.0f us, p99 %.0f us, rate off by %.2g", got[0]*1e6, got[1]*1e6, got[2])
		})
	}
}

// A server that stalls once makes those wait that were due meanwhile: the latencies
// from schedule show it, as the queue's own arithmetic says.
func TestStallIsNotOmitted(t *testing.T) {
	measures(t)
	const rate, n = 400.0, 160
	plan := server.Plan{First: 20 * time.Millisecond, StallAt: 100 * time.Millisecond, StallFor: 150 * time.Millisecond}
	m := server.Start(t, server.Options{Plan: plan})
	var want []float64 // by the time it was due: written after First, or at the end of the stall
	for i := range n {
		due := float64(i) / rate // from the first arrival
		at := due + plan.First.Seconds()
		if from, to := plan.StallAt.Seconds(), (plan.StallAt + plan.StallFor).Seconds(); at >= from && at < to {
			at = to
		}
		want = append(want, at-due)
	}
	slices.Sort(want)
	got := ofFive(t, func() ([]float64, bool) {
		m.Reset()
		res := mustRun(t, Target{URL: m.URL, API: Completions}, Options{Prompts: ofLengths(n, 1), Rate: rate, Arrival: Constant})
		s := Summarize(res)
		sched, send := slices.Sorted(slices.Values(s.TTFTSchedSeconds)), slices.Sorted(slices.Values(s.TTFTSeconds))
		return []float64{rank(sched, 0.5), rank(sched, 0.9), rank(sched, 0.99), rank(send, 0.5), rank(send, 0.9), rank(send, 0.99)}, quietEnough(t, res.Client, 0)
	})
	for k, q := range []float64{0.5, 0.9, 0.99, 0.5, 0.9, 0.99} { // from schedule, and from the send: an open loop sends in time, whatever the server does
		if w := rank(want, q); math.Abs(got[k]-w) > max(0.01*w, 1/rate) { // one request on the other side of the stall's end is a gap
			t.Errorf("p%v from %s: %.4f s, want %.4f", q*100, []string{"schedule", "the send"}[k/3], got[k], w)
		}
	}
}

// The load generator at several loads beside a mock in another process or this one:
// the error of its stamps, its CPU, and what was lost. MOCK_URL names a server.
func BenchmarkTruth(b *testing.B) {
	for _, bm := range []struct {
		streams, tokens int
		gap             time.Duration
	}{{64, 128, 20 * time.Millisecond}, {256, 128, 20 * time.Millisecond}, {512, 128, 25600 * time.Microsecond}, {256, 256, 5 * time.Millisecond}} {
		for _, mode := range []server.Mode{server.Own, server.Staggered} {
			for name, run := range map[string]runFunc{"kernel": runBy(kernelTransport), "plain": runBy(plainTransport)} {
				b.Run(fmt.Sprintf("%s/%s/%dx%v", name, mode, bm.streams, bm.gap), func(b *testing.B) {
					m := server.Start(b, server.Options{Plan: server.Plan{First: 200 * time.Millisecond, Gap: bm.gap, Mode: mode}})
					for range b.N {
						res := run(b, Target{URL: m.URL, API: Completions}, Options{Prompts: ofLengths(bm.streams, bm.tokens), Concurrency: bm.streams})
						c := compare(b, res, m.Truth())
						b.ReportMetric(rank(c.stamp, 0.5)*1e6, "stamp-p50-us")
						b.ReportMetric(rank(c.stamp, 0.99)*1e6, "stamp-p99-us")
						b.ReportMetric(rank(c.user, 0.5)*1e6, "user-p50-us")
						b.ReportMetric(rank(c.user, 0.99)*1e6, "user-p99-us")
						b.ReportMetric(float64(res.Client.SharedChunks), "shared")
						b.ReportMetric(c.late*1e6, "mock-late-p99-us")
						b.ReportMetric(res.Client.CPUSeconds*1e6/float64(res.Client.Chunks), "both-cpu-us/chunk")
						m.Reset()
					}
				})
			}
		}
	}
}
