package load

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// play runs an agenda against a server that takes service ns for each request, and
// returns "prompt@due" for each in the order of sending. failed prompts end badly.
func play(o Options, service int64, failed ...int) []string {
	a := newAgenda(o)
	var sent []string
	var flying timeline // by when they end
	now := int64(0)
	for {
		i, due := a.next(now)
		switch {
		case i >= 0 && due <= now:
			a.take(i, due)
			sent = append(sent, fmt.Sprintf("%d@%d", i, due))
			flying.push(now+service, i)
		case len(flying) > 0 && flying[0].at <= due:
			end := flying.pop()
			now = max(now, end.at)
			a.ended(end.prompt, !slices.Contains(failed, end.prompt), end.at)
		case due == never:
			return sent
		default:
			now = due
		}
	}
}

// chat is conversations of so many turns, one after another in the list, each turn
// thinking so long after the answer before.
func chat(conversations, turns int, think int64) []Prompt {
	var p []Prompt
	for range conversations {
		for turn := range turns {
			prompt := Prompt{Text: "a", OutputTokens: 1}
			if turn > 0 {
				prompt.After, prompt.ThinkNS = len(p), think
			}
			p = append(p, prompt)
		}
	}
	return p
}

func TestAgenda(t *testing.T) {
	traced := prompts(4, 1)
	traced[0].DueNS, traced[1].DueNS, traced[2].DueNS = 30, 10, 20
	traced[3].After, traced[3].ThinkNS = 2, 5
	const second = int64(time.Second)
	for _, tt := range []struct {
		name    string
		o       Options
		service int64
		failed  []int
		want    string
	}{
		{name: "closed loop", o: Options{Prompts: prompts(5, 1), Concurrency: 2}, service: 10, want: "0@0 1@0 2@10 3@10 4@20"},
		{name: "more workers than prompts", o: Options{Prompts: prompts(2, 1), Concurrency: 5}, service: 10, want: "0@0 1@0"},
		{name: "ramp", o: Options{Prompts: prompts(4, 1), Concurrency: 4, Ramp: 40}, service: 100, want: "0@0 1@10 2@20 3@30"},
		{name: "ramp longer than an answer: a free worker goes on", o: Options{Prompts: prompts(4, 1), Concurrency: 2, Ramp: 40}, service: 15, want: "0@0 1@15 2@20 3@30"},
		{name: "capped", o: Options{Prompts: prompts(4, 1), Concurrency: 4, RateCap: 1e9 / 7}, service: 10, want: "0@0 1@7 2@14 3@21"},
		{name: "capped, and slower than the cap", o: Options{Prompts: prompts(3, 1), Concurrency: 1, RateCap: 1e9 / 7}, service: 10, want: "0@0 1@10 2@20"},
		{name: "open loop", o: Options{Prompts: prompts(3, 1), Rate: 1e8, Arrival: Constant}, service: 100, want: "0@10 1@20 2@30"},
		{name: "the offer ends", o: Options{Prompts: prompts(3, 1), Rate: 1e8, Arrival: Constant, StopSending: 20}, service: 100, want: "0@10 1@20"},
		{name: "the offer of a closed loop ends", o: Options{Prompts: prompts(9, 1), Concurrency: 1, StopSending: 25}, service: 10, want: "0@0 1@10 2@20"},
		{name: "trace, unsorted, with a later turn", o: Options{Prompts: traced, Arrival: Trace}, service: 7, want: "1@10 2@20 3@22 0@30"},
		{name: "turns come before new conversations", o: Options{Prompts: chat(3, 2, 0), Concurrency: 1}, service: 10, want: "0@0 1@10 2@20 3@30 4@40 5@50"},
		{name: "while one thinks, another is served", o: Options{Prompts: chat(2, 2, 15), Concurrency: 1}, service: 10, want: "0@0 2@10 1@25 3@35"},
		{name: "nothing but thinking", o: Options{Prompts: chat(1, 3, 100), Concurrency: 2}, service: 10, want: "0@0 1@110 2@220"},
		{name: "later turns of an open loop take no arrival", o: Options{Prompts: chat(2, 2, 3), Rate: 1e8, Arrival: Constant}, service: 4, want: "0@10 1@17 2@20 3@27"},
		{name: "what follows a failure is not sent", o: Options{Prompts: chat(2, 3, 0), Concurrency: 1}, service: 10, failed: []int{0}, want: "0@0 3@10 4@20 5@30"},
		{name: "stairs up and down", o: Options{Prompts: prompts(20, 1), Stages: []Stage{{Seconds: 1, Concurrency: 1}, {Seconds: 1, Concurrency: 2}, {Seconds: 1, Concurrency: 1}}},
			service: second * 6 / 10, want: "0@0 1@600000000 2@1000000000 3@1200000000 4@1600000000 5@1800000000 6@2400000000"},
		{name: "stairs of both loops", o: Options{Prompts: prompts(20, 1), Arrival: Constant, Stages: []Stage{{Seconds: 1, Rate: 2}, {Seconds: 1, Concurrency: 1}}},
			service: second * 7 / 10, want: "0@250000000 1@750000000 2@1000000000 3@1700000000"},
		{name: "stairs with too few prompts", o: Options{Prompts: prompts(1, 1), Stages: []Stage{{Seconds: 1, Concurrency: 1}, {Seconds: 1, Concurrency: 1}}}, service: 10, want: "0@0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.o.Validate(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(play(tt.o.withDefaults(), tt.service, tt.failed...), " "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Whatever the conversations and the loop, each prompt is sent once, after the one
// that it follows, and never more of them at once than there are workers.
func TestAgendaProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Concurrency: rapid.IntRange(0, 4).Draw(t, "c"), Arrival: Poisson, Burstiness: 1, Seed: 1}
		if o.Concurrency == 0 {
			o.Rate = rapid.Float64Range(1e6, 1e9).Draw(t, "rate")
		}
		n := rapid.IntRange(1, 20).Draw(t, "n")
		for i := range n {
			o.Prompts = append(o.Prompts, Prompt{Text: "a", OutputTokens: 1, After: rapid.IntRange(0, i).Draw(t, "after"), ThinkNS: rapid.Int64Range(0, 50).Draw(t, "think")})
		}
		const service = 10
		ends := make([]int64, n)
		for k := range ends {
			ends[k] = -1
		}
		var flying []int64
		for _, s := range play(o, service) {
			var i int
			var due int64
			fmt.Sscanf(s, "%d@%d", &i, &due)
			p := o.Prompts[i]
			if ends[i] >= 0 || (p.After > 0 && (ends[p.After-1] < 0 || due < ends[p.After-1]+p.ThinkNS)) {
				t.Fatalf("prompt %d is due at %d; the one before ended at %v", i, due, ends)
			}
			ends[i] = due + service
			flying = slices.DeleteFunc(flying, func(end int64) bool { return end <= due })
			if flying = append(flying, ends[i]); o.Concurrency > 0 && len(flying) > o.Concurrency {
				t.Fatalf("%d at once, for %d workers", len(flying), o.Concurrency)
			}
		}
		if slices.Contains(ends, -1) {
			t.Fatalf("not all were sent: %v", ends)
		}
	})
}

func TestTimeline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timeline
		times := rapid.SliceOf(rapid.Int64Range(0, 9)).Draw(t, "times")
		for i, at := range times {
			h.push(at, i)
		}
		last := timed{math.MinInt64, 0}
		for range times {
			next := h.pop()
			if next.before(last) {
				t.Fatalf("%v after %v", next, last)
			}
			last = next
		}
	})
}
