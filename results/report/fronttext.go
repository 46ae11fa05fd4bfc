package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"harness/results"
)

// Text writes the front as a table. base holds the default value of each parameter:
// a config is told by what differs from it.
func (f Front) Text(w io.Writer, base map[string]string) error {
	if len(f.Rows) == 0 {
		_, err := fmt.Fprintln(w, "There is no front: no config has a valid run yet.")
		return err
	}
	points, near := f.Points(), f.Near()
	if len(points) == 0 {
		_, err := fmt.Fprintf(w, "None of %s keeps the limits (%s), so there is no front; %s.\n", Plural(len(f.Rows), "measured point"), limitTexts(f.Aim.Limits), f.nearest())
		return err
	}
	fmt.Fprintf(w, "%s\n\n", f.title(len(points)))
	if err := f.table(w, points, base); err != nil {
		return err
	}
	if len(near) > 0 {
		fmt.Fprintf(w, "\nMay belong there too\n\n")
		if err := f.table(w, near, base); err != nil {
			return err
		}
	}
	interval := ""
	if !math.IsNaN(f.HVLow) {
		interval = fmt.Sprintf(" [%.3f, %.3f]", f.HVLow, f.HVHigh)
		fmt.Fprintln(w, "\nExpected is what further measurements should show: the measured value, drawn towards what like configs do, since the best of many are so by luck too. P(front) allows for the spread of runs and launches.")
	}
	o := f.Aim.Objectives
	_, err := fmt.Fprintf(w, "\nHypervolume %.3f%s (log10 of both objectives) against the reference %s %s, %s %s\n", f.HV, interval,
		Label(o[0]), FormatOf(o[0])(f.Reference[0]), Label(o[1]), FormatOf(o[1])(f.Reference[1]))
	return err
}

// title says how many points there are, of how many configs, by which objectives.
func (f Front) title(points int) string {
	configs := map[string]bool{}
	for _, r := range f.Rows {
		configs[r.ConfigID] = true
	}
	title := "Pareto front"
	if f.Simulated {
		title = "Pareto front of SIMULATED numbers"
	}
	o := f.Aim.Objectives
	text := fmt.Sprintf("%s: %s from %s (%s %s, %s %s; median over runs [95 %% interval])", title, Plural(points, "point"), Plural(len(configs), "config"),
		Label(o[0]), direction(o[0]), Label(o[1]), direction(o[1]))
	if len(f.Aim.Limits) > 0 {
		n := 0
		for _, r := range f.Rows {
			if r.Kept {
				n++
			}
		}
		text += fmt.Sprintf("\nLimits: %s; %d of %s keep them, only these count", limitTexts(f.Aim.Limits), n, Plural(len(f.Rows), "measured point"))
	}
	return text
}

func (f Front) table(w io.Writer, rows []Row, base map[string]string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	o := f.Aim.Objectives
	limits := ""
	for _, l := range f.Aim.Limits {
		limits += Label(l.Metric) + "\t"
	}
	if limits != "" {
		limits += "P(limits)\t"
	}
	fmt.Fprintf(tw, "  trial\tload\t%s\t\texpected\t%s\t\texpected\truns\tlaunches\tP(front)\t%sconfig, where it differs from the default\n", Label(o[0]), Label(o[1]), limits)
	for _, r := range rows {
		fmt.Fprintf(tw, "  %s\t%s\t", r.TrialID, r.LoadPoint)
		for k, m := range o {
			format := FormatOf(m)
			fmt.Fprintf(tw, "%s\t%s\t%s\t", format(r.Values[k].Value), Interval(r.Values[k].Interval, format), format(r.Expected[k]))
		}
		fmt.Fprintf(tw, "%d\t%d\t%s\t", r.Values[0].N, r.Launches, probability(r.PFront))
		f.limitCells(tw, r)
		fmt.Fprintf(tw, "%s\n", Difference(r.Params, base))
	}
	return tw.Flush()
}

// limitCells are a row's values of what is limited.
func (f Front) limitCells(w io.Writer, r Row) {
	for _, l := range f.Aim.Limits {
		fmt.Fprintf(w, "%s\t", FormatOf(l.Metric)(r.Estimate(l.Metric).Value))
	}
	if len(f.Aim.Limits) > 0 {
		fmt.Fprintf(w, "%s\t", probability(r.PKept))
	}
}

// nearest tells of the row that comes nearest to keeping the limits.
func (f Front) nearest() string {
	r := slices.MinFunc(f.Rows, func(a, b Row) int { return cmp.Compare(worstRatio(f.Aim.Limits, a), worstRatio(f.Aim.Limits, b)) })
	var texts []string
	for _, l := range f.Aim.Limits {
		texts = append(texts, fmt.Sprintf("%s %s", Label(l.Metric), FormatOf(l.Metric)(r.Estimate(l.Metric).Value)))
	}
	return fmt.Sprintf("%s at %s comes nearest, with %s", r.TrialID, r.LoadPoint, strings.Join(texts, ", "))
}

// worstRatio is by what factor a row misses the limit that it misses most.
func worstRatio(limits []results.Limit, r Row) float64 {
	worst := 0.0
	for _, l := range limits {
		ratio := r.Estimate(l.Metric).Value / l.Value
		if l.Metric.Higher {
			ratio = 1 / ratio
		}
		if math.IsNaN(ratio) {
			ratio = math.Inf(1)
		}
		worst = max(worst, ratio)
	}
	return worst
}
