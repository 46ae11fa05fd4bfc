package load

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// An Arrival is how the gaps between the requests of an open loop are drawn.
type Arrival string

const (
	// Constant gaps, all 1/rate.
	Constant Arrival = "constant"
	// Poisson arrivals: exponential gaps.
	Poisson Arrival = "poisson"
	// Gamma gaps, whose shape is Options.Burstiness: 1 is Poisson, less comes in
	// bursts, more is smoother.
	Gamma Arrival = "gamma"
	// Trace is a recorded schedule: each prompt has its own due time.
	Trace Arrival = "trace"
)

// schedule returns the due time of each of n requests, in ns from the run's
// start. Unless pure, the times are scaled so that the last is due at n/rate exactly:
// without that the realised rate of a short run is off by its luck (vLLM's pull
// request 21108 found 183 for 200 a second). It needs rate > 0 and, for Gamma,
// burstiness > 0.
func schedule(arrival Arrival, n int, rate, burstiness float64, seed uint64, pure bool) []int64 {
	src := rand.NewPCG(seed, 0x6172726976616c) // a stream of its own beside the prompts of the same seed
	gap := func() float64 { return 1 }
	switch arrival {
	case Poisson:
		gap = distuv.Exponential{Rate: 1, Src: src}.Rand
	case Gamma:
		gap = distuv.Gamma{Alpha: burstiness, Beta: burstiness, Src: src}.Rand
	}
	due := make([]float64, n)
	sum := 0.0
	for i := range due {
		sum += gap()
		due[i] = sum
	}
	scale := float64(n) / rate / sum
	if pure {
		scale = 1 / rate
	}
	if !(scale < math.MaxFloat64) { // every gap of a very bursty gamma can underflow to zero
		scale = 0
	}
	ns := make([]int64, n)
	for i, d := range due {
		ns[i] = int64(math.Round(d * scale * 1e9))
	}
	if n > 0 && !pure {
		ns[n-1] = int64(math.Round(float64(n) / rate * 1e9))
	}
	return ns
}
