package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/results"
	"harness/results/report"
)

// printTally writes the result: one JSON document, or the table for people. out is
// where it was kept.
func (a *app) printTally(t *tally, asJSON bool, out string) error {
	if asJSON {
		return a.printJSON(t.json())
	}
	t.text(a.stdout)
	if out != "" {
		store := results.Store{Dir: out}
		fmt.Fprintf(a.stdout, "Parquet  %s  (and requests beside it)\n", store.Glob("runs"))
		fmt.Fprintf(a.stdout, "Next     %s bench --from %s --profile sglang|vllm\n", a.program, out)
	} else if t.meta.URL != "" && a.ctx.Err() == nil {
		fmt.Fprintf(a.stdout, "Next     the same with --out DIR keeps every request; %s sweep measures configurations of a server\n", a.program)
	}
	return nil
}

// text writes the table.
func (t *tally) text(w io.Writer) {
	if len(t.sums) == 0 {
		fmt.Fprintln(w, "No run was measured.")
		return
	}
	if t.meta.Simulated {
		fmt.Fprintln(w, simulatedLine)
	}
	t.textTitle(w)
	if t.total(func(s *load.Summary) int64 { return int64(s.Requests - s.Failed) }) > 0 {
		t.textLatencies(w)
		t.textStages(w)
		t.textRates(w)
	}
	t.textClient(w)
	for _, text := range t.warnings() {
		fmt.Fprintf(w, "Warning  %s\n", text)
	}
}

// fewestOfTail is how many values a run must have for its p99.9 to be shown: with fewer
// not one is to be expected beyond it.
const fewestOfTail = 1000

// textLatencies writes the table of times.
func (t *tally) textLatencies(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  \tp50\t\tmean\tp90\tp95\tp99\tp99.9\tn")
	for _, m := range t.shown() {
		s := t.of(m)
		if s.N == 0 {
			continue
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s", m.name, report.Duration(s.Quantiles[0]), report.Interval(s.Median, report.Duration), report.Duration(s.Mean))
		for i, v := range s.Quantiles[1:] {
			text := report.Duration(v)
			if bench.Quantiles[i+1] == 0.999 && s.N < fewestOfTail*s.Median.N {
				text = "-"
			}
			fmt.Fprintf(tw, "\t%s", text)
		}
		fmt.Fprintf(tw, "\t%d\n", s.N)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

// shown are the metrics of the table: the latencies from the due time too where the
// loop is open, and the time to the first token that is not reasoning where it differs.
func (t *tally) shown() []metric {
	list := slices.Clone(metrics[:4])
	if t.openLoop() {
		list = slices.Clone(metrics[:6])
	}
	if visible := t.of(metrics[6]); visible.N > 0 && visible.Quantiles[0] > t.of(metrics[0]).Quantiles[0] {
		list = slices.Insert(list, 1, metrics[6])
	}
	return list
}

// openLoop reports whether requests had due times of their own, as far as that is known.
func (t *tally) openLoop() bool { return t.meta.Point.Concurrency == 0 && t.meta.URL != "" }

func (t *tally) textTitle(w io.Writer) {
	counted := report.Plural(len(t.counted), "valid run")
	if !t.counted[0].Row.Valid {
		counted = report.Plural(len(t.counted), "INVALID run")
	} else if n := len(t.runs) - len(t.counted); n > 0 {
		counted += fmt.Sprintf(" of %d", len(t.runs))
	}
	failed, byClass := t.failures()
	requests := t.total(func(s *load.Summary) int64 { return int64(s.Requests) })
	fmt.Fprintf(w, "%s: %s, %s", t.counted[0].Row.LoadPoint, counted, report.Plural(int(requests), "request"))
	if failed > 0 {
		var parts []string
		for _, class := range slices.Sorted(maps.Keys(byClass)) {
			parts = append(parts, fmt.Sprintf("%d %s", byClass[class], class))
		}
		fmt.Fprintf(w, ", %d FAILED (%s)", failed, strings.Join(parts, ", "))
	}
	fmt.Fprintf(w, "; profile %s; median over runs [95 %% interval]\n", t.rules.Profile)
	if text := t.firstFailure(); text != "" {
		fmt.Fprintf(w, "The first failure: %s\n", text)
	}
	fmt.Fprintln(w)
}

// firstFailure is the message of the first request that failed.
func (t *tally) firstFailure() string {
	for _, m := range t.runs {
		for i := range m.Records {
			if r := &m.Records[i]; r.Error != "" && r.Class != load.ClassCancelled {
				return r.Class + ": " + r.Error
			}
		}
	}
	return ""
}

func (t *tally) textRates(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(name string, e bench.Repeated, rest string) {
		if rest != "" {
			rest = "\t" + rest
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\n", name, report.Number(e.Value), report.Interval(e, report.Number), rest)
	}
	of := func(value func(*load.Summary) float64) bench.Repeated { return t.repeated(value) }
	line("output tok/s", of(func(s *load.Summary) float64 { return s.OutputTPS }), "")
	length := of(func(s *load.Summary) float64 { return s.Steady.ToSeconds - s.Steady.FromSeconds })
	whole := of(func(s *load.Summary) float64 { return s.DurationSeconds })
	line("  steady part", of(func(s *load.Summary) float64 { return s.Steady.OutputTPS }),
		fmt.Sprintf("%s of %s, without start and drain", report.Duration(length.Value), report.Duration(whole.Value)))
	line("total tok/s", of(func(s *load.Summary) float64 { return s.TotalTPS }), "")
	line("requests/s", of(func(s *load.Summary) float64 { return s.RequestRPS }), "")
	line("in flight", of(func(s *load.Summary) float64 { return s.InFlight }), "the mean")
	if slo := t.rules.SLO; slo.Limits() {
		good := t.total(func(s *load.Summary) int64 { return int64(s.Good) })
		requests := t.total(func(s *load.Summary) int64 { return int64(s.Requests) })
		verdict := map[bool]string{true: "met", false: "MISSED"}[t.sloMet()]
		line("good requests/s", of(func(s *load.Summary) float64 { return s.GoodRPS }), fmt.Sprintf("%d of %d kept %s: %s", good, requests, slo, verdict))
	}
	tw.Flush()
	fmt.Fprintln(w)
	input := float64(t.total(func(s *load.Summary) int64 { return s.PromptTokens }))
	n := float64(t.total(func(s *load.Summary) int64 { return int64(s.Requests - s.Failed) }))
	output := float64(t.total(func(s *load.Summary) int64 { return s.OutputTokens }))
	fmt.Fprintf(w, "Tokens   %.1f prompt and %.1f output tokens a request, as the server counts%s\n", input/max(1, n), output/max(1, n), t.cacheText(input))
}

// cacheText tells what came from the prefix cache beside what could have.
func (t *tally) cacheText(input float64) string {
	cached, shared := t.cached()
	switch {
	case cached == nil:
		return ""
	case shared == nil:
		return fmt.Sprintf("; %.1f %% of the prompts from the prefix cache", 100*float64(*cached)/max(1, input))
	default:
		return fmt.Sprintf("; %.1f %% of the prompts from the prefix cache (by design %.1f %%)", 100*float64(*cached)/max(1, input), 100*float64(*shared)/max(1, input))
	}
}

func (t *tally) textClient(w io.Writer) {
	c := t.client()
	text := func(v *float64) string {
		if v == nil {
			return "not known"
		}
		return report.Duration(*v)
	}
	lag := "turn-around"
	if t.openLoop() {
		lag = "lag behind the schedule"
	}
	fmt.Fprintf(w, "Client   client error p99 = %s (%s stamps); %s p50 %s, p99 %s; %.2f CPU s for %d chunks\n",
		text(c.ErrorP99), c.Stamps, lag, text(c.LagP50), text(c.LagP99), c.CPUSeconds, c.Chunks)
}
