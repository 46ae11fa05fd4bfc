package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"harness/results"
	"harness/results/stat"
)

// A Comparison holds what two studies, A and B, measured of the same configs at the same
// loads: two engines' versions, two machines, two days.
type Comparison struct {
	Metrics []results.Metric
	Pairs   []Pair          // by config and load
	Overall []stat.Interval // of B's value over A's, for each metric; a config at a load is the unit
	Alone   [2]int          // configs that only one of them measured
}

// A Pair is one config at one load in both studies.
type Pair struct {
	ConfigID, LoadPoint string
	Trials              [2]string
	Params              []results.Param
	Ratio               []stat.Interval // B's value over A's, for each metric
}

// Verdict says what an interval of a ratio shows of B.
func Verdict(m results.Metric, ratio stat.Interval) string {
	switch {
	case ratio.Insufficient != "" || math.IsNaN(ratio.Low) || math.IsNaN(ratio.High):
		return "too few runs to tell"
	case ratio.Low <= 1 && ratio.High >= 1:
		return "no difference seen"
	case (ratio.Low > 1) == m.Higher:
		return "better"
	}
	return "worse"
}

// Compare pairs the measurements of two studies. The spread of a run is pooled over all
// configs of both, for two or three runs say little of their own. samePrompts says that
// equal blocks of both had the same prompts: then runs are pairs too.
func Compare(a, b []results.Measurement, samePrompts bool, metrics []results.Metric, params func(results.Measurement) []results.Param) Comparison {
	key := func(m results.Measurement) string { return m.ConfigID + " " + m.LoadPoint }
	of := map[string]results.Measurement{}
	for _, m := range a {
		of[key(m)] = m
	}
	c := Comparison{Metrics: metrics, Alone: [2]int{alone(a, b), alone(b, a)}}
	noise := make([]stat.Noise, len(metrics))
	for i, metric := range metrics {
		var configs [][]stat.Run
		for _, m := range slices.Concat(a, b) {
			configs = append(configs, results.Values(m.Runs, metric.Of))
		}
		noise[i] = stat.SpreadOf(configs).Noise()
	}
	units := make([][]stat.Run, len(metrics))
	for _, m := range b {
		old, both := of[key(m)]
		if !both {
			continue
		}
		p := Pair{ConfigID: m.ConfigID, LoadPoint: m.LoadPoint, Trials: [2]string{old.TrialID, m.TrialID}, Params: params(m)}
		for i, metric := range metrics {
			of, base := results.Values(m.Runs, metric.Of), results.Values(old.Runs, metric.Of)
			if !samePrompts || !sameBlocks(of, base) {
				unpair(base)
			}
			d := stat.Compare(of, base, noise[i])
			p.Ratio = append(p.Ratio, d.Interval())
			if !math.IsNaN(d.Mean) {
				units[i] = append(units[i], stat.Run{Launch: "", Block: int64(len(units[i])), Value: math.Exp(d.Mean)})
			}
		}
		c.Pairs = append(c.Pairs, p)
	}
	for i := range metrics {
		c.Overall = append(c.Overall, stat.MeanOf(units[i], stat.Noise{}).Interval())
	}
	return c
}

// sameBlocks reports whether two configs ran the same blocks of prompts.
func sameBlocks(a, b []stat.Run) bool {
	blocks := func(runs []stat.Run) []int64 {
		var list []int64
		for _, r := range runs {
			list = append(list, r.Block)
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(blocks(a), blocks(b))
}

// unpair gives runs blocks that no other has.
func unpair(runs []stat.Run) {
	for i := range runs {
		runs[i].Block = -1 - int64(i)
	}
}

// alone counts the configs of ms that others has not.
func alone(ms, others []results.Measurement) int {
	ids := map[string]bool{}
	for _, m := range ms {
		ids[m.ConfigID] = true
	}
	for _, m := range others {
		delete(ids, m.ConfigID)
	}
	return len(ids)
}

// shownPairs is how many pairs a table has at most: the ones that differ most.
const shownPairs = 12

// Text writes the comparison for people. base tells a config by what differs from it.
func (c Comparison) Text(w io.Writer, base map[string]string) error {
	if len(c.Pairs) == 0 {
		_, err := fmt.Fprintf(w, "No config was measured at the same load in both: %s only in A, %s only in B.\n", Plural(c.Alone[0], "config"), Plural(c.Alone[1], "config"))
		return err
	}
	fmt.Fprintf(w, "%s at a load in both (%s only in A, %s only in B). B's value over A's, with 95 %% intervals;\nof 20 pairs that are alike, one differs by chance.\n\n", Plural(len(c.Pairs), "config"), Plural(c.Alone[0], "config"), Plural(c.Alone[1], "config"))
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  metric\tB over A\t\tB is, over all\tbetter in\tworse in\tno difference seen\ttoo few runs")
	for i, m := range c.Metrics {
		counts := map[string]int{}
		for _, p := range c.Pairs {
			counts[Verdict(m, p.Ratio[i])]++
		}
		fmt.Fprintf(tw, "  %s\t%.3f\t%s\t%s\t%d\t%d\t%d\t%d\n", m.Name, c.Overall[i].Value, Interval(c.Overall[i], ratioText), Verdict(m, c.Overall[i]),
			counts["better"], counts["worse"], counts["no difference seen"], counts["too few runs to tell"])
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	pairs := slices.Clone(c.Pairs)
	slices.SortStableFunc(pairs, func(a, b Pair) int { return cmp.Compare(b.size(), a.size()) })
	if len(pairs) > shownPairs {
		fmt.Fprintf(w, "\nThe %d pairs that differ most:\n", shownPairs)
		pairs = pairs[:shownPairs]
	}
	fmt.Fprintln(w)
	fmt.Fprint(tw, "  A\tB\tload\t")
	for _, m := range c.Metrics {
		fmt.Fprintf(tw, "%s\t\tB is\t", m.Name)
	}
	fmt.Fprintln(tw, "config, where it differs from the default")
	for _, p := range pairs {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t", p.Trials[0], p.Trials[1], p.LoadPoint)
		for i, m := range c.Metrics {
			fmt.Fprintf(tw, "%.3f\t%s\t%s\t", p.Ratio[i].Value, Interval(p.Ratio[i], ratioText), Verdict(m, p.Ratio[i]))
		}
		fmt.Fprintln(tw, Difference(p.Params, base))
	}
	return tw.Flush()
}

func ratioText(v float64) string { return fmt.Sprintf("%.3f", v) }

// size is how far the pair's ratios are from 1, the largest of them.
func (p Pair) size() float64 {
	most := 0.0
	for _, r := range p.Ratio {
		if d := math.Abs(math.Log(r.Value)); d > most {
			most = d
		}
	}
	return most
}

// ComparisonJSON is the shape of `harness study compare --json`.
type ComparisonJSON struct {
	Differences []string    `json:"differences"` // between the two studies' settings
	Overall     []RatioJSON `json:"overall"`
	Pairs       []PairRatio `json:"pairs"`
	Alone       [2]int      `json:"alone"` // configs of A only, of B only
}

// RatioJSON is B's value over A's; null: not known.
type RatioJSON struct {
	Metric  string     `json:"metric"`
	Ratio   *float64   `json:"ratio"`
	CI      []*float64 `json:"ci"`
	Verdict string     `json:"verdict"` // of B
}

// PairRatio is one pair.
type PairRatio struct {
	ConfigID  string      `json:"config_id"`
	LoadPoint string      `json:"load_point"`
	TrialA    string      `json:"trial_a"`
	TrialB    string      `json:"trial_b"`
	Ratios    []RatioJSON `json:"ratios"`
}

// JSON gives the comparison's document.
func (c Comparison) JSON(differences []string) ComparisonJSON {
	doc := ComparisonJSON{Differences: append([]string{}, differences...), Overall: c.ratios(c.Overall), Pairs: []PairRatio{}, Alone: c.Alone}
	if len(c.Pairs) == 0 {
		doc.Overall = []RatioJSON{}
	}
	for _, p := range c.Pairs {
		doc.Pairs = append(doc.Pairs, PairRatio{p.ConfigID, p.LoadPoint, p.Trials[0], p.Trials[1], c.ratios(p.Ratio)})
	}
	return doc
}

func (c Comparison) ratios(of []stat.Interval) []RatioJSON {
	list := []RatioJSON{}
	for i, r := range of {
		list = append(list, RatioJSON{c.Metrics[i].Name, known(r.Value), []*float64{known(r.Low), known(r.High)}, Verdict(c.Metrics[i], r)})
	}
	return list
}
