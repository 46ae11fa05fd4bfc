package bench

import (
	"fmt"
	"strings"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
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

// These begin the invalid reasons of a slow run, which is ended once nothing else can come
// of it, and of one that was as late and had brought no token for half of its time.
const (
	slowPrefix = "slow: "
	hangPrefix = "hangs: "
)

// lateClass is the failure class of a run that is invalid for one of them; "" for others.
func lateClass(invalidReason string) string {
	switch {
	case strings.HasPrefix(invalidReason, slowPrefix):
		return engine.Slow
	case strings.HasPrefix(invalidReason, hangPrefix):
		return engine.HangServing
	}
	return ""
}

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

// A lateError ends a load that has taken so long that it can only come out slow.
type lateError struct{ limit, expected time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("not done after %.1f s, and by what this server did before it takes %.1f s: more than %d times slower", e.limit.Seconds(), e.expected.Seconds(), SlowFactor)
}

// reason is the invalid reason of the load that was ended.
func (e *lateError) reason(records []load.Record) string {
	last := int64(0)
	for i := range records {
		last = max(last, records[i].LastTokenNS)
	}
	if silent := e.limit - time.Duration(last); silent >= e.limit/2 {
		return fmt.Sprintf("%sno token for %.1f s, %v", hangPrefix, silent.Seconds(), e)
	}
	return slowPrefix + e.Error()
}

// bound is how long a load may take until it is certain to be slow, though all that is
// left of it came at once; nil: nothing is known of the server yet. What an open loop or
// a load that was not seen before should take is told by the warm-up: the time over which
// it is offered, and that of its tokens at the warm-up's pace.
func (p *pace) bound(point Point, prompts []load.Prompt) *lateError {
	tps := p.expected(point)
	if tps == 0 {
		tps = p.warm
	}
	if tps == 0 {
		return nil
	}
	tokens := 0
	for _, one := range prompts {
		tokens += one.OutputTokens
	}
	expected := time.Duration(float64(tokens)/tps*1e9) + offeredFor(point, prompts)
	return &lateError{limit: max(SlowFactor*expected, expected+slowSeconds*time.Second), expected: expected}
}

// offeredFor is the time over which a load is offered, however quick the server is.
func offeredFor(point Point, prompts []load.Prompt) time.Duration {
	span := point.Stages.Seconds()
	for _, rate := range []float64{point.Rate, point.RateCap} {
		if rate > 0 {
			span += float64(len(prompts)) / rate
		}
	}
	last, thinking := int64(0), int64(0)
	for _, one := range prompts {
		last, thinking = max(last, one.DueNS), thinking+one.ThinkNS
	}
	return time.Duration(span*1e9) + time.Duration(last+thinking/int64(point.ConcurrencyGuess()))
}
