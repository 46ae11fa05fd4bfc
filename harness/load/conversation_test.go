package load

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// Three turns, of which each carries what was really answered before.
func TestConversation(t *testing.T) {
	turns := []Prompt{
		{Text: "one", OutputTokens: 2},
		{Text: "two", OutputTokens: 3, After: 1, AppendAnswer: true, ThinkNS: 20e6},
		{Text: "three", OutputTokens: 1, After: 2, AppendAnswer: true},
	}
	for _, tt := range []struct {
		api   API
		field string
		want  []string
	}{
		{Completions, "prompt", []string{`"one"`, `"one w wtwo"`, `"one w wtwo w w wthree"`}},
		{Generate, "text", []string{`"one"`, `"one w wtwo"`, `"one w wtwo w w wthree"`}},
		{Completion, "prompt", []string{`"one"`, `"one w wtwo"`, `"one w wtwo w w wthree"`}},
		{Chat, "messages", []string{
			`[{"content":"one","role":"user"}]`,
			`[{"content":"one","role":"user"},{"content":" w w","role":"assistant"},{"content":"two","role":"user"}]`,
			`[{"content":"one","role":"user"},{"content":" w w","role":"assistant"},{"content":"two","role":"user"},{"content":" w w w","role":"assistant"},{"content":"three","role":"user"}]`,
		}},
	} {
		t.Run(string(tt.api), func(t *testing.T) {
			byEach(t, func(t *testing.T, run runFunc) {
				m := newMock(t, tt.api, nil)
				res := run(t, m.target(), Options{Prompts: turns, Concurrency: 2})
				for i, body := range m.settled().bodies {
					if got, _ := json.Marshal(body[tt.field]); string(got) != tt.want[i] {
						t.Errorf("turn %d asked %s, want %s", i, got, tt.want[i])
					}
				}
				if len(m.bodies) != 3 {
					t.Fatalf("%d requests: %+v", len(m.bodies), Summarize(res).ByClass)
				}
				if r := res.Records; r[1].SchedNS != r[0].DoneNS+20e6 || r[1].SendNS < r[1].SchedNS || r[2].SchedNS != r[1].DoneNS {
					t.Errorf("due at %d and %d; the turns before ended at %d and %d", r[1].SchedNS, r[2].SchedNS, r[0].DoneNS, r[1].DoneNS)
				}
			})
		})
	}
}

// Chat takes messages as they are, and the turn of a failed one is not sent.
func TestTurnAfterAFailure(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Generate, nil)
		turns := []Prompt{{Text: "a", OutputTokens: 1}, {Text: "b", OutputTokens: 1, After: 1}, {Text: "c", OutputTokens: 1}}
		target := m.target()
		target.ExtraBody = map[string]any{"sampling_params": map[string]any{"max_new_tokens": 0}} // the mock then sends no token
		res := run(t, target, Options{Prompts: turns, Concurrency: 1})
		if s := Summarize(res); s.Failed != 2 || s.Unsent != 1 || !strings.Contains(res.Records[1].Error, "turn before") {
			t.Errorf("%v, %d unsent, %q", s.ByClass, s.Unsent, res.Records[1].Error)
		}
	})
}

func TestKeepText(t *testing.T) {
	for _, api := range []API{Completions, Chat, Generate, Completion} {
		m := newMock(t, api, nil)
		for _, keep := range []bool{true, false} {
			res := mustRun(t, m.target(), Options{Prompts: prompts(2, 12), Concurrency: 2, KeepText: keep})
			want := ""
			if keep {
				want = strings.Repeat(" w", 12)
			}
			for _, rec := range res.Records {
				if rec.Text != want {
					t.Errorf("%s, keep %v: %q, want %q", api, keep, rec.Text, want)
				}
			}
		}
	}
}

// Text that comes whole each time, or in parts, is told apart and put together.
func TestTranscript(t *testing.T) {
	cumulative := []string{"a", "ab", "ab c", "ab c", "ab c d", "ab c d e", "ab c d ef", "ab c d efg", "ab c d efgh", "ab c d efghi"}
	for _, tt := range []struct {
		name  string
		whole bool
		texts []string
		want  string
	}{
		{"nothing", true, nil, ""},
		{"parts, of an API that sends parts", false, []string{"a", "ab", "abc"}, "aababc"},
		{"the whole each time", true, cumulative, "ab c d efghi"},
		{"few of them", true, cumulative[:3], "ab c"},
		{"parts", true, []string{" the", " cat", " sat"}, " the cat sat"},
		{"equal parts", true, slices.Repeat([]string{" w"}, 20), strings.Repeat(" w", 20)},
		{"one", true, []string{"a"}, "a"},
		{"escapes", false, []string{`\n`, `é`, `\"`}, "\né\""},
		{"a surrogate pair in two parts", false, []string{`\ud83d`, `\ude00`}, "\U0001f600"},
	} {
		tr := transcript{whole: tt.whole}
		for _, s := range tt.texts {
			tr.add([]byte(s))
		}
		if got := tr.string(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Each request has a connection of its own, dialled after it was taken up.
func TestFreshConnections(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Completion, nil)
		res := run(t, m.target(), Options{Prompts: prompts(5, 2), Concurrency: 2, FreshConnections: true})
		for i, rec := range res.Records {
			if !rec.OK() || rec.ConnReused || rec.DispatchNS >= rec.ConnReadyNS || rec.ConnReadyNS > rec.SendNS {
				t.Errorf("record %d: %s %s, reused %v, taken up at %d, connected at %d, sent at %d", i, rec.Class, rec.Error, rec.ConnReused, rec.DispatchNS, rec.ConnReadyNS, rec.SendNS)
			}
		}
		if n := len(m.settled().remotes); n != 5 {
			t.Errorf("%d connections for 5 requests", n)
		}
	})
}

func TestTraceAndCap(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Completion, nil)
		p := prompts(3, 1)
		p[0].DueNS, p[1].DueNS, p[2].DueNS = 30e6, 0, 10e6
		res := run(t, m.target(), Options{Prompts: p, Arrival: Trace})
		for i, rec := range res.Records {
			if !rec.OK() || rec.SchedNS != p[i].DueNS || rec.SendNS < rec.SchedNS {
				t.Errorf("record %d: %s, due at %d, sent at %d; want %d", i, rec.Class, rec.SchedNS, rec.SendNS, p[i].DueNS)
			}
		}
		res = run(t, m.target(), Options{Prompts: prompts(4, 1), Concurrency: 4, RateCap: 200})
		for i, rec := range res.Records {
			if rec.SchedNS < int64(i)*5e6 || rec.SendNS < rec.SchedNS {
				t.Errorf("capped to one each 5 ms: request %d due at %d, sent at %d", i, rec.SchedNS, rec.SendNS)
			}
		}
	})
}

func TestStagesEnd(t *testing.T) {
	byEach(t, func(t *testing.T, run runFunc) {
		m := newMock(t, Completion, func(m *mock) {
			m.step = func(int) { <-time.After(2 * time.Millisecond) }
		})
		res := run(t, m.target(), Options{Prompts: prompts(10000, 1), Stages: []Stage{{Seconds: 0.05, Concurrency: 1}, {Seconds: 0.05, Rate: 100}}, Arrival: Constant})
		s := Summarize(res)
		if s.Failed != 0 || s.Requests < 5 || s.Unsent == 0 || !strings.Contains(res.Records[9999].Error, "stages") {
			t.Errorf("%d sent, %v, %d unsent: %q", s.Requests, s.ByClass, s.Unsent, res.Records[9999].Error)
		}
		for _, rec := range res.Records[:s.Requests] {
			if rec.SchedNS >= 100e6 {
				t.Errorf("record %d was due at %d, after the stages", rec.Index, rec.SchedNS)
			}
		}
	})
}
