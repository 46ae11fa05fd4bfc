package load

import (
	"math"
	"runtime/metrics"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const ms = int64(1e6)

func at(times ...int64) []int64 {
	for i := range times {
		times[i] *= ms
	}
	return times
}

// Worked out by hand from the definitions in the fields' comments.
func TestSummarize(t *testing.T) {
	r := &Result{Records: []Record{
		{ // 5 tokens in 3 counted chunks: 1 + 2 + 2
			SchedNS: 0, SendNS: 10 * ms, FirstTokenNS: 110 * ms, LastTokenNS: 190 * ms, DoneNS: 200 * ms,
			PromptTokens: 7, OutputTokens: 5, CachedTokens: 1, ChunkNS: at(110, 130, 190), ChunkTokens: []int32{1, 2, 2},
		},
		{ // 3 tokens in 3 chunks that were not counted: one each
			SchedNS: 20 * ms, SendNS: 20 * ms, FirstTokenNS: 70 * ms, LastTokenNS: 100 * ms, DoneNS: 101 * ms,
			PromptTokens: 7, OutputTokens: 3, CachedTokens: -1, ChunkNS: at(70, 80, 100), ChunkTokens: []int32{0, 0, 0},
		},
		{ // 3 tokens in 2 chunks that were not counted: nobody knows
			SchedNS: 30 * ms, SendNS: 30 * ms, FirstTokenNS: 90 * ms, LastTokenNS: 95 * ms, DoneNS: 96 * ms,
			PromptTokens: -1, OutputTokens: 3, CachedTokens: 0, ChunkNS: at(90, 95), ChunkTokens: []int32{0, 0},
		},
		{ // 1 token: no gap at all
			SchedNS: 30 * ms, SendNS: 40 * ms, FirstTokenNS: 60 * ms, LastTokenNS: 60 * ms, DoneNS: 60 * ms,
			PromptTokens: 7, OutputTokens: 1, CachedTokens: 0, ChunkNS: at(60), ChunkTokens: []int32{1},
		},
		{Class: ClassReset, SchedNS: 0, SendNS: 5 * ms, FirstTokenNS: 6 * ms, LastTokenNS: 7 * ms, DoneNS: 405 * ms, OutputTokens: 100, ChunkNS: at(6, 7), ChunkTokens: []int32{0, 0}},
		{Class: ClassConnect, SchedNS: 0, SendNS: -1, DoneNS: 8 * ms, OutputTokens: -1},
		{Class: ClassCancelled, SchedNS: -1, SendNS: -1, DoneNS: -1, OutputTokens: -1},
	}}
	for i := range r.Records {
		rec := &r.Records[i]
		rec.ChunkKind = slices.Repeat([]ChunkKind{KindContent}, len(rec.ChunkNS))
		rec.FirstVisibleNS = rec.FirstTokenNS
	}
	r.Records[2].FirstVisibleNS = -1 // it only reasoned
	want := Summary{
		Requests: 6, Failed: 2, Unsent: 1, ByClass: map[string]int{ClassReset: 1, ClassConnect: 1},
		DurationSeconds: 0.4, // 5 to 405 ms
		PromptTokens:    21, OutputTokens: 12, CachedTokens: 1, CachedSaid: 3,
		OutputTPS: 30, TotalTPS: 82.5, RequestRPS: 10, InFlight: 0.8625,
		TTFTSeconds:      []float64{0.1, 0.05, 0.06, 0.02},
		E2ESeconds:       []float64{0.18, 0.08, 0.065, 0.02},
		TPOTSeconds:      []float64{0.02, 0.015, 0.0025},
		TTFTSchedSeconds: []float64{0.11, 0.05, 0.06, 0.03},
		E2ESchedSeconds:  []float64{0.19, 0.08, 0.065, 0.03},
		ITLSeconds:       []float64{0.01, 0.01, 0.03, 0.03, 0.01, 0.02},
		ITLMissing:       1,
		ChunkGapSeconds:  []float64{0.02, 0.06, 0.01, 0.02, 0.005},
		VisibleSeconds:   []float64{0.1, 0.05, 0.02},
		UserTPS:          []float64{50, 1 / 0.015, 400},
		WholeTPS:         []float64{5 / 0.18, 37.5, 3 / 0.065, 50},
		TPOTRestSeconds:  []float64{0.02}, // 5 tokens, 1 in the first chunk
		Good:             4, GoodTokens: 12, GoodRPS: 10, GoodTPS: 30,
		// In flight 1 for 210 of 400 ms, 2 for 109: the upper quartile is 2, from 10 to 200 ms.
		Steady: Window{FromSeconds: 0.01, ToSeconds: 0.2, OutputTokens: 12, OutputTPS: 12 / 0.19},
	}
	if diff := cmp.Diff(want, Summarize(r), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s := Summarize(&Result{}); s.Requests != 0 || s.OutputTPS != 0 || s.DurationSeconds != 0 {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestClientCounts(t *testing.T) {
	content := slices.Repeat([]ChunkKind{KindContent}, 5)
	c := startHealth().stop([]Record{
		{SchedNS: 0, SendNS: 2 * ms, Reads: 3, ChunkNS: []int64{1, 1, 2, 2, 2}, ChunkRead: []int32{1, 1, 2, 2, 2}, ChunkKind: content, ChunkTokens: make([]int32, 5)},
		{SchedNS: 0, SendNS: 1 * ms, Reads: 2, ChunkNS: []int64{2, 2}, ChunkRead: []int32{1, 1}, ChunkKind: []ChunkKind{KindContent, KindUsage}, ChunkTokens: make([]int32, 2)},
		{SchedNS: 0, SendNS: -1},
	}, Options{})
	if c.Reads != 5 || c.Chunks != 6 || c.SharedChunks != 3 {
		t.Errorf("%+v", c)
	}
	if c.LagP50Seconds != 0.001 || c.LagP99Seconds != 0.002 {
		t.Errorf("lag %v and %v, want 0.001 and 0.002", c.LagP50Seconds, c.LagP99Seconds)
	}
	if c.CPUSeconds < 0 || c.ReadDelayP99Seconds < 0 || c.GCPauseMaxSeconds < 0 {
		t.Errorf("%+v", c)
	}
}

func TestBucketQuantile(t *testing.T) {
	h := metrics.Float64Histogram{Counts: []uint64{0, 3, 6, 1}, Buckets: []float64{0, 1, 2, 4, math.Inf(1)}}
	for q, want := range map[float64]float64{0: 2, 0.3: 2, 0.31: 4, 0.9: 4, 0.95: 4, 1: 4} {
		if got := bucketQuantile(h, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if got := bucketQuantile(metrics.Float64Histogram{Counts: []uint64{0}, Buckets: []float64{0, 1}}, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
