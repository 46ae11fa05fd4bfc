package stop

import (
	"fmt"
	"math"
	"slices"

	"harness/results/stat"
)

// Hopeless reports whether a run that is not over yet can only end worse than a rival in
// every objective, or miss a limit: by Abort at least, and by more than the noise where
// that is known. best holds for each metric the best value that the run can still
// reach (BestQuantile, BestRate); NaN or 0: not known. These are bounds, no estimates,
// so that all error is that of one run for its config, and within the guarantee of the
// package. Where the noise is not known, it rests on no run being off by Abort.
func (r Rule) Hopeless(best []float64, front []Config, chosenFrom int) Verdict {
	r = r.withDefaults()
	claims := r.limits()
	if len(front) > 0 {
		claims += max(chosenFrom, len(front))
	}
	for i, m := range r.Metrics {
		if m.Limit == 0 || !(best[i] > 0) {
			continue
		}
		mean, _, high := m.beyond(oneRun(best[i]), r.part(claims))
		if r.clear(m, mean, high, 0) {
			return Verdict{Decision: MissesSLO, Why: fmt.Sprintf("%s can reach %.4g at best, and its limit is %.4g", m.Name, best[i], m.Limit)}
		}
	}
	for _, rival := range front {
		if r.hopelessAgainst(best, rival, r.part(claims)) {
			return Verdict{Decision: Loses, Rival: rival.ID, Why: fmt.Sprintf("this run can only end more than %.0f %% worse than %s in every objective", 100*r.Abort, rival.ID)}
		}
	}
	return Verdict{Decision: Continue}
}

func (r Rule) hopelessAgainst(best []float64, rival Config, tail float64) bool {
	compared := false
	for i, m := range r.Metrics {
		if !m.Objective {
			continue
		}
		if !(best[i] > 0) || len(rival.Runs) == 0 {
			return false
		}
		compared = true
		mean, _, high := m.better(stat.Compare(oneRun(best[i]), rival.values(i), m.Noise), tail)
		if !r.clear(m, mean, high, math.Log1p(r.Band)) {
			return false
		}
	}
	return compared
}

// clear reports whether a difference is worse by Abort, and below bound beyond the noise.
func (r Rule) clear(m Metric, mean, high, bound float64) bool {
	return mean < -math.Log1p(r.Abort) && (m.Noise.RunDF == 0 || high < bound)
}

// oneRun is a run of a launch and a block of its own.
func oneRun(value float64) []stat.Run { return []stat.Run{{Block: math.MinInt64, Value: value}} }

// BestQuantile is the lowest that the q quantile of n values can come out at, where some
// are known to be no less than atLeast says: TTFTs so far, and how long the requests
// without a token have waited by now.
func BestQuantile(atLeast []float64, n int, q float64) float64 {
	values := make([]float64, max(0, n-len(atLeast)), max(n, len(atLeast))) // the others may take no time
	return stat.Quantile(slices.Concat(values, atLeast), q)
}

// BestRate is the highest rate that a run can come out at: all that it can yield, over
// the time that it has taken by now.
func BestRate(most, elapsedSeconds float64) float64 { return most / elapsedSeconds }

// Taken is what one load point of one config took.
type Taken struct {
	Runs    int
	Seconds float64 // in these runs
}

// Saving is what a rule saved beside a fixed number of runs each.
type Saving struct {
	Runs    int
	Seconds float64 // each run that was not made counts as the mean of those of its load point
	Share   float64 // of the seconds that the fixed number would have taken
}

// Saved compares what was taken with a fixed number of runs, such as 10. Points without
// a run, as of trials that failed, count for nothing.
func Saved(taken []Taken, fixed int) Saving {
	var s Saving
	all := 0.0
	for _, t := range taken {
		if t.Runs == 0 {
			continue
		}
		each := t.Seconds / float64(t.Runs)
		s.Runs += fixed - t.Runs
		s.Seconds += each * float64(fixed-t.Runs)
		all += each * float64(fixed)
	}
	if all > 0 {
		s.Share = s.Seconds / all
	}
	return s
}
