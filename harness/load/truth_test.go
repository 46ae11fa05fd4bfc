package load

import (
	"fmt"
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
