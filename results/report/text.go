package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"harness/results"
	"harness/results/stat"
)

// Failures counts the trials that failed, by class.
type Failures map[string][]results.Trial

// NewFailures groups failed trials by class.
func NewFailures(trials []results.Trial) Failures {
	f := Failures{}
	for _, t := range trials {
		if t.Outcome == results.Failed {
			f[t.FailureClass] = append(f[t.FailureClass], t)
		}
	}
	return f
}

// Counts gives the number of failed trials of each class.
func (f Failures) Counts() map[string]int {
	counts := map[string]int{}
	for class, ts := range f {
		counts[class] = len(ts)
	}
	return counts
}

// Text writes the failures by class, the most frequent first, each with the log line
// of its first trial.
func (f Failures) Text(w io.Writer) error {
	if len(f) == 0 {
		return nil
	}
	classes := make([]string, 0, len(f))
	total := 0
	for c, ts := range f {
		classes = append(classes, c)
		total += len(ts)
	}
	slices.SortFunc(classes, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(f[b]), len(f[a])), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "Failed trials: %d\n\n", total)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, c := range classes {
		first := f[c][0]
		fmt.Fprintf(tw, "  %s\t%d\t%s, phase %s: %s\n", c, len(f[c]), first.TrialID, first.Phase, first.FailureLine)
	}
	return tw.Flush()
}

// theDefault is the difference of the default config from itself.
const theDefault = "(the default)"

// Difference tells a config by the parameters that are not at their default.
func Difference(params []results.Param, base map[string]string) string {
	var parts []string
	for _, p := range params {
		if text := ValueText(p.Value); text != base[p.Name] {
			parts = append(parts, p.Name+"="+text)
		}
	}
	if len(parts) == 0 {
		return theDefault
	}
	return strings.Join(parts, " ")
}

// Plural writes a count with its noun: "1 point", "3 points".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// ValueText is a parameter's value as the command line takes it; "none": flag omitted.
func ValueText(v any) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(v)
}

// Interval writes the bounds of a number over runs, in the number's own format.
func Interval(e stat.Interval, format func(float64) string) string {
	switch {
	case e.N == 1:
		return "[1 run]"
	case math.IsNaN(e.Low):
		return "[?]"
	case e.High > 1000*e.Low:
		return "[too wide to tell]"
	}
	return "[" + format(e.Low) + ", " + format(e.High) + "]"
}

func probability(p float64) string {
	if math.IsNaN(p) {
		return "?"
	}
	return fmt.Sprintf("%.2f", p)
}

// Duration writes seconds with three significant digits and a fitting unit.
func Duration(s float64) string {
	switch a := math.Abs(s); {
	case math.IsNaN(s):
		return "?"
	case a < 0.9995e-3:
		return digits(s*1e6) + " us"
	case a < 0.9995:
		return digits(s*1e3) + " ms"
	case a < 599.5:
		return digits(s) + " s"
	default:
		return digits(s/60) + " min"
	}
}

// Number writes a value with three significant digits, or whole from 1,000 on.
func Number(v float64) string {
	if math.IsNaN(v) {
		return "?"
	}
	return digits(v)
}

func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.9995:
		return fmt.Sprintf("%.2f", v)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
