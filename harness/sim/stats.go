package sim

import "time"

// stats counts what /metrics and the log tell, from the schedulers' point of view.
type stats struct {
	requests, promptTokens, generated, cachedTokens int
	finished                                        int
	ttft, itl, e2e, queue                           histogram
}

func newStats() stats {
	coarse := []float64{0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60}
	fine := []float64{0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1}
	return stats{ttft: newHistogram(coarse), itl: newHistogram(fine), e2e: newHistogram(coarse), queue: newHistogram(coarse)}
}

func (st *stats) accepted(q *sequence) {
	st.requests++
	st.promptTokens += q.prompt
}

// tokens counts the newest tokens of q at time now.
func (st *stats) tokens(q *sequence, reason string, now time.Duration) {
	if q.first == 0 {
		q.first = now
		st.cachedTokens += q.cached
		st.ttft.add((now - q.arrived).Seconds())
		st.queue.add((q.started - q.queued).Seconds())
	} else {
		st.itl.add((now - q.last).Seconds())
	}
	q.last = now
	st.generated += q.output - q.counted
	q.counted = q.output
	if reason != "" {
		st.finished++
		st.e2e.add((now - q.arrived).Seconds())
	}
}

// A histogram counts observations below each bound, as Prometheus does.
type histogram struct {
	bounds []float64 // ascending, seconds
	counts []int     // of each bound alone, then those above the last
	sum    float64
	n      int
}

func newHistogram(bounds []float64) histogram {
	return histogram{bounds: bounds, counts: make([]int, len(bounds)+1)}
}

func (h *histogram) add(x float64) {
	i := 0
	for i < len(h.bounds) && x > h.bounds[i] {
		i++
	}
	h.counts[i]++
	h.sum += x
	h.n++
}
