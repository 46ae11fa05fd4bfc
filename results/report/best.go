package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Best writes, for each load point, the config with the lowest TTFT and the one with
// the highest throughput beside the default: whoever serves at a given load wants the
// best there, and the front over all loads may not show it. Nothing is written where
// the default was not measured.
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
		ttft := slices.MinFunc(rows, func(a, b Row) int { return cmp.Compare(a.TTFT.Value, b.TTFT.Value) })
		tps := slices.MaxFunc(rows, func(a, b Row) int { return cmp.Compare(a.TPS.Value, b.TPS.Value) })
		fmt.Fprintf(tw, "  %s\tlowest TTFT p50\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\n", point, ttft.TrialID,
			Duration(ttft.TTFT.Value), Interval(ttft.TTFT.Interval, Duration), Duration(d.TTFT.Value), Interval(d.TTFT.Interval, Duration),
			ttft.TTFT.Value/d.TTFT.Value, Difference(ttft.Params, base))
		fmt.Fprintf(tw, "  %s\thighest output tok/s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\n", point, tps.TrialID,
			Number(tps.TPS.Value), Interval(tps.TPS.Interval, Number), Number(d.TPS.Value), Interval(d.TPS.Interval, Number),
			tps.TPS.Value/d.TPS.Value, Difference(tps.Params, base))
	}
	if !found {
		return nil
	}
	fmt.Fprint(w, "Best at each load, beside the default (the best of many is flattered by chance: measure it again before you rely on it)\n\n")
	return tw.Flush()
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
