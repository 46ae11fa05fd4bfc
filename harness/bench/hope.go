package bench

import (
	"fmt"
	"strings"

	"harness/harness/bench/stop"
	"harness/harness/load"
	"harness/results"
)

// A hope follows one run, and ends it once it can only come out worse than a rival, or
// miss a limit. It counts what is certain: requests that have not ended may yet take no
// time at all, and all tokens may yet come at once.
type hope struct {
	rule     stop.Rule
	rivals   []stop.Config
	from     int // configs that the rivals were chosen from
	requests int
	output   float64 // tokens that are asked for
	first    int64   // earliest send, ns
	ttft     []float64
	e2e      []float64
	lost     bool // a request failed: the run will be invalid, and decides nothing
	verdict  stop.Verdict
	best     []float64 // when it was decided: of each metric of the rule; 0: not known
}

// cutPrefix begins the invalid reason of a run that was cut short.
const cutPrefix = "cut short: "

// looks is how often in a run it is asked: each look sorts what there is.
const looks = 16

// newHope returns nil where there is nothing to compare with.
func (s Stopping) newHope(loadPoint string, prompts []load.Prompt) *hope {
	if s.Rule == nil {
		return nil
	}
	h := &hope{rule: s.rule(loadPoint), rivals: s.Rivals, from: s.ChosenFrom, requests: len(prompts), first: -1, verdict: stop.Verdict{Decision: stop.Continue}}
	for _, p := range prompts {
		h.output += float64(p.OutputTokens)
	}
	return h
}

// cut reports whether the run was ended.
func (h *hope) cut() bool { return h != nil && h.verdict.Decision != stop.Continue }

// enough is load.Options.Enough.
func (h *hope) enough(rec *load.Record, now int64) string {
	if !rec.OK() || h.lost {
		h.lost = true
		return ""
	}
	if h.first < 0 || rec.SendNS < h.first {
		h.first = rec.SendNS
	}
	h.ttft = append(h.ttft, float64(rec.FirstTokenNS-rec.SendNS)/1e9)
	h.e2e = append(h.e2e, float64(rec.LastTokenNS-rec.SendNS)/1e9)
	if ended := len(h.ttft); ended == h.requests || ended%max(1, h.requests/looks) != 0 {
		return "" // of a run that is over there is a number
	}
	best := h.bounds(float64(now-h.first) / 1e9)
	v := h.rule.Hopeless(best, h.rivals, h.from)
	if v.Decision == stop.Continue {
		return ""
	}
	v.Why += ": " + h.say(best)
	h.verdict, h.best = v, best
	return cutPrefix + v.Why
}

// say names what is known of a run by its bounds.
func (h *hope) say(best []float64) string {
	var parts []string
	for i, m := range h.rule.Metrics {
		word := "at most"
		if m.Lower {
			word = "at least"
		}
		if best[i] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %.3g", m.Name, word, best[i]))
		}
	}
	return strings.Join(parts, ", ")
}

// bounds are the best values that the rule's metrics can still reach; 0 where nothing
// is known.
func (h *hope) bounds(elapsedSeconds float64) []float64 {
	best := make([]float64, len(h.rule.Metrics))
	for i, m := range h.rule.Metrics {
		name, quantile := quantileOf(m.Name)
		switch name {
		case "ttft":
			best[i] = stop.BestQuantile(h.ttft, h.requests, quantile)
		case "e2e":
			best[i] = stop.BestQuantile(h.e2e, h.requests, quantile)
		case "output_tps":
			best[i] = stop.BestRate(h.output, elapsedSeconds)
		case "request_rps":
			best[i] = stop.BestRate(float64(h.requests), elapsedSeconds)
		}
	}
	return best
}

// quantileOf splits a column such as ttft_p50_s.
func quantileOf(column string) (name string, q float64) {
	for _, p := range []struct {
		suffix string
		q      float64
	}{{"_p50_s", 0.5}, {"_p90_s", 0.9}, {"_p99_s", 0.99}} {
		if name, ok := strings.CutSuffix(column, p.suffix); ok {
			return name, p.q
		}
	}
	return column, 0
}

// mark fills into the row of a cut run why it was, and what it could have come to.
func (h *hope) mark(row *results.Run) {
	row.Valid, row.InvalidReason = false, cutPrefix+h.verdict.Why
	row.Decision, row.DecisionWhy = string(h.verdict.Decision), h.verdict.Why
	row.Bounds = h.best
}
