package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"harness/results"
)

// Best writes, for each load point, the config that is best in each objective beside
// the default: whoever serves at a given load wants the best there, and the front over
// all loads may not show it. Those that break a limit do not count. Nothing is written
// where the default was not measured.
func (f Front) Best(w io.Writer, base map[string]string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  load\twhat\ttrial\tvalue\t\tthe default's\t\tratio\tconfig, where it differs from the default")
	found := false
	for _, point := range f.loadPoints() {
		rows := slices.DeleteFunc(slices.Clone(f.Rows), func(r Row) bool { return r.LoadPoint != point })
		i := slices.IndexFunc(rows, func(r Row) bool { return isDefault(r, base) })
		if i < 0 {
			continue
		}
		found = true
		d := rows[i]
		for k, o := range f.Aim.Objectives {
			if r, ok := f.bestIn(rows, k); ok {
				format := FormatOf(o)
				fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\n", point, superlative(o)+" "+Label(o), r.TrialID,
					format(r.Values[k].Value), Interval(r.Values[k].Interval, format), format(d.Values[k].Value), Interval(d.Values[k].Interval, format),
					r.Values[k].Value/d.Values[k].Value, Difference(r.Params, base))
			}
		}
	}
	if !found {
		return nil
	}
	fmt.Fprint(w, "Best at each load, beside the default (the best of many is flattered by chance: measure it again before you rely on it)\n\n")
	return tw.Flush()
}

// bestIn is the row that is best in an objective, of those that keep the limits.
func (f Front) bestIn(rows []Row, k int) (best Row, ok bool) {
	for _, r := range rows {
		v := r.Values[k].Value
		if r.Kept && !math.IsNaN(v) && (!ok || f.Aim.Objectives[k].Higher == (v > best.Values[k].Value) && v != best.Values[k].Value) {
			best, ok = r, true
		}
	}
	return best, ok
}

func superlative(m results.Metric) string {
	if m.Higher {
		return "highest"
	}
	return "lowest"
}

// loadPoints are the names of the loads, in order.
func (f Front) loadPoints() []string {
	rows := slices.Clone(f.Rows)
	slices.SortStableFunc(rows, func(a, b Row) int { return a.CompareLoad(b.Measurement) })
	var points []string
	for _, r := range rows {
		if !slices.Contains(points, r.LoadPoint) {
			points = append(points, r.LoadPoint)
		}
	}
	return points
}

func isDefault(r Row, base map[string]string) bool { return Difference(r.Params, base) == theDefault }
