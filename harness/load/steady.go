package load

import (
	"cmp"
	"math"
	"slices"
)

// A Window is the part of a run in which the load was what it was meant to be:
// neither beginning nor draining.
type Window struct {
	FromSeconds, ToSeconds float64 // from the run's start
	OutputTokens           float64 // of successful requests, by the times of their chunks
	OutputTPS              float64 // OutputTokens a second of the window
}

// steadyShare is how close to the usual number of requests in flight the load must
// be for the window to begin and to end (as SGLang's benchmark/steady_state.py).
const steadyShare = 0.95

// steady finds the window: from when the requests in flight first reach 95 % of
// their upper quartile over time until they last do. The quartile is the
// concurrency of a closed loop if its ramp and its drain are less than three
// quarters of the run; of an open loop it is near the mean.
//
// Tokens count by the time of their chunk, so that requests that straddle an edge
// bias nothing. Chunks whose tokens the server did not count have equal shares of
// the answer's. The chunks at the first edge are left out: they were made before it.
func steady(records []Record) Window {
	segments := inFlight(records)
	if len(segments) == 0 {
		return Window{}
	}
	need := steadyShare * float64(upperQuartile(segments))
	from, to := int64(-1), int64(-1)
	for _, s := range segments {
		if float64(s.n) >= need {
			if from < 0 {
				from = s.from
			}
			to = s.to
		}
	}
	w := Window{FromSeconds: seconds(from), ToSeconds: seconds(to)}
	for i := range records {
		if records[i].OK() {
			w.OutputTokens += tokensWithin(&records[i], from, to)
		}
	}
	if to > from {
		w.OutputTPS = w.OutputTokens / seconds(to-from)
	}
	return w
}

// tokensWithin counts the tokens of an answer that came after from and until to.
func tokensWithin(r *Record, from, to int64) float64 {
	ns, said := r.TokenChunks()
	tokens := chunkTokens(said, r.OutputTokens)
	sum := 0.0
	for k := range ns {
		if ns[k] <= from || ns[k] > to {
			continue
		}
		if tokens != nil {
			sum += float64(tokens[k])
		} else {
			sum += float64(r.OutputTokens) / float64(len(ns))
		}
	}
	return sum
}

// A segment is a time in which so many requests were in flight.
type segment struct {
	from, to int64
	n        int
}

// inFlight is the number of requests in flight over time.
func inFlight(records []Record) []segment {
	type step struct {
		ns    int64
		delta int
	}
	var steps []step
	for i := range records {
		if r := &records[i]; r.SendNS >= 0 && r.DoneNS > r.SendNS {
			steps = append(steps, step{r.SendNS, 1}, step{r.DoneNS, -1})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.ns, b.ns) })
	var segments []segment
	n := 0
	for i, s := range steps {
		n += s.delta
		if i+1 < len(steps) && steps[i+1].ns > s.ns {
			segments = append(segments, segment{s.ns, steps[i+1].ns, n})
		}
	}
	return segments
}

// upperQuartile is what the number in flight does not exceed for three quarters of
// the time.
func upperQuartile(segments []segment) int {
	sorted := slices.Clone(segments)
	slices.SortFunc(sorted, func(a, b segment) int { return cmp.Compare(a.n, b.n) })
	total := int64(0)
	for _, s := range sorted {
		total += s.to - s.from
	}
	need := int64(math.Ceil(0.75 * float64(total)))
	for _, s := range sorted {
		if need -= s.to - s.from; need <= 0 {
			return s.n
		}
	}
	return sorted[len(sorted)-1].n
}
