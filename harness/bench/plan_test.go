package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"harness/harness/bench/stop"
	"harness/harness/load"
	"harness/results"
	"harness/results/stat"
)

func TestLadder(t *testing.T) {
	for _, tt := range []struct {
		points  []Point
		repeats int
		want    string // key:requests:block
	}{
		{closedLoops(16), 1, "c16-r1:32:0"},
		{[]Point{{Rate: 0.25}, {Rate: 4}, {}}, 1, "r0.25-r1:8:0 r4-r1:40:1 trace-r1:8:2"},
		{closedLoops(1, 8), 2, "c1-r1:8:0 c8-r1:16:1 c1-r2:8:2 c8-r2:16:3"},
		{nil, 3, ""},
		{closedLoops(1), 0, ""},
	} {
		var got []string
		for _, r := range Ladder(tt.points, &load.Source{}, tt.repeats) {
			got = append(got, fmt.Sprintf("%s:%d:%d", r.Key(), r.Requests, r.Block))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("Ladder(%v, %d) = %s, want %s", tt.points, tt.repeats, s, tt.want)
		}
	}
}

// No two runs, tries included, have the same prompts, and none has the warm-up's
// or the probe's first tokens.
func TestBlocksAreApart(t *testing.T) {
	seen := map[uint64]bool{}
	for _, r := range Ladder(closedLoops(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), &load.Source{}, 20) {
		if m := r.Block % blockPeriod; m >= warmupBlock {
			t.Fatalf("%s: block %d begins as block %d, which is not a run's", r.Key(), r.Block, m)
		}
		for try := range uint64(MaxTries) {
			b := r.Block + try*retryBlocks
			if seen[b] {
				t.Fatalf("%s, try %d: block %d again", r.Key(), try+1, b)
			}
			seen[b] = true
		}
	}
	if warmupBlock+maxWarmupRounds >= probeBlock || probeBlock >= blockPeriod {
		t.Error("the blocks of warm-up and probe overlap")
	}
}

// A run has at most as many requests as its workload has, and a replay has all of them.
func TestRequestsOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("t_s,input_tokens,output_tokens\n"+strings.Repeat("1,2,3\n", 20)), 0o644); err != nil {
		t.Fatal(err)
	}
	source, err := load.Workload{Trace: &load.TraceFile{Path: path}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	for point, want := range map[Point]int{{}: 20, {Concurrency: 4}: 8, {Concurrency: 64}: 20, {Rate: 1}: 10, {Rate: 100}: 20} {
		if got := point.requests(source); got != want {
			t.Errorf("%s: %d requests, want %d", point.LoadPoint(), got, want)
		}
	}
}

func TestPlanSurvivesJSON(t *testing.T) {
	values := map[results.ColumnType][]any{
		results.BoolColumn: {nil, true, false}, results.IntColumn: {nil, int64(0), int64(1)<<62 + 1},
		results.FloatColumn: {nil, 2.0, 0.1}, results.StringColumn: {nil, "", `"2"`},
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := testPlan(t, rapid.SliceOfN(rapid.String(), 1, 3).Draw(rt, "flags")...)
		p.Params = nil
		for typ := results.BoolColumn; typ <= results.StringColumn; typ++ {
			p.Params = append(p.Params, results.Param{Name: fmt.Sprint("p", typ), Type: typ, Value: rapid.SampledFrom(values[typ]).Draw(rt, "value")})
		}
		p.Runs = Ladder(closedLoops(rapid.SliceOfN(rapid.IntRange(1, 64), 1, 3).Draw(rt, "concurrency")...), &load.Source{}, rapid.IntRange(1, 4).Draw(rt, "repeats"))
		p.Launch.Wrap = []string{"docker", "run", "{argv}"}
		p.Workload.Seed = rapid.Uint64().Draw(rt, "seed")
		p.Stopping = Stopping{Repeats: 4, Rule: quiet(), Noise: map[string][]stat.Noise{"c4": known}, ChosenFrom: 3,
			Rivals: []stop.Config{{ID: "t1", Runs: []stop.Run{{Launch: "t1", Block: 2, Values: []float64{0.1 * rapid.Float64Range(0.1, 10).Draw(rt, "value"), 3}}}}}}
		p.Before = tries("a1y a2n b2x")
		data, err := json.Marshal(p)
		if err != nil {
			rt.Fatal(err)
		}
		var got Plan
		if err := json.Unmarshal(data, &got); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			rt.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

func TestInvalidReason(t *testing.T) {
	for _, tt := range []struct {
		requests, failed int32
		prompt, cached   int64
		shared           int64
		want             string
	}{
		{8, 0, 64, 0, 0, ""},
		{8, 0, 64, -1, 0, ""}, // the server does not say
		{8, 1, 64, 0, 0, "1 of 8 requests failed"},
		{1000, 1, 64, 0, 0, ""},
		{999, 1, 64, 0, 0, "1 of 999 requests failed"},
		{8, 0, 1000, 18, 0, ""},
		{8, 0, 1000, 19, 0, "19 of 1000 prompt tokens came from the prefix cache, and 0 could by design"},
		{8, 8, 0, 0, 0, "8 of 8 requests failed"},
		{8, 0, 1000, 528, 500, ""},
		{8, 0, 1000, 0, 500, ""}, // a config may have no cache
		{8, 0, 1000, 529, 500, "529 of 1000 prompt tokens came from the prefix cache, and 500 could by design"},
		{8, 0, 1000, 900, -1, ""}, // nobody knows what they share
	} {
		r := results.Run{Requests: tt.requests, Failures: tt.failed, PromptTokens: tt.prompt, CachedTokens: tt.cached, SharedTokens: tt.shared}
		if got := invalidReason(r); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt, got, tt.want)
		}
	}
}
