package main

import (
	"fmt"
	"math"
	"slices"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results/stat"
)

// A tally is what the runs of a benchmark come to. It is made of stored rows and
// records alone, so that --from gives the same numbers as the measurement did.
type tally struct {
	meta    benchMeta
	rules   load.Rules
	runs    []bench.Measured
	counted []bench.Measured // the valid ones; all, where none is
	sums    []load.Summary   // of these
}

func newTally(meta benchMeta, rules load.Rules, runs []bench.Measured) *tally {
	rules.API = meta.API
	t := &tally{meta: meta, rules: rules, runs: runs}
	t.counted = slices.DeleteFunc(slices.Clone(runs), func(m bench.Measured) bool { return !m.Row.Valid })
	if len(t.counted) == 0 {
		t.counted = runs
	}
	for _, m := range t.counted {
		t.sums = append(t.sums, rules.Summarize(m.Records))
	}
	return t
}

// A metric is one latency, or one speed of a stream, of all requests or tokens.
type metric struct {
	key, name string
	values    func(*load.Summary) []float64
}

// metrics are those of a summary, the first ones being those of the table.
var metrics = []metric{
	{"ttft_s", "TTFT", func(s *load.Summary) []float64 { return s.TTFTSeconds }},
	{"tpot_s", "TPOT", func(s *load.Summary) []float64 { return s.TPOTSeconds }},
	{"itl_s", "ITL", func(s *load.Summary) []float64 { return s.ITLSeconds }},
	{"e2e_s", "E2E", func(s *load.Summary) []float64 { return s.E2ESeconds }},
	{"ttft_sched_s", "TTFT from due", func(s *load.Summary) []float64 { return s.TTFTSchedSeconds }},
	{"e2e_sched_s", "E2E from due", func(s *load.Summary) []float64 { return s.E2ESchedSeconds }},
	{"ttft_visible_s", "TTFT visible", func(s *load.Summary) []float64 { return s.VisibleSeconds }},
	{"tpot_rest_s", "TPOT after first chunk", func(s *load.Summary) []float64 { return s.TPOTRestSeconds }},
	{"chunk_gap_s", "chunk gap", func(s *load.Summary) []float64 { return s.ChunkGapSeconds }},
	{"user_tps", "tokens/s of a stream", func(s *load.Summary) []float64 { return s.UserTPS }},
	{"e2e_tps", "tokens/s of a request", func(s *load.Summary) []float64 { return s.WholeTPS }},
}

// A spread is a metric over runs: each number is the median over runs of that of a
// run, so that one slow run does not colour all; N is how many values there are in all.
type spread struct {
	bench.Distribution
	Median bench.Repeated // of the medians
}

// spread sums up a metric.
func (t *tally) spread(describe func(*load.Summary) bench.Distribution) spread {
	var all []bench.Distribution
	n := 0
	for i := range t.sums {
		if d := describe(&t.sums[i]); d.N > 0 {
			all = append(all, d)
			n += d.N
		}
	}
	over := func(value func(bench.Distribution) float64) float64 {
		var vs []float64
		for _, d := range all {
			vs = append(vs, value(d))
		}
		slices.Sort(vs)
		switch n := len(vs); {
		case n == 0:
			return math.NaN()
		case n%2 == 1 || vs[n/2] == vs[n/2-1]: // also of infinite ones
			return vs[n/2]
		default:
			return (vs[n/2-1] + vs[n/2]) / 2
		}
	}
	s := spread{Distribution: bench.Distribution{N: n,
		Mean: over(func(d bench.Distribution) float64 { return d.Mean }), Std: over(func(d bench.Distribution) float64 { return d.Std }),
		Min: over(func(d bench.Distribution) float64 { return d.Min }), Max: over(func(d bench.Distribution) float64 { return d.Max })}}
	var medians []float64
	for i := range bench.Quantiles {
		s.Quantiles[i] = over(func(d bench.Distribution) float64 { return d.Quantiles[i] })
	}
	for _, d := range all {
		medians = append(medians, d.Quantiles[0])
	}
	s.Median = bench.Repeat(medians)
	return s
}

func (t *tally) of(m metric) spread {
	return t.spread(func(s *load.Summary) bench.Distribution { return bench.Describe(m.values(s)) })
}

// repeated is one number of a run over the runs.
func (t *tally) repeated(value func(*load.Summary) float64) bench.Repeated {
	var vs []float64
	for i := range t.sums {
		vs = append(vs, value(&t.sums[i]))
	}
	return bench.Repeat(vs)
}

// total adds a number over the counted runs.
func (t *tally) total(value func(*load.Summary) int64) int64 {
	sum := int64(0)
	for i := range t.sums {
		sum += value(&t.sums[i])
	}
	return sum
}

// valid reports whether the numbers may be used: every run is valid.
func (t *tally) valid() bool {
	return len(t.runs) > 0 && !slices.ContainsFunc(t.runs, func(m bench.Measured) bool { return !m.Row.Valid })
}

// warnings are those of all runs, each once, and what the sample sizes do not bear.
func (t *tally) warnings() []string {
	var list []string
	add := func(text string) {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	for _, m := range t.runs {
		for _, w := range m.Warnings {
			add(w)
		}
	}
	if n := t.of(metrics[0]).N; n > 0 && n < stat.MinValues(0.99) {
		add(fmt.Sprintf("p99 of TTFT, TPOT and E2E rests on %d requests: it takes %d to bound it, and %d to bound p99.9", n, stat.MinValues(0.99), stat.MinValues(0.999)))
	}
	return list
}

// failures counts the failed requests of all runs, by class.
func (t *tally) failures() (total int, byClass map[string]int) {
	byClass = map[string]int{}
	for _, m := range t.runs {
		s := t.rules.Summarize(m.Records)
		total += s.Failed
		for class, n := range s.ByClass {
			byClass[class] += n
		}
	}
	return total, byClass
}

// client is how the load generator fared: its worst over the runs, and its CPU of all.
func (t *tally) client() clientJSON {
	c := clientJSON{Stamps: "user", Faults: []string{}}
	for _, m := range t.runs {
		if m.Row.ClientFaults != "" {
			c.Faults = append(c.Faults, fmt.Sprintf("run %d: %s", m.Row.Repeat, m.Row.ClientFaults))
		}
	}
	var lag50, lag99, errors, delays []float64
	for _, m := range t.counted {
		c.CPUSeconds += m.Row.ClientCPUS
		c.Stamps = m.Row.ClientStamps
		var lags, waits []float64
		for i := range m.Records {
			r := &m.Records[i]
			ns, _ := r.TokenChunks()
			c.Chunks += len(ns)
			for k, user := range r.ChunkUserNS {
				waits = append(waits, float64(user-r.ChunkNS[k])/1e9)
			}
			if r.SendNS >= 0 && r.SchedNS >= 0 {
				lags = append(lags, float64(r.SendNS-r.SchedNS)/1e9)
			}
		}
		errors, delays = append(errors, m.Row.ClientErrorP99), append(delays, stat.Quantile(waits, 0.99))
		lag50, lag99 = append(lag50, stat.Quantile(lags, 0.5)), append(lag99, stat.Quantile(lags, 0.99))
	}
	if len(t.counted) > 0 {
		c.ErrorP99, c.ReadDelayP99 = known(slices.Max(errors)), known(slices.Max(delays))
		c.LagP50, c.LagP99 = known(slices.Max(lag50)), known(slices.Max(lag99))
	}
	return c
}

// exit is how the command ends: failed requests and invalid runs before a missed SLO.
func (t *tally) exit() error {
	failed, _ := t.failures()
	switch {
	case failed > 0 || !t.valid():
		return &exitError{status: exitFailedTrials}
	case t.rules.SLO.Limits() && !t.sloMet():
		return &exitError{status: exitSLOMissed}
	}
	return nil
}

// sloMet reports whether enough requests of all counted runs were good.
func (t *tally) sloMet() bool {
	return t.rules.SLO.Met(int(t.total(func(s *load.Summary) int64 { return int64(s.Good) })), int(t.total(func(s *load.Summary) int64 { return int64(s.Requests) })))
}

// known is a number for JSON, which has none for what is not known or infinite.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
