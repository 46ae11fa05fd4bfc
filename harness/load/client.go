package load

import (
	"math"
	"runtime/metrics"
	"slices"
)

// A Client says how the load generator itself fared, so that its numbers can be
// trusted or not. CPU, read delay and pauses are those of this whole process, of
// all that ran in it during the run.
type Client struct {
	// Stamps is where receive times come from: "user", the clock right after the
	// read returned.
	Stamps string `json:"stamps"`

	CPUSeconds float64 `json:"cpu_s"` // user and system

	// Lag is from a request's due time to its send: how late the schedule of an open
	// loop was kept, or how long a closed loop took to turn around. A dial is part
	// of it.
	LagP50Seconds float64 `json:"lag_p50_s"`
	LagP99Seconds float64 `json:"lag_p99_s"`

	// ReadDelay is how long bytes that had come waited to be stamped. With user
	// stamps it is how long goroutines that could run waited for a thread, by the
	// runtime's own account: the kernel's share is not in it.
	ReadDelayP50Seconds float64 `json:"read_delay_p50_s"`
	ReadDelayP99Seconds float64 `json:"read_delay_p99_s"`

	GCPauseMaxSeconds float64 `json:"gc_pause_max_s"` // longest stop of all goroutines by the garbage collector

	Reads        int `json:"reads"`         // reads that brought bytes
	Chunks       int `json:"chunks"`        // events with tokens
	SharedChunks int `json:"shared_chunks"` // of these, those in one read with the one before: the gap between the two is lost
}

// A health is the state of this process when a run begins.
type health struct {
	cpuSeconds    float64
	waits, pauses metrics.Float64Histogram
}

const (
	waitsMetric  = "/sched/latencies:seconds"
	pausesMetric = "/sched/pauses/total/gc:seconds"
)

func startHealth() health {
	waits, pauses := histograms()
	return health{cpuSeconds: cpuSeconds(), waits: waits, pauses: pauses}
}

// stop sums up the run that began with h.
func (h health) stop(records []Record) Client {
	c := Client{Stamps: "user", CPUSeconds: cpuSeconds() - h.cpuSeconds}
	waits, pauses := histograms()
	subtract(&waits, h.waits)
	subtract(&pauses, h.pauses)
	c.ReadDelayP50Seconds, c.ReadDelayP99Seconds = bucketQuantile(waits, 0.5), bucketQuantile(waits, 0.99)
	c.GCPauseMaxSeconds = bucketQuantile(pauses, 1)
	var lags []float64
	for i := range records {
		rec := &records[i]
		if rec.SendNS >= 0 {
			lags = append(lags, float64(rec.SendNS-rec.SchedNS)/1e9)
		}
		c.Reads += rec.Reads
		read := int32(-1)
		for k := range rec.ChunkNS {
			if !rec.HasTokens(k) {
				continue
			}
			c.Chunks++
			if rec.ChunkRead[k] == read {
				c.SharedChunks++
			}
			read = rec.ChunkRead[k]
		}
	}
	slices.Sort(lags)
	c.LagP50Seconds, c.LagP99Seconds = rank(lags, 0.5), rank(lags, 0.99)
	return c
}

func histograms() (waits, pauses metrics.Float64Histogram) {
	s := []metrics.Sample{{Name: waitsMetric}, {Name: pausesMetric}}
	metrics.Read(s)
	return *s[0].Value.Float64Histogram(), *s[1].Value.Float64Histogram()
}

// subtract leaves in h what was counted after before. The buckets of a metric
// never change while a process lives.
func subtract(h *metrics.Float64Histogram, before metrics.Float64Histogram) {
	for i := range h.Counts {
		h.Counts[i] -= before.Counts[i]
	}
}

// bucketQuantile is the upper bound of the bucket that the q-th value is in, and 0
// without values. The last bucket has no upper bound, and gives its lower one.
func bucketQuantile(h metrics.Float64Histogram, q float64) float64 {
	var total, seen uint64
	for _, n := range h.Counts {
		total += n
	}
	if total == 0 {
		return 0
	}
	need := max(1, uint64(math.Ceil(q*float64(total))))
	for i, n := range h.Counts {
		if seen += n; seen >= need {
			if math.IsInf(h.Buckets[i+1], 1) {
				return h.Buckets[i]
			}
			return h.Buckets[i+1]
		}
	}
	return 0
}

// rank is the nearest-rank quantile of sorted values, and 0 without any.
func rank(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
