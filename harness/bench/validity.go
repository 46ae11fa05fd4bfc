package bench

import (
	"fmt"

	"harness/results"
)

// Bounds of the validity gate (a run outside is kept, marked, and measured again).
const (
	maxFailedShare    = 0.001 // of a run's requests
	maxCachedShare    = 0.01  // of its prompt tokens beyond those that are shared by design: the prompts are new
	maxSharedShare    = 0.02  // the same where some are shared: servers cache whole blocks
	maxThrottledShare = 0.1   // of its time
	MaxTries          = 3     // of one run, the first included
)

// clientPrefix begins the invalid reason of a run whose times say more of this machine
// than of the server.
const clientPrefix = "this machine took part in the times: "

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
