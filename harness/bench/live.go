package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"harness/harness/engine"
	"harness/harness/load"
	"harness/results"
	"harness/results/stat"
)

// A Live is a benchmark of a server that already runs, whoever started it: one load
// point, run after run. The caller decides how many, and stores what comes of them.
type Live struct {
	Target    load.Target
	Peer      engine.Peer // flushes the cache and counts tokens, where it can
	Source    *load.Source
	Point     Point
	OpenLoop  OpenLoop
	Ramp      time.Duration // spreads the start of a closed loop
	Fresh     bool          // a new connection for each request
	Requests  int           // of a run; 0: as many as are sent within Duration or the stages
	Duration  time.Duration // requests are sent for so long; 0: until all are
	Warmup    int           // requests before the first run, with other prompts
	SLO       load.SLO
	Timeouts  load.Timeouts
	Lenient   bool // a run in which this machine was too busy is valid, with a warning
	Simulated bool

	Ended atomic.Int64 // requests of the present run that have ended: to be watched while Run goes on

	rate float64 // requests/s of the warm-up: how many prompts a Duration takes
}

// A Measured is one run: its row by the canonical definitions, its requests, and what
// is remarkable.
type Measured struct {
	Row      results.Run
	Records  []load.Record
	Warnings []string
}

// Warm offers the warm-up's prompts, in a closed loop. It fails where not one request
// succeeds, with the first one's error: then nothing is worth measuring.
func (l *Live) Warm(ctx context.Context) error {
	n := l.Warmup
	if n == 0 && (l.Duration > 0 && l.Point.Rate == 0 || l.Point.Stages.Closed()) {
		n = l.Point.ConcurrencyGuess() // else nobody knows how many prompts are needed
	}
	if most := l.Source.Len(); most > 0 {
		n = min(n, most)
	}
	if n == 0 {
		return nil
	}
	prompts := l.Source.Prompts(warmupBlock, n)
	for i := range prompts {
		prompts[i].ThinkNS = 0
	}
	result, err := load.Run(ctx, l.Target, load.Options{Prompts: prompts, Concurrency: min(n, l.Point.ConcurrencyGuess()), MaxFailures: max(4, n/4), Timeouts: l.Timeouts})
	if err != nil {
		return err
	}
	s := load.Rules{}.Summarize(result.Records)
	if s.Failed > 0 && s.Failed == s.Requests && ctx.Err() == nil {
		_, text := failureOf(RequestRows(results.Request{}, result.Records))
		return fmt.Errorf("warm-up: %s", text)
	}
	l.rate = s.RequestRPS
	return nil
}

// Run measures the repeat of this number, from 1. Where ctx ends, what was measured
// until then is returned, marked invalid.
func (l *Live) Run(ctx context.Context, repeat int) (Measured, error) {
	block := runBlock(repeat - 1)
	prompts := l.Source.Prompts(block, l.prompts())
	options := l.Point.Options(l.OpenLoop, prompts, l.Source.Workload().Seed+block)
	options.Ramp, options.FreshConnections, options.StopSending, options.Timeouts = l.Ramp, l.Fresh, l.Duration, l.Timeouts
	l.Ended.Store(0)
	options.Enough = func(*load.Record, int64) string {
		l.Ended.Add(1)
		return ""
	}
	flushed, flushErr := l.Peer.Flush(ctx)
	before, counts := l.generated(ctx)
	started := time.Now().UTC()
	result, err := load.Run(ctx, l.Target, options)
	if err != nil {
		return Measured{}, err
	}
	m := Measured{Records: result.Records}
	if l.Requests == 0 { // the rest was spare
		m.Records = slices.DeleteFunc(m.Records, func(r load.Record) bool { return !r.Sent() })
	}
	s := load.Rules{API: l.Target.API, SLO: l.SLO}.Summarize(m.Records)
	m.Row = runRow(l.Point, s, sharedTokens(prompts, m.Records), result)
	m.Row.RunID, m.Row.Repeat, m.Row.Block = fmt.Sprintf("%s-r%d", l.Point.LoadPoint(), repeat), int32(repeat), int64(block)
	m.Row.API, m.Row.Seed, m.Row.Simulated = string(l.Target.API), int64(l.Source.Workload().Seed), l.Simulated
	m.Row.StartedAt, m.Row.Flushed = started, flushed
	if l.SLO.Limits() {
		m.Row.GoodRPS = &s.GoodRPS
	}
	m.Row.InvalidReason = l.invalid(ctx, m)
	m.Row.Valid = m.Row.InvalidReason == ""
	m.Warnings = m.warnings(s, l.Source.Workload())
	if flushErr != nil && ctx.Err() == nil {
		m.Warnings = append(m.Warnings, "the prefix cache was not flushed before the run, and may hold older prompts: "+flushErr.Error())
	}
	if l.Requests == 0 && (l.Point.Stages.Closed() || l.Duration > 0 && l.Point.Rate == 0) && s.Unsent == 0 && len(m.Records) == len(prompts) {
		m.Warnings = append(m.Warnings, fmt.Sprintf("all %d prompts were used up before the time was over: the run is shorter", len(prompts)))
	}
	if after, ok := l.generated(ctx); ok && counts && s.Failed == 0 && s.Unsent == 0 {
		m.Warnings = append(m.Warnings, crossCheck(after-before, s.OutputTokens)...)
	}
	return m, nil
}

// prompts is how many a run needs: of a closed loop that is bounded by time, twice as
// many as the warm-up's speed would take.
func (l *Live) prompts() int {
	n := l.Requests
	if n == 0 && l.Point.Stages != "" {
		n = l.Point.Stages.requests(l.rate, l.OpenLoop.Pure)
	} else if n == 0 {
		seconds := l.Duration.Seconds()
		n = int(math.Ceil(2*l.rate*seconds)) + 2*l.Point.Concurrency
		if l.Point.Rate > 0 {
			n = max(1, int(math.Round(l.Point.Rate*seconds)))
		}
	}
	if l.Requests == 0 {
		input, _ := l.Source.MeanTokens()
		n = min(n, int(100e6/max(1, input))) // 400 MB of token ids
	}
	if most := l.Source.Len(); most > 0 && (n > most || n == 0) {
		n = most
	}
	return n
}

// invalid says why the run's numbers must not be used.
func (l *Live) invalid(ctx context.Context, m Measured) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	if m.Row.Requests == 0 {
		return "no request was sent"
	}
	if reason := invalidReason(m.Row); reason != "" || l.Lenient || m.Row.ClientFaults == "" {
		return reason
	}
	return clientPrefix + m.Row.ClientFaults
}

// generated is the server's own count of all tokens that it has made.
func (l *Live) generated(ctx context.Context) (total float64, ok bool) {
	metrics, err := l.Peer.Metrics(ctx)
	if err != nil {
		return 0, false // not every server was started with it
	}
	for _, m := range metrics {
		if strings.HasSuffix(m.Name, ":generation_tokens_total") || m.Name == "llamacpp:tokens_predicted_total" {
			total, ok = total+m.Value, true
		}
	}
	return total, ok
}

// crossCheck compares the server's count of tokens with that of its answers. Servers
// that count only now and then may lag behind.
func crossCheck(counted float64, said int64) []string {
	if math.Abs(counted-float64(said)) <= 0.001*float64(said) {
		return nil
	}
	return []string{fmt.Sprintf("the server's metrics count %.0f output tokens during the run, and its answers %d: does it serve others too?", counted, said)}
}

// Restore makes a stored run what Run returned, but for warnings that only the
// running server could give. The zero Workload is one that is not known.
func Restore(row results.Run, requests []results.Request, w load.Workload) Measured {
	m := Measured{Row: row, Records: Records(requests)}
	m.Warnings = m.warnings(load.Rules{API: load.API(row.API)}.Summarize(m.Records), w)
	return m
}

// growing is by how much the latency of an open loop must grow over a run to say that
// the queue does.
const growing = 1.5

// warnings are what a reader of the run's numbers should know.
func (m *Measured) warnings(s load.Summary, w load.Workload) []string {
	var list []string
	add := func(there bool, format string, args ...any) {
		if there {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	row := &m.Row
	add(row.InvalidReason != "", "run %d is invalid: %s", row.Repeat, row.InvalidReason)
	add(row.InvalidReason == "" && row.ClientFaults != "", "in run %d this machine took part in the times: %s", row.Repeat, row.ClientFaults)
	add(s.Unsent > 0 && row.InvalidReason == "", "%d of %d requests were not sent before the run ended", s.Unsent, row.Requests)
	add(s.ITLMissing > 0, "%d answers hold chunks of an unknown number of tokens: they have no ITL", s.ITLMissing)
	asked, answers := 0, 0
	for i := range m.Records {
		if r := &m.Records[i]; r.OK() {
			asked, answers = asked+r.RequestedTokens, answers+1
		}
	}
	add(math.Abs(float64(s.OutputTokens)-float64(asked)) > 0.01*float64(asked), "answers have %.1f tokens on average, and %.1f were asked for: the server ends them as it likes",
		float64(s.OutputTokens)/float64(max(1, answers)), float64(asked)/float64(max(1, answers)))
	said := row.SharedTokens > 0 && row.CachedTokens >= 0
	add(said && w.Shares() && float64(row.CachedTokens) < 0.9*float64(row.SharedTokens), // blocks, and the last token of an answer, are not cached
		"%d prompt tokens came from the prefix cache, and %d could: is the cache off, or too small?", row.CachedTokens, row.SharedTokens)
	if third := len(s.E2ESchedSeconds) / 3; row.Concurrency == 0 && third >= 10 {
		first, last := stat.Quantile(s.E2ESchedSeconds[:third], 0.5), stat.Quantile(s.E2ESchedSeconds[2*third:], 0.5)
		add(last > growing*first, "the latency grew from %.3g s in the first third of the run to %.3g s in the last: the server does not keep up with what is offered", first, last)
	}
	return list
}
