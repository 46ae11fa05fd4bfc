package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/results"
	"harness/results/report"
	"harness/results/stat"
)

// pick says which point is wanted.
type pick struct {
	given  bool // by the user
	trial  string
	load   string
	limits []results.Limit
	best   *results.Metric // the highest or lowest, as it is better; nil: the knee
	lowest bool
}

// readPick reads the flags that choose a point: one of them at most.
func readPick(c *cli.Context) (pick, error) {
	p := pick{trial: c.String("trial"), load: c.String("load")}
	var used []string
	for _, name := range []string{"trial", "knee", "slo", "max", "min"} {
		if c.IsSet(name) {
			used = append(used, "--"+name)
		}
	}
	if p.given = len(used) > 0; len(used) > 1 {
		return p, usagef("%s: choose a point by one of them", strings.Join(used, " and "))
	}
	for _, name := range []string{"max", "min"} {
		if !c.IsSet(name) {
			continue
		}
		m, ok := results.MetricOf(c.String(name))
		if !ok {
			return p, usagef("--%s %s: no such column of runs: there are %s", name, c.String(name), strings.Join(metricNames(), ", "))
		}
		p.best, p.lowest = &m, name == "min"
	}
	if c.IsSet("slo") {
		limits, err := results.ParseLimits(c.String("slo"))
		if err != nil {
			return p, usagef("--slo: %v", err)
		}
		m, _ := results.MetricOf("output_tps")
		p.limits, p.best = limits, &m
	}
	return p, nil
}

func metricNames() []string {
	var names []string
	for _, m := range results.Metrics() {
		names = append(names, m.Name)
	}
	return names
}

// row finds the point, and says why it is that one.
func (p pick) row(f report.Front) (row report.Row, why string, err error) {
	rows := slices.DeleteFunc(slices.Clone(f.Rows), func(r report.Row) bool { return p.load != "" && r.LoadPoint != p.load })
	switch {
	case len(f.Rows) == 0:
		return row, "", fmt.Errorf("no config of this study was measured, so there is none to take away: go on with `harness sweep`")
	case len(rows) == 0:
		return row, "", usagef("--load %s: it was not measured: there are %s", p.load, strings.Join(loadsOf(f.Rows), ", "))
	case p.trial != "":
		return p.byTrial(rows)
	case p.best != nil:
		return p.byMetric(rows)
	}
	rows = slices.DeleteFunc(rows, func(r report.Row) bool { return !r.OnFront })
	if len(rows) == 0 {
		return row, "", fmt.Errorf("no point of the front is at %s: take --max output_tps --load %s", p.load, p.load)
	}
	return rows[knee(rows)], "the front's knee", nil
}

func loadsOf(rows []report.Row) []string {
	var loads []string
	for _, r := range rows {
		if !slices.Contains(loads, r.LoadPoint) {
			loads = append(loads, r.LoadPoint)
		}
	}
	return loads
}

func (p pick) byTrial(rows []report.Row) (report.Row, string, error) {
	same := slices.DeleteFunc(slices.Clone(rows), func(r report.Row) bool { return r.TrialID != p.trial && !launchedBy(r, p.trial) })
	if len(same) == 0 {
		return report.Row{}, "", fmt.Errorf("--trial %s: no such trial ended well in this study: `harness front` lists those on the front", p.trial)
	}
	// Of the loads it was measured at, the one that gives most.
	best := slices.MaxFunc(same, func(a, b report.Row) int { return cmp.Compare(a.TPS.Value, b.TPS.Value) })
	return best, "the config of trial " + p.trial, nil
}

// launchedBy reports whether a trial measured runs of a row: a config may have several.
func launchedBy(r report.Row, trial string) bool {
	return slices.ContainsFunc(r.Runs, func(run results.Run) bool { return run.TrialID == trial })
}

func (p pick) byMetric(rows []report.Row) (report.Row, string, error) {
	value := func(r report.Row, m results.Metric) float64 {
		return stat.EstimateOf(results.Values(r.Runs, m.Of)).Value
	}
	higher := p.best.Higher
	why := "the best " + p.best.Name
	if p.limits == nil {
		higher = !p.lowest
		why = map[bool]string{true: "the highest ", false: "the lowest "}[higher] + p.best.Name
	}
	var found *report.Row
	bestValue := math.NaN()
	for _, l := range p.limits {
		kept := slices.DeleteFunc(slices.Clone(rows), func(r report.Row) bool { return !l.Met(value(r, l.Metric)) })
		if len(kept) == 0 {
			best := slices.MinFunc(rows, func(a, b report.Row) int {
				return cmp.Compare(orInf(value(a, l.Metric), l.Metric.Higher), orInf(value(b, l.Metric), l.Metric.Higher))
			})
			return report.Row{}, "", fmt.Errorf("no measured point keeps %s: the nearest is %s at %s with %.4g", l, best.TrialID, best.LoadPoint, value(best, l.Metric))
		}
		rows = kept
	}
	for i, r := range rows {
		v := value(r, *p.best)
		if !math.IsNaN(v) && (found == nil || higher && v > bestValue || !higher && v < bestValue) {
			found, bestValue = &rows[i], v
		}
	}
	switch {
	case found == nil:
		return report.Row{}, "", fmt.Errorf("%s was not measured in this study", p.best.Name)
	case p.limits != nil:
		var texts []string
		for _, l := range p.limits {
			texts = append(texts, l.String())
		}
		why = "the highest output_tps that keeps " + strings.Join(texts, ", ")
	}
	return *found, fmt.Sprintf("%s (%.4g)", why, bestValue), nil
}

// orInf orders values so that the best comes first and NaN last.
func orInf(v float64, higher bool) float64 {
	switch {
	case math.IsNaN(v):
		return math.Inf(1)
	case higher:
		return -v
	}
	return v
}

// knee is the index of the compromise between the objectives: the least distance from
// the best of both, where each objective's log goes from 0 (best) to 1 (worst) over the
// front (compromise programming: Zeleny, Multiple Criteria Decision Making, 1982).
func knee(front []report.Row) int {
	share := func(value func(report.Row) float64, i int) float64 {
		low, high := math.Inf(1), math.Inf(-1)
		for _, r := range front {
			low, high = min(low, math.Log(value(r))), max(high, math.Log(value(r)))
		}
		if high == low {
			return 0
		}
		return (math.Log(value(front[i])) - low) / (high - low)
	}
	best, nearest := 0, math.Inf(1)
	for i := range front {
		d := math.Hypot(share(func(r report.Row) float64 { return r.TTFT.Value }, i), 1-share(func(r report.Row) float64 { return r.TPS.Value }, i))
		if d < nearest {
			best, nearest = i, d
		}
	}
	return best
}
