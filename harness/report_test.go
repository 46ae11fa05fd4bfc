package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/load"
	"harness/harness/study"
	"harness/results"
	"harness/space"
)

// madeStudy is an invented study of n trials of three load points and two runs each, of
// which one in ten failed; the first is the default.
func madeStudy(tb testing.TB, n int) *study.Study {
	tb.Helper()
	spec, err := space.Load("sglang18")
	if err != nil {
		tb.Fatal(err)
	}
	facts := map[string]space.Value{"device_num": space.Int(8)}
	lattice, err := spec.Compile(space.Options{Facts: facts})
	if err != nil {
		tb.Fatal(err)
	}
	w := load.Workload{Input: "64", Output: "16", Seed: 3}
	lock := study.Lock{Schema: study.LockVersion, ID: "made", Created: time.Unix(1_800_000_000, 0).UTC(), Engine: "sim", EngineVersion: "1", Simulated: true,
		Space: spec.Name, SpaceHash: spec.Hash, LatticeID: lattice.ID(), Raw: lattice.Raw(), Valid: lattice.Count(), Facts: facts,
		Launch: engine.Launch{Engine: "sim", Bin: "sim", Model: "a <b>model</b>"}, Workload: w, WorkloadHash: w.Hash(),
		LoadPoints: []bench.Point{{Concurrency: 1}, {Concurrency: 8}, {Concurrency: 32}}, Repeats: 2, Objectives: []string{"ttft_p50_s", "output_tps"}, Seed: 3, Host: "here"}
	s, err := study.Create(filepath.Join(tb.TempDir(), "made"), lock, spec, lattice)
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range n {
		addTrial(tb, s, i, rng)
	}
	return s
}

func addTrial(tb testing.TB, s *study.Study, i int, rng *rand.Rand) {
	tb.Helper()
	rank := s.Lattice.Sample(rng)
	if i == 0 {
		rank, _ = s.Lattice.Rank(s.Lattice.Default())
	}
	point := s.Lattice.Unrank(rank, nil)
	cfg := s.Lattice.Config(point)
	t := results.Trial{StudyID: s.Lock.ID, TrialID: fmt.Sprintf("t%04d", i+1), ConfigID: cfg.ID("sim"), Rank: rank.String(), Purpose: []string{"seed", "ask", "control"}[min(2, i%7)], Attempt: 1, Outcome: results.OK,
		Engine: "sim", Simulated: true, Argv: append([]string{"sglang", "serve"}, s.Lattice.Args(point)...), StartedAt: s.Lock.Created.Add(time.Duration(i) * time.Minute), LaunchSeconds: 30, TotalSeconds: 60,
		Reason: "invented", LogTail: "the last line"}
	size := 1.0
	for k, p := range s.Lattice.Params() {
		v := p.Values[point[k]]
		param := results.Param{Name: p.Name, Type: results.StringColumn}
		if !v.IsNone() {
			param.Value = v.String()
		}
		t.Params = append(t.Params, param)
		size *= 1 + 0.1*float64(point[k])/float64(k+1)
	}
	if i%10 == 9 {
		t.Outcome, t.FailureClass, t.Phase, t.FailureLine = results.Failed, "oom_load", "start", "out of memory"
		t.LogTail = strings.Repeat("loading\n", 300) + "CUDA out of memory\n"
	}
	for _, c := range []int32{1, 8, 32} {
		for repeat := range int32(2) {
			if t.Outcome == results.Failed {
				continue
			}
			r := results.Run{StudyID: s.Lock.ID, TrialID: t.TrialID, ConfigID: t.ConfigID, RunID: fmt.Sprintf("%s-c%d-r%d", t.TrialID, c, repeat+1), LoadPoint: fmt.Sprintf("c%d", c), Concurrency: c,
				Repeat: repeat + 1, Block: int64(repeat), Valid: true, Simulated: true, TTFTP50S: 0.01 * size * math.Sqrt(float64(c)) * (1 + 0.02*rng.Float64()), OutputTPS: 100 * float64(c) / size * (1 + 0.02*rng.Float64())}
			if err := s.Store.WriteRun(r, madeRequests(r, rng)); err != nil {
				tb.Fatal(err)
			}
		}
	}
	samples := []results.Sample{{StudyID: s.Lock.ID, TrialID: t.TrialID, TimeNS: 1e9, Source: "gpu", Device: "GPU-0", Metric: "power_w", Value: 500, Simulated: true}}
	if err := s.Store.WriteSamples(t.TrialID, samples); err != nil {
		tb.Fatal(err)
	}
	if err := s.Store.WriteTrial(t); err != nil {
		tb.Fatal(err)
	}
}

// madeRequests are a run's, of 16 tokens each.
func madeRequests(r results.Run, rng *rand.Rand) []results.Request {
	var all []results.Request
	for i := range 4 * r.Concurrency {
		q := results.Request{StudyID: r.StudyID, TrialID: r.TrialID, RunID: r.RunID, Request: i, OutputTokens: 16, Simulated: true}
		at := int64(r.TTFTP50S * 1e9 * (0.5 + rng.Float64()))
		q.FirstTokenNS = at
		for range 16 {
			q.ChunkNS, q.ChunkTokens, q.ChunkKind, q.ChunkRead = append(q.ChunkNS, at), append(q.ChunkTokens, 1), append(q.ChunkKind, 3), append(q.ChunkRead, 0)
			q.LastTokenNS = at
			at += 5e6
		}
		q.DoneNS = at
		all = append(all, q)
	}
	return all
}

// render is a study's page, and its data.
func render(tb testing.TB, s *study.Study) (html string, data map[string]any) {
	tb.Helper()
	page, err := pageOf(s)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	if err := page.HTML(&b); err != nil {
		tb.Fatal(err)
	}
	html = b.String()
	m := regexp.MustCompile(`(?s)<script id="data" type="application/json">(.*?)</script>`).FindStringSubmatch(html)
	if m == nil {
		tb.Fatal("the page has no data")
	}
	if err := json.Unmarshal([]byte(m[1]), &data); err != nil {
		tb.Fatalf("the page's data: %v", err)
	}
	if n := strings.Count(html, "<script"); n != 2 {
		tb.Errorf("%d scripts, want the data and the page's own", n)
	}
	return html, data
}

// numbersOf are the page's rows of a trial: by load, the values of both objectives.
func numbersOf(data map[string]any, trial string) map[string][2]float64 {
	found := map[string][2]float64{}
	for _, r := range data["rows"].([]any) {
		row := r.(map[string]any)
		if row["trial"] != trial {
			continue
		}
		load := data["loads"].([]any)[int(row["load"].(float64))].(map[string]any)["id"].(string)
		values := row["values"].([]any)
		found[load] = [2]float64{values[0].([]any)[0].(float64), values[1].([]any)[0].(float64)}
	}
	return found
}

func TestReport(t *testing.T) {
	t.Parallel()
	s := madeStudy(t, 24)
	html, data := render(t, s)
	for _, want := range []string{"<strong>Simulated.</strong>", "24 trials of 24 configs, 2 failed", "oom_load", "a &lt;b&gt;model&lt;/b&gt;", "default-src &#39;none&#39;", "P(front)"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if at := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*"|@import|url\(`).FindString(html); at != "" {
		t.Errorf("the page asks for something: %s", at)
	}
	state, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	for load, got := range numbersOf(data, "t0001") {
		var ttft, tps []float64
		for _, r := range state.Runs {
			if r.TrialID == "t0001" && r.LoadPoint == load {
				ttft, tps = append(ttft, r.TTFTP50S), append(tps, r.OutputTPS)
			}
		}
		for k, runs := range [][]float64{ttft, tps} { // of two runs the median is the mean
			if want := (runs[0] + runs[1]) / 2; math.Abs(got[k]/want-1) > 1e-5 {
				t.Errorf("t0001 at %s: %g, want %g", load, got[k], want)
			}
		}
	}
	if n := len(numbersOf(data, "t0001")); n != 3 {
		t.Errorf("t0001 has %d loads, want 3", n)
	}
	if len(data["effects"].([]any)) == 0 {
		t.Error("nothing is said of the parameters")
	}
	if latencies := data["latency"].(map[string]any); latencies["t0001"] == nil {
		t.Error("the default's latencies are missing")
	}
	if gpus := data["telemetry"].(map[string]any); gpus["t0001"] == nil {
		t.Error("the default's device samples are missing")
	}
}

// Whatever a study lacks, its page says so, and is never blank.
func TestReportOfLittle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		trials int
		change func(t *testing.T, s *study.Study)
		want   []string
	}{
		{"no trial", 0, nil, []string{"No trial has ended yet.", "Nothing was measured yet"}},
		{"one point", 1, nil, []string{"Only the default config was measured yet.", "the model begins at six configs"}},
		{"only failures", 10, func(t *testing.T, s *study.Study) {
			for i := range 9 {
				removeParts(t, s, fmt.Sprintf("t%04d", i+1), "trials", "runs", "requests", "samples")
			}
		}, []string{"No config was measured: 1 trial of 1 config, 1 failed.", "CUDA out of memory"}},
		{"no requests and samples", 3, func(t *testing.T, s *study.Study) { removeParts(t, s, "t", "requests", "samples") },
			[]string{"requests of t0001 at c1", "no such file"}},
		{"a damaged part", 3, func(t *testing.T, s *study.Study) {
			writeOver(t, filepath.Join(s.Store.Dir, "runs", "t0002-c1-r1.parquet"), "PAR1 and no more")
		}, []string{"t0002-c1-r1.parquet", "left out"}},
		{"a log that is more than text", 3, func(t *testing.T, s *study.Study) {
			writeOver(t, s.Store.LogPath("t0002"), "\x1b[31mred\x1b[0m </script><script>alert(1)</script>\r\x00\xff\n")
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := madeStudy(t, tt.trials)
			if tt.change != nil {
				tt.change(t, s)
			}
			html, data := render(t, s)
			for _, want := range tt.want {
				if !strings.Contains(html, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			if n := len(data["objectives"].([]any)); n != 2 {
				t.Errorf("%d objectives", n)
			}
		})
	}
}

// removeParts takes away the parts of some tables whose names begin so.
func removeParts(t *testing.T, s *study.Study, prefix string, tables ...string) {
	t.Helper()
	for _, table := range tables {
		parts, err := filepath.Glob(filepath.Join(s.Store.Dir, table, prefix+"*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func writeOver(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReportIsServed(t *testing.T) {
	t.Parallel()
	s := madeStudy(t, 2)
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = reportHandler(s, server.Listener.Addr().String(), 5*time.Millisecond)
	server.Start()
	defer server.Close()
	get := func(path, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, body := get("/", ""); status != http.StatusOK || !strings.Contains(body, "2 trials of 2 configs") || !strings.Contains(body, "connect-src &#39;self&#39;") {
		t.Errorf("status %d, %d bytes", status, len(body))
	}
	if status, _ := get("/", "elsewhere.example:80"); status != http.StatusForbidden {
		t.Errorf("under another name: status %d", status)
	}
	if status, _ := get("/study.json", ""); status != http.StatusNotFound {
		t.Errorf("another path: status %d", status)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events?since="+partsOf(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	addTrial(t, s, 2, rand.New(rand.NewPCG(5, 5)))
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
		t.Errorf("after a new trial: %q, %v", line, err)
	}
}

// BenchmarkReport is of 1,000 trials: the bound is 3 s and 300 MB. Making them takes a minute.
func BenchmarkReport(b *testing.B) {
	s := madeStudy(b, 1000)
	path := filepath.Join(s.Store.Dir, reportName)
	for b.Loop() {
		page, err := pageOf(s)
		if err == nil {
			err = writePage(page, path)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(info.Size())/1e6, "MB/page")
	b.ReportMetric(float64(m.Sys)/1e6, "MB-of-memory")
	if keep := os.Getenv("KEEP_STUDY"); keep != "" {
		if err := os.CopyFS(keep, os.DirFS(s.Store.Dir)); err != nil {
			b.Fatal(err)
		}
	}
}
