package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"harness/results/report"
	"harness/space"
)

// showJSON is the shape of `harness space show --json`.
type showJSON struct {
	Space      string      `json:"space"`
	Engine     string      `json:"engine"`
	Raw        space.Rank  `json:"raw"`
	Valid      space.Rank  `json:"valid"`
	Parameters []showParam `json:"parameters"`
	Rules      []showRule  `json:"rules"`
}

type showParam struct {
	Name    string      `json:"name"`
	Flag    string      `json:"flag"`
	Default space.Value `json:"default"`
	Values  []showValue `json:"values"`
}

// showValue is how many raw and how many valid configs have a value.
type showValue struct {
	Value space.Value `json:"value"`
	Raw   space.Rank  `json:"raw"`
	Valid space.Rank  `json:"valid"`
}

type showRule struct {
	space.RuleReport
	RemovesLast space.Rank `json:"removes_last"`
	Says        string     `json:"says"`
	Evidence    string     `json:"evidence,omitempty"`
}

func (a *app) spaceShow(c *cli.Context, l *space.Lattice, _ time.Duration) error {
	doc := showJSON{Space: l.Spec().Name, Engine: l.Spec().Engine, Raw: l.Raw(), Valid: l.Count()}
	for _, p := range l.Params() {
		if len(p.Values) == 1 && !c.Bool("json") {
			continue
		}
		shown := showParam{Name: p.Name, Flag: p.Flag, Default: p.Default}
		for _, m := range l.Marginals(p.Name) {
			shown.Values = append(shown.Values, showValue(m))
		}
		doc.Parameters = append(doc.Parameters, shown)
	}
	last := l.RemovesLast()
	says := map[string]space.Rule{}
	for _, r := range l.Spec().Rules {
		says[r.ID] = r
	}
	for _, r := range l.Rules() {
		rule := says[r.ID]
		text := rule.Expr
		if rule.When != "" {
			text = rule.Sets + " when " + rule.When
		}
		doc.Rules = append(doc.Rules, showRule{r, last[r.ID], text, rule.Evidence})
	}
	if c.Bool("json") {
		return a.printJSON(doc)
	}
	return doc.text(a.stdout, len(l.Params())-len(doc.Parameters))
}

// text prints the tables. A parameter with one value is only counted.
func (d *showJSON) text(out io.Writer, fixed int) error {
	fmt.Fprintf(out, "Space %s for %s: %s raw configs, %s valid (%s)\n\n", d.Space, d.Engine, group(d.Raw), group(d.Valid), share(d.Valid, d.Raw))
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "parameter\tflag\tdefault\teach raw\tshare of each value among the valid configs (none: flag omitted)")
	for _, p := range d.Parameters {
		var values []string
		for _, v := range p.Values {
			values = append(values, fmt.Sprintf("%s %s", v.Value, percent(v.Valid, d.Valid)))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Flag, p.Default, percent(p.Values[0].Raw, d.Raw), strings.Join(values, ", "))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if fixed > 0 {
		fmt.Fprintf(out, "and %s fixed at one value (--tune all tunes them)\n", report.Plural(fixed, "parameter"))
	}
	fmt.Fprintln(out, "\nWhat a rule removes: alone, of all raw configs; last, of those that all other rules leave.")
	tw = tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "rule\tclass\talone\tlast")
	silent := 0
	for _, r := range d.Rules {
		if r.RemovesAlone.IsZero() {
			silent++
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.ID, r.Class, percent(r.RemovesAlone, d.Raw), removed(r.RemovesLast, d.Valid))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if silent > 0 {
		fmt.Fprintf(out, "(%s more: nothing to remove here)\n", report.Plural(silent, "rule"))
	}
	return nil
}

// percent is a share to read: 100 %, 12.3 %, 1.23 %, 0.
func percent(part, whole space.Rank) string { return percentOf(part.Float64(), whole.Float64()) }

// removed is the share that a rule removes of what the other rules leave.
func removed(last, valid space.Rank) string {
	return percentOf(last.Float64(), last.Float64()+valid.Float64())
}

func percentOf(part, whole float64) string {
	switch p := 100 * part / whole; {
	case part == 0:
		return "0"
	case p < 0.01:
		return "<0.01 %"
	default:
		return fmt.Sprintf("%.3g %%", p)
	}
}
