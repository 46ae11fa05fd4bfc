package main

import (
	"harness/harness/bench"
	"harness/harness/load"
)

// benchJSON is `harness bench --json`. Each number is the median over the valid runs
// of what it is in a run; counts, duration and the client's CPU are sums. What is not
// known, and what is infinite, is null.
type benchJSON struct {
	Valid        bool           `json:"valid"`
	Warnings     []string       `json:"warnings"`
	Simulated    bool           `json:"simulated"`
	Profile      load.Profile   `json:"profile"`
	API          load.API       `json:"api"`
	Engine       string         `json:"engine,omitempty"`
	Model        string         `json:"model,omitempty"`
	LoadPoint    string         `json:"load_point"`
	WorkloadHash string         `json:"workload_hash,omitempty"`
	Runs         int            `json:"runs"`
	Requests     int64          `json:"requests"`
	Failed       int            `json:"failed"`
	FailedBy     map[string]int `json:"failed_by_class"`
	DurationS    float64        `json:"duration_s"`
	PromptTokens int64          `json:"prompt_tokens"`
	OutputTokens int64          `json:"output_tokens"`
	CachedTokens *int64         `json:"cached_tokens"` // null: the server does not say
	SharedTokens *int64         `json:"shared_tokens"` // by design; null: not known
	OutputTPS    *float64       `json:"output_tps"`
	TotalTPS     *float64       `json:"total_tps"`
	RequestRPS   *float64       `json:"request_rps"`
	InFlight     *float64       `json:"in_flight"`
	Steady       steadyJSON     `json:"steady"`
	SLO          *sloJSON       `json:"slo,omitempty"`
	Stages       []stageJSON    `json:"stages,omitempty"`

	TTFT      distributionJSON `json:"ttft_s"`
	TPOT      distributionJSON `json:"tpot_s"`
	ITL       distributionJSON `json:"itl_s"`
	E2E       distributionJSON `json:"e2e_s"`
	TTFTSched distributionJSON `json:"ttft_sched_s"`
	E2ESched  distributionJSON `json:"e2e_sched_s"`
	Visible   distributionJSON `json:"ttft_visible_s"`
	TPOTRest  distributionJSON `json:"tpot_rest_s"`
	ChunkGap  distributionJSON `json:"chunk_gap_s"`
	UserTPS   distributionJSON `json:"user_tps"`
	WholeTPS  distributionJSON `json:"e2e_tps"`
	TTFTAdj   distributionJSON `json:"ttft_adj_s"` // failed requests count as infinite
	E2EAdj    distributionJSON `json:"e2e_adj_s"`

	CI     map[string][]*float64 `json:"ci"` // 95 %, low and high, between runs
	Client clientJSON            `json:"client"`
	Each   []runJSON             `json:"each"`
}

type distributionJSON struct {
	Mean *float64 `json:"mean"`
	Std  *float64 `json:"std"`
	Min  *float64 `json:"min"`
	P50  *float64 `json:"p50"`
	P90  *float64 `json:"p90"`
	P95  *float64 `json:"p95"`
	P99  *float64 `json:"p99"`
	P999 *float64 `json:"p999"`
	Max  *float64 `json:"max"`
	N    int      `json:"n"`
}

type steadyJSON struct {
	Seconds   *float64 `json:"s"` // of the part that is neither beginning nor draining
	OutputTPS *float64 `json:"output_tps"`
}

type sloJSON struct {
	load.SLO
	Good    int64    `json:"good"`
	Met     bool     `json:"met"`
	GoodRPS *float64 `json:"good_rps"`
	GoodTPS *float64 `json:"good_tps"`
}

type clientJSON struct {
	CPUSeconds   float64  `json:"cpu_s"`
	Chunks       int      `json:"chunks"`
	Stamps       string   `json:"stamps"`
	ErrorP99     *float64 `json:"error_p99_s"`      // how late stamps are, by a canary
	ReadDelayP99 *float64 `json:"read_delay_p99_s"` // from a kernel stamp until the program had the bytes; null with user stamps
	Faults       []string `json:"faults"`           // why a run's times cannot be trusted
	LagP50       *float64 `json:"lag_p50_s"`
	LagP99       *float64 `json:"lag_p99_s"`
}

// runJSON is one run, valid or not.
type runJSON struct {
	Run           string   `json:"run"`
	Valid         bool     `json:"valid"`
	InvalidReason string   `json:"invalid_reason,omitempty"`
	Flushed       bool     `json:"flushed"`
	Requests      int32    `json:"requests"`
	Failed        int      `json:"failed"`
	DurationS     float64  `json:"duration_s"`
	OutputTPS     float64  `json:"output_tps"`
	TTFTP50       *float64 `json:"ttft_p50_s"`
}

func (t *tally) json() benchJSON {
	median := func(value func(*load.Summary) float64) *float64 { return known(t.repeated(value).Value) }
	d := benchJSON{Valid: t.valid(), Warnings: t.warnings(), Simulated: t.meta.Simulated, Profile: t.rules.Profile, API: t.meta.API, Engine: t.meta.Engine, Model: t.meta.Model,
		WorkloadHash: t.meta.WorkloadHash, Runs: len(t.runs),
		Requests:     t.total(func(s *load.Summary) int64 { return int64(s.Requests) }),
		PromptTokens: t.total(func(s *load.Summary) int64 { return s.PromptTokens }),
		OutputTokens: t.total(func(s *load.Summary) int64 { return s.OutputTokens }),
		OutputTPS:    median(func(s *load.Summary) float64 { return s.OutputTPS }), TotalTPS: median(func(s *load.Summary) float64 { return s.TotalTPS }),
		RequestRPS: median(func(s *load.Summary) float64 { return s.RequestRPS }), InFlight: median(func(s *load.Summary) float64 { return s.InFlight }),
		Steady: steadyJSON{median(func(s *load.Summary) float64 { return s.Steady.ToSeconds - s.Steady.FromSeconds }), median(func(s *load.Summary) float64 { return s.Steady.OutputTPS })},
		Stages: t.stages(), Client: t.client()}
	if d.Warnings == nil {
		d.Warnings = []string{}
	}
	d.Failed, d.FailedBy = t.failures()
	for _, s := range t.sums {
		d.DurationS += s.DurationSeconds
	}
	d.CachedTokens, d.SharedTokens = t.cached()
	for i, into := range []*distributionJSON{&d.TTFT, &d.TPOT, &d.ITL, &d.E2E, &d.TTFTSched, &d.E2ESched, &d.Visible, &d.TPOTRest, &d.ChunkGap, &d.UserTPS, &d.WholeTPS} {
		*into = t.of(metrics[i]).json()
	}
	d.TTFTAdj = t.spread(func(s *load.Summary) bench.Distribution { return bench.Adjusted(s.TTFTSeconds, s.Failed) }).json()
	d.E2EAdj = t.spread(func(s *load.Summary) bench.Distribution { return bench.Adjusted(s.E2ESeconds, s.Failed) }).json()
	d.CI = map[string][]*float64{}
	for i, m := range metrics[:4] {
		e := t.of(metrics[i]).Median
		d.CI[m.key[:len(m.key)-1]+"p50_s"] = []*float64{known(e.Low), known(e.High)}
	}
	tps := t.repeated(func(s *load.Summary) float64 { return s.OutputTPS })
	d.CI["output_tps"] = []*float64{known(tps.Low), known(tps.High)}
	if t.rules.SLO.Limits() {
		d.SLO = &sloJSON{SLO: t.rules.SLO, Good: t.total(func(s *load.Summary) int64 { return int64(s.Good) }), Met: t.sloMet(),
			GoodRPS: median(func(s *load.Summary) float64 { return s.GoodRPS }), GoodTPS: median(func(s *load.Summary) float64 { return s.GoodTPS })}
	}
	for _, m := range t.runs {
		d.LoadPoint = m.Row.LoadPoint
		s := t.rules.Summarize(m.Records)
		d.Each = append(d.Each, runJSON{m.Row.RunID, m.Row.Valid, m.Row.InvalidReason, m.Row.Flushed, m.Row.Requests, s.Failed, s.DurationSeconds, s.OutputTPS, known(bench.Describe(s.TTFTSeconds).Quantiles[0])})
	}
	return d
}

// cached adds what came from the prefix cache, and what could have; nil is not known.
func (t *tally) cached() (cached, shared *int64) {
	cached, shared = new(int64), new(int64)
	add := func(sum *int64, v int64) *int64 {
		if sum == nil || v < 0 {
			return nil
		}
		*sum += v
		return sum
	}
	for _, m := range t.counted {
		cached, shared = add(cached, m.Row.CachedTokens), add(shared, m.Row.SharedTokens)
	}
	return cached, shared
}

func (s spread) json() distributionJSON {
	q := s.Quantiles
	return distributionJSON{known(s.Mean), known(s.Std), known(s.Min), known(q[0]), known(q[1]), known(q[2]), known(q[3]), known(q[4]), known(s.Max), s.N}
}
