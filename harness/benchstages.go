package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results/report"
)

// stageJSON is one stage of a staircase: the requests that were due in it, until the last
// of them ended. Numbers are medians over the runs; counts are sums.
type stageJSON struct {
	Load       string   `json:"load_point"`
	Seconds    float64  `json:"seconds"`
	Requests   int      `json:"requests"`
	Failed     int      `json:"failed"`
	TTFTP50    *float64 `json:"ttft_p50_s"`
	TTFTP99    *float64 `json:"ttft_p99_s"`
	TPOTP50    *float64 `json:"tpot_p50_s"`
	OutputTPS  *float64 `json:"output_tps"`
	RequestRPS *float64 `json:"request_rps"`
}

// stages are those of the benchmark; nil where it has none.
func (t *tally) stages() []stageJSON {
	var list []stageJSON
	from := 0.0
	for _, stage := range t.meta.Point.Stages.List() {
		part := *t
		part.sums = nil
		for _, m := range t.counted {
			part.sums = append(part.sums, t.rules.Summarize(dueWithin(m.Records, from, from+stage.Seconds)))
		}
		from += stage.Seconds
		quantile := func(m metric, q int) *float64 { return known(part.of(m).Quantiles[q]) }
		list = append(list, stageJSON{
			Load: bench.Point{Concurrency: stage.Concurrency, Rate: stage.Rate}.LoadPoint(), Seconds: stage.Seconds,
			Requests: int(part.total(func(s *load.Summary) int64 { return int64(s.Requests) })),
			Failed:   int(part.total(func(s *load.Summary) int64 { return int64(s.Failed) })),
			TTFTP50:  quantile(metrics[0], 0), TTFTP99: quantile(metrics[0], 3), TPOTP50: quantile(metrics[1], 0),
			OutputTPS:  known(part.repeated(func(s *load.Summary) float64 { return s.OutputTPS }).Value),
			RequestRPS: known(part.repeated(func(s *load.Summary) float64 { return s.RequestRPS }).Value),
		})
	}
	return list
}

// dueWithin are the records of the requests that were due in a part of the run.
func dueWithin(records []load.Record, from, to float64) []load.Record {
	var part []load.Record
	for _, r := range records {
		if due := float64(r.SchedNS) / 1e9; r.SchedNS >= 0 && due >= from && due < to {
			part = append(part, r)
		}
	}
	return part
}

// textStages writes a line for each stage.
func (t *tally) textStages(w io.Writer) {
	stages := t.stages()
	if stages == nil {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  stage\tTTFT p50\tp99\tTPOT p50\toutput tok/s\trequests/s\tn")
	show := func(v *float64, format func(float64) string) string {
		if v == nil {
			return "-"
		}
		return format(*v)
	}
	for _, s := range stages {
		failed := ""
		if s.Failed > 0 {
			failed = fmt.Sprintf(", %d FAILED", s.Failed)
		}
		fmt.Fprintf(tw, "  %s for %g s\t%s\t%s\t%s\t%s\t%s\t%d%s\n", s.Load, s.Seconds, show(s.TTFTP50, report.Duration), show(s.TTFTP99, report.Duration),
			show(s.TPOTP50, report.Duration), show(s.OutputTPS, report.Number), show(s.RequestRPS, report.Number), s.Requests, failed)
	}
	tw.Flush()
	fmt.Fprintln(w)
}
