package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"harness/space"
)

func TestFlush(t *testing.T) {
	s := ready(t, fakeLaunch())
	post := func(path, expect string) *space.Endpoint {
		return &space.Endpoint{Method: "POST", Path: path, Expect: expect}
	}
	const success = `"success"\s*:\s*true`
	for _, tt := range []struct {
		name string
		end  *space.Endpoint
		ok   bool
		err  string
	}{
		{"none", nil, false, ""},
		{"any answer", post("/flush", ""), true, ""},
		{"expected answer", post("/flush", success), true, ""},
		{"blocks are held", post("/held", success), false, `POST /held: the answer "{\"success\":false}" does not match`},
		{"refused", post("/busy", ""), false, "POST /busy: HTTP 400: requests are pending"},
		{"wrong method", &space.Endpoint{Path: "/flush"}, false, "GET /flush: HTTP 405"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Spec.Flush = tt.end
			ok, err := s.Flush(t.Context())
			if ok != tt.ok || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, %v; want %v, %q", ok, err, tt.ok, tt.err)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	s := ready(t, fakeLaunch())
	paths := func(p ...string) (list []space.Endpoint) {
		for _, p := range p {
			list = append(list, space.Endpoint{Path: p})
		}
		return list
	}
	s.Spec.Info = paths("/missing", "/text", "/props", "/flush")
	var got map[string]map[string]int
	if err := json.Unmarshal([]byte(s.Info(t.Context())), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]map[string]int{"/props": {"n_ctx": 256}}, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	s.Spec.Info = paths("/missing", "/text")
	if got := s.Info(t.Context()); got != "" {
		t.Errorf("a server that says nothing: %q", got)
	}
}

func TestModelName(t *testing.T) {
	s := ready(t, fakeLaunch())
	if got := s.ModelName(t.Context()); got != "tiny" {
		t.Errorf("got %q, want the first of the list", got)
	}
	s.Stop(t.Context(), 0)
	if got := s.ModelName(t.Context()); got != "" {
		t.Errorf("of a server that ended: %q", got)
	}
}

func TestMetrics(t *testing.T) {
	l := fakeLaunch()
	l.Server.Metrics = &space.Endpoint{Path: "/metrics"}
	s := ready(t, l)
	want := []Metric{
		{"gc_seconds_sum", "", 0.5},
		{"gc_seconds_count", "", 4},
		{"llamacpp:prompt_tokens_total", "", 12},
		{"sglang:num_running_reqs", `{engine_type="unified",model_name="m"}`, 3},
		{"untyped_thing", "", 7},
		{"vllm:ttft_seconds_sum", "", 0.75},
		{"vllm:ttft_seconds_count", "", 2},
	}
	for range 3 { // the order is always the same
		got, err := s.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal("(-want +got)\n" + diff)
		}
	}
	for path, text := range map[string]string{"/missing": "HTTP 404", "/broken-metrics": "/broken-metrics: "} {
		s.Spec.Metrics.Path = path
		if _, err := s.Metrics(t.Context()); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.Spec.Metrics = nil
	if got, err := s.Metrics(t.Context()); got != nil || err != nil {
		t.Errorf("an engine without metrics: %v, %v", got, err)
	}
}
