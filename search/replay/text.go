package replay

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Text writes the report as a table.
func (r Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "Table %s: %d rows, %d configs, %d of them on the front (", r.Table, r.Rows, r.Configs, r.Front)
	for k, o := range r.Objectives {
		if k > 0 {
			fmt.Fprint(w, ", ")
		}
		fmt.Fprintf(w, "%s %s", o.Goal, o.Column)
	}
	fmt.Fprintf(w, "); %d seeds, %d asks\n", r.Seeds, r.Budget)
	for _, n := range r.Notes {
		fmt.Fprintln(w, "Note:", n)
	}
	if r.NoiseCV != nil {
		fmt.Fprintf(w, "SIMULATED noise on each measurement, coefficient of variation %v\n", r.NoiseCV)
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  method\tn95 median (worst)\tHV@16\tHV@32\tHV@64\tunique\tfailed\task p95\t")
	for _, m := range r.Methods {
		fmt.Fprintf(tw, "  %s\t%s (%s)\t%s\t%s\t%s\t%g\t%s\t%v\t\n", m.Method,
			orBeyond(m.N95, "%g", r.Budget), orBeyond(m.N95Worst, "%d", r.Budget),
			share(m.HV["16"]), share(m.HV["32"]), share(m.HV["64"]), m.Unique, m.failedPercent(), duration(m.AskSP95))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return r.textFronts(w)
}

func (r Report) textFronts(w io.Writer) error {
	if r.NoiseCV == nil {
		return nil
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  method\tconfirmed by\treported points\tdominated in truth (worst)\tP(front) off by at most\t")
	for _, m := range r.Methods {
		if f := m.Reported; f != nil {
			fmt.Fprintf(tw, "  %s\t%.1f launches\t%.1f\t%.2f (%d)\t%s\t\n", m.Method, f.Confirmed, f.Points, f.Dominated, f.DominatedWorst, share(f.CalibrationError))
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return r.textCalibration(w)
}

// textCalibration has a line for each tenth of P(front) that a method stated.
func (r Report) textCalibration(w io.Writer) error {
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "method\tP(front) stated\ton the front\tpoints\t")
	for _, m := range r.Methods {
		if m.Reported == nil {
			continue
		}
		for _, b := range m.Reported.Calibration {
			fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%d\t\n", m.Method, b.Stated, b.OnFront, b.Points)
		}
	}
	return tw.Flush()
}

// failedPercent is the share of all asks of all runs that failed.
func (m MethodReport) failedPercent() string {
	asks := 0
	failed := 0
	for _, r := range m.Runs {
		asks += len(r.HV)
		failed += r.Failed
	}
	return fmt.Sprintf("%.1f %%", 100*float64(failed)/float64(max(1, asks)))
}

func share(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *x)
}

// orBeyond is a number of asks, "> budget" where it was not reached.
func orBeyond[T any](x *T, format string, budget int) string {
	if x == nil {
		return fmt.Sprintf("> %d", budget)
	}
	return fmt.Sprintf(format, *x)
}

func duration(seconds float64) time.Duration {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}
