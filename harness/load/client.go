package load

import (
	"fmt"
	"math"
	"runtime/metrics"
	"slices"
)

// A Client says how the load generator itself fared, so that its numbers can be
// trusted or not; Result.Faults judges it. CPU, pauses and, of user stamps, the read
// delay are those of this whole process, of all that ran in it during the run.
type Client struct {
	// Stamps is where receive times come from: "kernel", the time at which the kernel
	// had the bytes, or "user", the clock right after the read returned.
	Stamps string `json:"stamps"`

	// Error is how late the stamps were of a canary: a connection of this process to
	// itself, whose messages say when they were written. The client error of this run.
	// Canary is from that write until the program had the message. Canaries is how many
	// there were; with 0 nothing is known.
	ErrorP50Seconds  float64 `json:"error_p50_s"`
	ErrorP99Seconds  float64 `json:"error_p99_s"`
	CanaryP50Seconds float64 `json:"canary_p50_s"`
	CanaryP99Seconds float64 `json:"canary_p99_s"`
	Canaries         int     `json:"canaries"`

	// Lag is from a request's due time to its send: how late the schedule of an open
	// loop was kept, or how long a closed loop took to turn around. A dial that the
	// pool of connections made necessary is part of it; those of FreshConnections are not.
	LagMeanSeconds float64 `json:"lag_mean_s"`
	LagP50Seconds  float64 `json:"lag_p50_s"`
	LagP99Seconds  float64 `json:"lag_p99_s"`
	LagMaxSeconds  float64 `json:"lag_max_s"`

	// ReadDelay is how long bytes that had come waited to be read. With kernel stamps it
	// is measured for each event, and harms no time. With user stamps it is how long
	// goroutines that could run waited for a thread, by the runtime's own account: the
	// kernel's share is not in it.
	ReadDelayP50Seconds float64 `json:"read_delay_p50_s"`
	ReadDelayP99Seconds float64 `json:"read_delay_p99_s"`

	CPUSeconds        float64 `json:"cpu_s"`          // user and system
	CPUShare          float64 `json:"cpu_share"`      // of what it can use: a core with kernel stamps, else GOMAXPROCS of them
	WaitShare         float64 `json:"wait_share"`     // of the run, in which the reading thread was given no core; with kernel stamps
	StealShare        float64 `json:"steal_share"`    // of all cores' time, given to others by the machine beneath; on Linux
	GCPauseMaxSeconds float64 `json:"gc_pause_max_s"` // longest stop of all goroutines by the garbage collector

	// Rate is how many requests a second an open loop sent, over how many were due; 1
	// is on time, and 0 is that there is none. MeanGapSeconds is between due times.
	RateRatio      float64 `json:"rate_ratio"`
	MeanGapSeconds float64 `json:"mean_gap_s"`

	Reads        int `json:"reads"`         // reads that brought bytes
	Chunks       int `json:"chunks"`        // events with tokens
	SharedChunks int `json:"shared_chunks"` // of these, those in one read with the one before: the gap between the two is lost
	Unstamped    int `json:"unstamped"`     // reads without a kernel stamp that could be true: the user's time was taken
	ClockSteps   int `json:"clock_steps"`   // times that the wall clock was set in the run
}

// String is the line for people: how far this run's times can be trusted.
func (c Client) String() string {
	shared := ""
	if c.SharedChunks > 0 {
		shared = fmt.Sprintf("; %d of %d chunks shared a read with the one before", c.SharedChunks, c.Chunks)
	}
	if c.Canaries == 0 {
		return fmt.Sprintf("client error not measured (%s stamps)%s", c.Stamps, shared)
	}
	return fmt.Sprintf("client error p99 = %.0f us (%s stamps)%s", c.ErrorP99Seconds*1e6, c.Stamps, shared)
}

// A health is the state of this process when a run begins.
type health struct {
	cpuSeconds    float64
	stolen, ticks float64
	waits, pauses metrics.Float64Histogram
}

const (
	waitsMetric  = "/sched/latencies:seconds"
	pausesMetric = "/sched/pauses/total/gc:seconds"
)

func startHealth() health {
	h := health{cpuSeconds: cpuSeconds()}
	h.stolen, h.ticks = machineTicks()
	h.waits, h.pauses = histograms()
	return h
}

// stop sums up the run that began with h, but for what only a transport knows.
func (h health) stop(records []Record, o Options) Client {
	c := Client{CPUSeconds: cpuSeconds() - h.cpuSeconds}
	if stolen, ticks := machineTicks(); ticks > h.ticks {
		c.StealShare = (stolen - h.stolen) / (ticks - h.ticks)
	}
	waits, pauses := histograms()
	subtract(&waits, h.waits)
	subtract(&pauses, h.pauses)
	c.ReadDelayP50Seconds, c.ReadDelayP99Seconds = bucketQuantile(waits, 0.5), bucketQuantile(waits, 0.99)
	c.GCPauseMaxSeconds = bucketQuantile(pauses, 1)
	for i := range records {
		c.count(&records[i])
	}
	c.delays(records)
	c.lags(records, o)
	return c
}

// count adds what one record's reads brought.
func (c *Client) count(rec *Record) {
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

// delays measures the read delay where there are two stamps of each event.
func (c *Client) delays(records []Record) {
	var delays []float64
	for i := range records {
		for k, user := range records[i].ChunkUserNS {
			delays = append(delays, seconds(user-records[i].ChunkNS[k]))
		}
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		c.ReadDelayP50Seconds, c.ReadDelayP99Seconds = rank(delays, 0.5), rank(delays, 0.99)
	}
}

// lags measures how well due times were kept.
func (c *Client) lags(records []Record, o Options) {
	var lags []float64
	var due, sent []int64
	for i := range records {
		rec := &records[i]
		at := rec.SendNS
		if o.FreshConnections {
			at = rec.DispatchNS
		}
		if at < 0 || rec.SchedNS < 0 {
			continue
		}
		lags = append(lags, seconds(at-rec.SchedNS))
		due, sent = append(due, rec.SchedNS), append(sent, at)
	}
	if len(lags) == 0 {
		return
	}
	slices.Sort(lags)
	for _, l := range lags {
		c.LagMeanSeconds += l / float64(len(lags))
	}
	c.LagP50Seconds, c.LagP99Seconds, c.LagMaxSeconds = rank(lags, 0.5), rank(lags, 0.99), lags[len(lags)-1]
	if o.Concurrency > 0 || len(o.Stages) > 0 || len(due) < 2 {
		return
	}
	span := func(ns []int64) float64 { return seconds(slices.Max(ns) - slices.Min(ns)) }
	c.MeanGapSeconds = span(due) / float64(len(due)-1)
	if s := span(sent); s > 0 {
		c.RateRatio = span(due) / s
	}
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
