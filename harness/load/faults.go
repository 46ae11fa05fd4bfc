package load

import (
	"fmt"
	"math"
	"slices"
)

// Bounds of the client health gate: beyond them a run says more of this machine than
// of the server. What is bound to the measured times is bound from below too, for
// times so short that nothing on this machine could be that exact.
const (
	maxErrorSeconds  = 0.001 // or 5 % of the median ITL, or 2 % of the median TTFT
	maxLagSeconds    = 0.001 // of an open loop; or 1 % of the mean gap, or 2 % of the median TTFT
	maxTurnSeconds   = 0.002 // of a closed loop, on average: so long a worker has no request in flight; or 1 % of the median E2E
	maxCanarySeconds = 0.002 // until the program has what came; with kernel stamps or half of the median ITL,
	maxSharedChunks  = 0.01  // and not while fewer chunks than these lost the gap before them
	maxPauseSeconds  = 0.005 // of the garbage collector
	maxCPUShare      = 0.8
	maxWaitShare     = 0.2
	maxStealShare    = 0.1
	maxRateError     = 0.01
)

// Faults says why the run's times cannot be trusted, for reasons that lie with the
// load generator and its machine; nothing when they can. Of a run without a
// successful request only what needs no times is judged.
func (r *Result) Faults() []string {
	s := Summarize(r)
	return r.Client.faults(medians{itl: median(s.ITLSeconds), ttft: median(s.TTFTSeconds), e2e: median(s.E2ESeconds)},
		s.ByClass[ClassConnect]+s.ByClass[ClassConnectTO])
}

// medians are a run's, in seconds; 0 is not known.
type medians struct{ itl, ttft, e2e float64 }

// faults is Faults, from what it needs.
func (c Client) faults(m medians, unconnected int) []string {
	var out []string
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	over := func(what string, got, bound float64) {
		bad(got > bound, "%s is %.3g ms, and at most %.3g ms is good", what, got*1e3, bound*1e3)
	}
	share := func(what string, got, bound float64) {
		bad(got > bound, "%s is %.0f %%, and at most %.0f %% is good", what, got*100, bound*100)
	}
	over("the client error's p99", c.ErrorP99Seconds, max(maxErrorSeconds, least(0.05*m.itl, 0.02*m.ttft)))
	canary := maxCanarySeconds
	if c.Stamps == "kernel" {
		canary = max(canary, m.itl/2) // what is read late has its time all the same, unless the next comes too
	}
	if c.Stamps != "kernel" || float64(c.SharedChunks) > maxSharedChunks*float64(c.Chunks) {
		over("the canary's p99", c.CanaryP99Seconds, canary)
	}
	if c.MeanGapSeconds > 0 {
		over("the lag behind the schedule, at p99,", c.LagP99Seconds, max(maxLagSeconds, 0.01*c.MeanGapSeconds, 0.02*m.ttft))
		bad(c.RateRatio > 0 && math.Abs(c.RateRatio-1) > maxRateError && c.LagMaxSeconds > maxLagSeconds, "the rate sent is %.3g of the one that was due", c.RateRatio)
	} else {
		over("the mean turn-around of the closed loop", c.LagMeanSeconds, max(maxTurnSeconds, 0.01*m.e2e))
	}
	over("the longest pause of the garbage collector", c.GCPauseMaxSeconds, maxPauseSeconds)
	share("the client's share of its CPU", c.CPUShare, maxCPUShare)
	share("the time in which the client was given no core", c.WaitShare, maxWaitShare)
	share("the time that the machine beneath took (steal)", c.StealShare, maxStealShare)
	bad(unconnected > 0, "%d connections could not be made", unconnected)
	return out
}

// least is the least of what is known; 0 where nothing is.
func least(values ...float64) float64 {
	values = slices.DeleteFunc(values, func(v float64) bool { return v <= 0 })
	if len(values) == 0 {
		return 0
	}
	return slices.Min(values)
}

// median is that of nearest rank, and 0 without values.
func median(values []float64) float64 { return rank(slices.Sorted(slices.Values(values)), 0.5) }
