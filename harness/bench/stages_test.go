package bench

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"harness/harness/load"
)

func TestParseStages(t *testing.T) {
	s, err := ParseStages(" c8:30s, r2.50:1m,c016:500ms")
	if err != nil || s != "c8:30s,r2.5:60s,c16:0.5s" {
		t.Fatalf("%q, %v", s, err)
	}
	want := []load.Stage{{Seconds: 30, Concurrency: 8}, {Seconds: 60, Rate: 2.5}, {Seconds: 0.5, Concurrency: 16}}
	if got := s.List(); !reflect.DeepEqual(got, want) || s.Seconds() != 90.5 || !s.Closed() || s.mostInFlight() != 16 {
		t.Errorf("%+v, %v s", got, s.Seconds())
	}
	if again, err := ParseStages(string(s)); again != s || err != nil {
		t.Errorf("again: %q, %v", again, err)
	}
	for bad, want := range map[string]string{
		"": "no load", "c8": "no load or no time", "8:30s": "no load", "c0:1s": `"c0"`, "r0:1s": `"r0"`, "rNaN:1s": `"rNaN"`, "x8:1s": `"x8"`,
		"c8:0s": `time "0s"`, "c8:-1s": "time", "c8:30": "time", "c8:25h": "at most 24h", "c8:1s,": "no load", "c1.5:1s": `"c1.5"`,
	} {
		if _, err := ParseStages(bad); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "such as c8:30s") {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

// Stages come back from a file, and no file brings ones that cannot be.
func TestStagesInFiles(t *testing.T) {
	was := Point{Stages: "c8:30s,r2.5:60s"}
	text, _ := json.Marshal(was)
	var is Point
	if err := json.Unmarshal(text, &is); err != nil || is != was {
		t.Errorf("%s: %+v, %v", text, is, err)
	}
	if err := json.Unmarshal([]byte(`{"stages":"c8"}`), &is); err == nil {
		t.Error("stages without a time were read")
	}
}

func TestPointsOfAllKinds(t *testing.T) {
	for _, tt := range []struct {
		p                        Point
		name                     string
		warm, requests, forBench int
	}{
		{Point{Concurrency: 16}, "c16", 16, 32, 64},
		{Point{Concurrency: 16, RateCap: 2.5}, "c16m2.5", 16, 32, 64},
		{Point{Concurrency: 64, Once: true}, "b64", 64, 64, 64},
		{Point{Concurrency: 1, Once: true}, "b1", 1, 1, 1},
		{Point{Rate: 2.5}, "r2.5", 4, 25, 32},
		{Point{Stages: "r2:10s,r8:10s"}, "stages", 8, 100, 0},
		{Point{}, "trace", 4, 8, 32},
	} {
		source := &load.Source{}
		if n, w, r, b := tt.p.LoadPoint(), tt.p.ConcurrencyGuess(), tt.p.requests(source), tt.p.BenchRequests(source); n != tt.name || w != tt.warm || r != tt.requests || b != tt.forBench {
			t.Errorf("%+v: %s, warmed by %d, %d requests, %d of bench; want %+v", tt.p, n, w, r, b, tt)
		}
		o := tt.p.Options(OpenLoop{}, make([]load.Prompt, 1), 1)
		for i := range o.Prompts {
			o.Prompts[i] = load.Prompt{Text: "x", OutputTokens: 1}
		}
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A staircase is run to its end, whatever the server made of it.
func TestLiveStages(t *testing.T) {
	s := newTokenServer(t)
	l := newLive(t, s, func(l *Live) { l.Requests, l.Point = 0, Point{Stages: "c2:0.05s,r100:0.05s"} })
	if err := l.Warm(t.Context()); err != nil || l.rate <= 0 {
		t.Fatalf("warm-up: %v, %v requests/s", err, l.rate)
	}
	l.rate = 1e5 // more than it can be, so that prompts are left for the second stage
	m, err := l.Run(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	due := 0
	for _, r := range m.Records {
		if r.SchedNS >= 50e6 {
			due++
		}
	}
	if n := len(m.Records); n < 7 || due != 5 || m.Row.Unsent != 0 || m.Row.LoadPoint != "stages" || int(l.Ended.Load()) != n || m.Row.Failures != 0 {
		t.Errorf("%d records, %d of the second stage, %d ended, row %+v", n, due, l.Ended.Load(), m.Row)
	}
}
