package bench

import (
	"fmt"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
)

// Bounds of the validity gate (a run outside is kept, marked, and measured again).
const (
	maxFailedShare = 0.001 // of a run's requests
	maxCachedShare = 0.01  // of its prompt tokens beyond those that are shared by design: the prompts are new
	maxSharedShare = 0.02  // the same where some are shared: servers cache whole blocks
	MaxTries       = 3     // of one run, the first included
)

// invalidReason says why a run's numbers must not be used; "" when they may.
func invalidReason(r results.Run) string {
	if float64(r.Failures) > maxFailedShare*float64(r.Requests) {
		return fmt.Sprintf("%d of %d requests failed", r.Failures, r.Requests)
	}
	share := maxCachedShare
	if r.SharedTokens > 0 {
		share = maxSharedShare
	}
	allowed := float64(r.SharedTokens) + share*float64(r.PromptTokens) + float64(r.Requests) // and one each, the begin of text
	if r.SharedTokens >= 0 && float64(r.CachedTokens) > allowed {
		return fmt.Sprintf("%d of %d prompt tokens came from the prefix cache, and %d could by design", r.CachedTokens, r.PromptTokens, r.SharedTokens)
	}
	return ""
}

// failureOf names the class of a trial whose run stayed invalid, from the classes of
// its failed requests. "" when no request failed.
func failureOf(requests []results.Request) (class, description string) {
	counts := map[string]int{}
	total := 0
	example := ""
	for _, r := range requests {
		if r.FailureClass == "" || r.FailureClass == load.ClassCancelled {
			continue // what the run's early end cut off tells nothing
		}
		total++
		if example == "" {
			example = r.FailureClass + ": " + r.Error
		}
		counts[requestClass(r.FailureClass)]++
	}
	for c, n := range counts {
		if n > counts[class] || n == counts[class] && c < class {
			class = c
		}
	}
	return class, fmt.Sprintf("%d of %d requests failed, the first: %s", total, len(requests), example)
}

// requestClass maps the way a request failed to the failure class of a trial.
func requestClass(c string) string {
	switch c {
	case load.ClassFirstTO, load.ClassGapTO, load.ClassTotalTO:
		return engine.HangServing
	case load.ClassWrongCount, load.ClassEmpty:
		return engine.WrongOutput
	default:
		return engine.RequestErrors
	}
}
