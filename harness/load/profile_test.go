package load

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// goldenRun is a case of testdata/metrics.json.
type goldenRun struct {
	API     API
	Records []struct {
		Index, Prompt, N, Requested int
		Sched, Dispatch, Send, Done int64
		Events                      [][3]int64 // ns, kind, tokens
	}
	Metrics map[Profile]struct {
		Duration  float64 `json:"duration_s"`
		RPS       float64 `json:"request_rps"`
		TPS       float64 `json:"output_tps"`
		TotalTPS  float64 `json:"total_tps"`
		InFlight  float64 `json:"in_flight"`
		TTFT, E2E goldenValues
		TPOT, ITL goldenValues
	}
}

type goldenValues struct {
	N         int
	Mean, Std float64
	Quantiles []float64
}

// records are the run's, their times found from its events.
func (g *goldenRun) records() []Record {
	var out []Record
	for _, in := range g.Records {
		var r Record
		r.begin(in.Dispatch)
		r.Index, r.SchedNS, r.SendNS, r.DoneNS = in.Index, in.Sched, in.Send, in.Done
		r.PromptTokens, r.OutputTokens, r.RequestedTokens, r.Status = in.Prompt, in.N, in.Requested, 200
		for _, e := range in.Events {
			kind := ChunkKind(e[1])
			r.ChunkNS, r.ChunkKind = append(r.ChunkNS, e[0]), append(r.ChunkKind, kind)
			r.ChunkTokens, r.ChunkRead = append(r.ChunkTokens, int32(e[2])), append(r.ChunkRead, int32(len(r.ChunkNS)))
			if kind.Choices() {
				r.LastChoicesNS = e[0]
				if r.FirstChoicesNS < 0 {
					r.FirstChoicesNS = e[0]
				}
			}
			if kind.text() {
				r.LastTokenNS = e[0]
				if r.FirstTokenNS < 0 {
					r.FirstTokenNS = e[0]
				}
			}
		}
		out = append(out, r)
	}
	return out
}

// The metrics of each profile are those that an independent program computes from
// the same events (testdata/metrics.py), to 1e-9.
func TestProfilesAgreeWithTheReference(t *testing.T) {
	text, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []goldenRun }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	same := func(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }
	for _, g := range golden.Cases {
		records := g.records()
		for profile, want := range g.Metrics {
			s := Rules{Profile: profile, API: g.API}.Summarize(records)
			if !same(s.DurationSeconds, want.Duration) || !same(s.RequestRPS, want.RPS) || !same(s.OutputTPS, want.TPS) || !same(s.TotalTPS, want.TotalTPS) || !same(s.InFlight, want.InFlight) {
				t.Errorf("%s, %s: duration %v, %v requests/s, %v and %v tokens/s, %v in flight; want %+v", g.API, profile, s.DurationSeconds, s.RequestRPS, s.OutputTPS, s.TotalTPS, s.InFlight, want)
			}
			for _, v := range []struct {
				name string
				got  []float64
				want goldenValues
			}{{"TTFT", s.TTFTSeconds, want.TTFT}, {"E2E", s.E2ESeconds, want.E2E}, {"TPOT", s.TPOTSeconds, want.TPOT}, {"ITL", s.ITLSeconds, want.ITL}} {
				sum := 0.0
				for _, x := range v.got {
					sum += x
				}
				if len(v.got) != v.want.N || !same(sum/float64(len(v.got)), v.want.Mean) {
					t.Errorf("%s, %s: %d values of %s, mean %v; want %d, %v", g.API, profile, len(v.got), v.name, sum/float64(len(v.got)), v.want.N, v.want.Mean)
				}
				slices.Sort(v.got)
				if got := medianOf(v.got); !same(got, v.want.Quantiles[0]) {
					t.Errorf("%s, %s: median %s %v, want %v", g.API, profile, v.name, got, v.want.Quantiles[0])
				}
			}
		}
	}
}

func medianOf(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// What the other programs take for a success and what they do not.
func TestProfilesJudgeFailures(t *testing.T) {
	answer := func(class string, tokens int) Record {
		r := Record{Class: class, SendNS: 0, FirstTokenNS: 10, LastTokenNS: 20, FirstChoicesNS: 10, LastChoicesNS: 20, DoneNS: 30,
			OutputTokens: tokens, RequestedTokens: 9, ChunkNS: []int64{10, 20}, ChunkKind: []ChunkKind{KindContent, KindContent}, ChunkTokens: []int32{0, 0}}
		return r
	}
	records := []Record{answer("", 2), answer(ClassWrongCount, 2), answer(ClassNoUsage, -1), answer(ClassInBand, 2), answer(ClassReset, -1)}
	for profile, want := range map[Profile][2]int64{Canonical: {4, 2}, SGLang: {2, 2 + 2 + 9}, VLLM: {3, 2 + 2}} {
		if s := (Rules{Profile: profile, API: Completions}).Summarize(records); int64(s.Failed) != want[0] || s.OutputTokens != want[1] {
			t.Errorf("%s: %d failed, %d tokens; want %v", profile, s.Failed, s.OutputTokens, want)
		}
	}
}

func TestSLO(t *testing.T) {
	s, err := ParseSLO("ttft=0.5s, tpot=50ms,e2e=10s,share=0.75")
	if err != nil || s != (SLO{0.5, 0.05, 10, 0.75}) || s.String() != "ttft=500ms,tpot=50ms,e2e=10s,share=0.75" {
		t.Fatalf("%+v (%s), %v", s, s, err)
	}
	records := make([]Record, 4)
	for i := range records {
		records[i] = Record{SendNS: 0, FirstTokenNS: 400e6, LastTokenNS: 900e6, DoneNS: 1e9, OutputTokens: 11} // TPOT is just 50 ms
	}
	records[1].FirstTokenNS = 501e6
	records[2].OutputTokens = 1
	records[3] = Record{SendNS: 0, DoneNS: 2e9, Class: ClassReset, OutputTokens: -1}
	got := Rules{SLO: s}.Summarize(records)
	if got.Good != 2 || got.GoodTokens != 12 || got.GoodRPS != 1 || got.GoodTPS != 6 {
		t.Errorf("%d good of %d, %d tokens, %v and %v a second; want 2, 12, 1, 6", got.Good, got.Requests, got.GoodTokens, got.GoodRPS, got.GoodTPS)
	}
	if s.Met(2, 4) || !s.Met(3, 4) || s.Met(0, 0) || (SLO{TTFTSeconds: 1}).Met(98, 100) || !(SLO{TTFTSeconds: 1}).Met(99, 100) {
		t.Error("the share that must be good is not held")
	}
	for _, bad := range []string{"", "ttft", "ttft=", "ttft=5", "ttft=-1s", "itl=5ms", "ttft=1s,ttft=2s", "share=0.5", "ttft=1s,share=0", "ttft=1s,share=1.5", "ttft=1s,"} {
		if s, err := ParseSLO(bad); err == nil {
			t.Errorf("%q was taken for %+v", bad, s)
		}
	}
}

// A ramp, a plateau and a drain of known throughput: the window finds the plateau.
func TestSteadyWindow(t *testing.T) {
	const workers, tokens, itl = 64, 100, 20e6 // 50 tokens a second each
	var records []Record
	left := int64(math.MaxInt64) // when the first worker left: the plateau's end
	for w := range workers {
		at := int64(w) * 10e9 / workers // the ramp takes 10 s
		for at < 70e9 {
			r := Record{SendNS: at, OutputTokens: tokens}
			for k := range tokens {
				r.ChunkNS = append(r.ChunkNS, at+int64(k+1)*itl)
				r.ChunkTokens, r.ChunkKind = append(r.ChunkTokens, 1), append(r.ChunkKind, KindContent)
			}
			r.FirstTokenNS, r.LastTokenNS = r.ChunkNS[0], r.ChunkNS[tokens-1]
			r.DoneNS = r.LastTokenNS + 1e6
			records = append(records, r)
			at = r.DoneNS + 1e6
			if w >= workers/2 && at > 65e9 { // half of them end early: a drain of 5 s
				left = min(left, r.DoneNS)
				break
			}
		}
	}
	const want = workers * tokens / (tokens*itl + 2e6) * 1e9
	w := steady(records)
	if math.Abs(w.OutputTPS-want) > 0.005*want {
		t.Errorf("%v tokens/s in the window, want %v", w.OutputTPS, want)
	}
	const full = 10.0 * (workers - 1) / workers // seconds until the last worker began
	if math.Abs(w.FromSeconds-full) > 1 || math.Abs(w.ToSeconds-seconds(left)) > 1 {
		t.Errorf("the window is from %v to %v s, and the plateau from %v to %v", w.FromSeconds, w.ToSeconds, full, seconds(left))
	}
	if s := Summarize(&Result{Records: records}); math.Abs(s.OutputTPS-want) < 0.05*want {
		t.Errorf("the whole run has %v tokens/s, which is the plateau's: the test shows nothing", s.OutputTPS)
	}
	if w := steady(nil); w != (Window{}) {
		t.Errorf("of nothing: %+v", w)
	}
}
