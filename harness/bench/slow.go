package bench

import (
	"fmt"

	"harness/results/stat"
)

// SlowFactor is how many times slower than its model a server must be to count as
// degraded, and not as slow by design. The model is the server itself, in this launch:
// noise between runs of one server stays within a third (the spread that was seen on
// busy machines), and what swaps, throttles or recompiles loses an order of magnitude.
const SlowFactor = 5

// slowSeconds is what a slow run loses at least: a short run that another process held up
// says nothing of the server.
const slowSeconds = 5

// slowPrefix begins the invalid reason of a slow run.
const slowPrefix = "slow: "

// A pace is what one server has shown that it can do, in output tokens/s.
type pace struct {
	warm float64 // in the best round of the warm-up; 0: not known
	at   int     // the concurrency of the warm-up
	seen map[string][]float64
}

// warmed notes a round of the warm-up.
func (p *pace) warmed(concurrency int, outputTPS float64) {
	p.at, p.warm = concurrency, max(p.warm, outputTPS)
}

// ran notes a valid run.
func (p *pace) ran(point Point, outputTPS float64) {
	if p.seen == nil {
		p.seen = map[string][]float64{}
	}
	p.seen[point.LoadPoint()] = append(p.seen[point.LoadPoint()], outputTPS)
}

// expected is the least that the server should do at a load point, in output tokens/s:
// the median of its earlier runs there, or else what the warm-up's requests got, each
// of which shared the server with at least as many others. 0: not known, which is so
// for the first run of an open loop.
func (p *pace) expected(point Point) float64 {
	if seen := p.seen[point.LoadPoint()]; len(seen) > 0 {
		return stat.Quantile(seen, 0.5)
	}
	if point.Concurrency > 0 && point.Concurrency <= p.at {
		return p.warm * float64(point.Concurrency) / float64(p.at)
	}
	return 0
}

// slow says why a run, of so many seconds, shows a degraded server; "" where it does not.
func (p *pace) slow(point Point, outputTPS, seconds float64) string {
	expected := p.expected(point)
	share := outputTPS / expected // of what was expected: also of the time that was
	if !(expected > 0) || share*SlowFactor >= 1 || seconds*(1-share) < slowSeconds {
		return ""
	}
	return fmt.Sprintf("%s%.4g output tokens/s, and this server made %.4g before: more than %d times slower", slowPrefix, outputTPS, expected, SlowFactor)
}
