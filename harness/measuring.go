package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"harness/harness/bench/stop"
	"harness/harness/study"
	"harness/results/report"
	"harness/results/stat"
)

// measuring is how well a study was measured: how much runs and launches differ, what
// the rule saved, and whether the machine stayed what it was.
type measuring struct {
	spreads []study.Spread
	saved   stop.Saving
	most    int // runs at a load point; 0: no rule decides how many
	drifts  []study.Drift
	ends    map[string]int // why measuring ended, over launches and load points
	cut     int            // runs that were cut short
}

func measuringOf(s *study.Study, state study.State) (m measuring, err error) {
	if m.spreads, err = s.Spreads(state); err != nil {
		return m, err
	}
	m.drifts, err = s.Drifts(state)
	m.saved, m.ends = s.Saved(state), map[string]int{}
	if s.Lock.Precision > 0 {
		m.most = s.Lock.Repeats
	}
	for _, r := range state.Runs {
		if r.Decision != "" && r.Decision != string(stop.Continue) {
			m.ends[r.Decision]++
		}
		if len(r.Bounds) > 0 {
			m.cut++
		}
	}
	return m, err
}

// measuringJSON stands beside the other keys of a summary and of a front.
type measuringJSON struct {
	Noise map[string]map[string]noiseJSON `json:"noise"`     // by load point and metric
	Drift []driftJSON                     `json:"drift"`     // where there was any
	Saved *savedJSON                      `json:"saved"`     // null: the runs are a fixed number
	Ends  map[string]int                  `json:"decisions"` // why measuring ended, over launches and load points
	Cut   int                             `json:"cut"`       // runs that were cut short, and are kept as bounds
}

// noiseJSON has standard deviations of logarithms: 0.02 is a spread of 2 %.
type noiseJSON struct {
	SigmaRun      *float64   `json:"sigma_run"` // null: not known
	SigmaRunCI    []*float64 `json:"sigma_run_ci"`
	RunDF         float64    `json:"run_df"`
	SigmaLaunch   *float64   `json:"sigma_launch"`
	SigmaLaunchCI []*float64 `json:"sigma_launch_ci"`
	LaunchDF      float64    `json:"launch_df"`
}

type savedJSON struct {
	Against int     `json:"against"` // runs at each load point
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	Share   float64 `json:"share"` // of the seconds that so many would have taken
}

type driftJSON struct {
	LoadPoint string     `json:"load_point"`
	Metric    string     `json:"metric"`
	Ratio     *float64   `json:"ratio"` // of the default to its first launch
	CI        []*float64 `json:"ci"`
	Affected  []string   `json:"affected"` // trials
}

func (m measuring) json() measuringJSON {
	doc := measuringJSON{Noise: map[string]map[string]noiseJSON{}, Drift: []driftJSON{}, Ends: m.ends, Cut: m.cut}
	for _, s := range m.spreads {
		if doc.Noise[s.LoadPoint] == nil {
			doc.Noise[s.LoadPoint] = map[string]noiseJSON{}
		}
		doc.Noise[s.LoadPoint][s.Metric] = noiseJSON{
			SigmaRun: known(s.Run.Value), SigmaRunCI: bounds(s.Run.Interval), RunDF: s.Run.DF,
			SigmaLaunch: known(s.Launch.Value), SigmaLaunchCI: bounds(s.Launch.Interval), LaunchDF: s.Launch.DF,
		}
	}
	for _, d := range m.drifts {
		for _, stay := range d.Stays {
			doc.Drift = append(doc.Drift, driftJSON{LoadPoint: d.LoadPoint, Metric: d.Metric, Ratio: known(stay.Ratio.Value), CI: bounds(stay.Ratio), Affected: d.Affected})
		}
	}
	if m.most > 0 {
		doc.Saved = &savedJSON{Against: m.most, Runs: m.saved.Runs, Seconds: m.saved.Seconds, Share: m.saved.Share}
	}
	return doc
}

func bounds(i stat.Interval) []*float64 { return []*float64{known(i.Low), known(i.High)} }

// text writes the same for people; warnings first.
func (m measuring) text(w io.Writer) error {
	for _, text := range m.driftTexts() {
		fmt.Fprintf(w, "\nwarning: %s\n", text)
	}
	fmt.Fprint(w, "\nSpread (standard deviation [95 % interval])\n\n")
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  load\tmetric\tbetween runs\tbetween launches")
	for _, s := range m.spreads {
		runs, launches := deviations(s)
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", s.LoadPoint, s.Metric, runs, launches)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if text := m.savedText(); text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	return nil
}

// driftTexts tell of the times in which the machine was not what it was at first.
func (m measuring) driftTexts() []string {
	var texts []string
	for _, d := range m.drifts {
		for _, s := range d.Stays {
			texts = append(texts, fmt.Sprintf("the machine drifted: the default's %s at %s was %.2f [%.2f, %.2f] of what it was at first; measured meanwhile: %s",
				d.Metric, d.LoadPoint, s.Ratio.Value, s.Ratio.Low, s.Ratio.High, some(d.Affected)))
		}
	}
	return texts
}

// savedText tells what the rule saved; "" where there is none.
func (m measuring) savedText() string {
	if m.saved == (stop.Saving{}) {
		return ""
	}
	cut := ""
	if m.cut > 0 {
		cut = fmt.Sprintf("; cut short, since they could only end far worse than the front or miss a limit: %s, kept as bounds", report.Plural(m.cut, "run"))
	}
	return fmt.Sprintf("Stopping when enough was known saved %s, %s of the time that %d at each load point would have taken%s",
		report.Plural(m.saved.Runs, "run"), relative(m.saved.Share), m.most, cut)
}

// deviations writes how much runs and launches differ.
func deviations(s study.Spread) (runs, launches string) {
	return deviation(s.Run, "no launch has two valid runs"), deviation(s.Launch, "no config was launched twice")
}

// deviation writes a standard deviation of logarithms as a share, or why there is none.
func deviation(s stat.SD, lacking string) string {
	switch {
	case s.DF == 0:
		return "not known: " + lacking
	case math.IsInf(s.High, 1) || math.IsNaN(s.High):
		return relative(s.Value)
	}
	return fmt.Sprintf("%s [%s, %s]", relative(s.Value), strings.TrimSuffix(relative(s.Low), " %"), strings.TrimSuffix(relative(s.High), " %"))
}

// some lists identifiers, of many the first.
func some(ids []string) string {
	const most = 8
	switch {
	case len(ids) == 0:
		return "no trial"
	case len(ids) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return strings.Join(ids, ", ")
}
