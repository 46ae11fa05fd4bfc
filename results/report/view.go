package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"harness/results"
)

// view is what the page's template shows: texts.
type view struct {
	Page                                               Page
	Warnings                                           []string
	Sections                                           []section
	Counts, Headline                                   string
	Answers                                            []answerLine
	Labels                                             [2]string
	FrontNote                                          string
	Front, Near                                        []frontLine
	FrontCount, GrowthNote, LatencyNote, TelemetryNote string
	Classes                                            []classLine
	FailShare                                          string
	Blames                                             []blameLine
	Raw, Valid, ValidShare                             string
	Rules                                              []ruleLine
	SilentRules                                        string
	CSP, Written                                       string
	Style                                              template.CSS
	Script, Data                                       template.JS
}

type section struct{ ID, Title string }

type answerLine struct {
	Load, What, Trial, P string
	Values, Ratios       [2]string
}

type frontLine struct {
	Trial, Load, P, Config   string
	Values, Ranges, Expected [2]string
	Runs                     int
}

type classLine struct {
	Class, Trial, Phase, Line string
	Count                     int
}

type blameLine struct {
	Blame
	Bar     template.HTML
	Classes string
}

type ruleLine struct {
	Rule
	Removes string
	Bar     template.HTML
}

func (p Page) view(warnings []string) view {
	v := view{Page: p, Warnings: warnings,
		Sections: []section{{"answer", "answer"}, {"front", "front"}, {"growth", "hypervolume"}, {"effects", "what matters"}, {"failures", "failures"}, {"latency", "latencies"},
			{"gpu", "GPUs"}, {"lattice", "lattice"}, {"noise", "noise"}, {"method", "how it was measured"}, {"trials", "all trials"}}}
	v.Counts = p.counts()
	v.answers()
	v.front()
	v.failures()
	v.lattice()
	v.GrowthNote = p.growthNote()
	v.LatencyNote = "The distributions of single requests, over all valid runs; the horizontal scale is that of a normal distribution, so that both tails can be read. The page has those of the default, of the front and of what is best at each load, of up to 16 configs; of the others it has the quantiles of runs."
	if len(p.Front.Rows) == 0 {
		v.LatencyNote = "Nothing was measured yet, so there are no latencies."
	}
	v.TelemetryNote = "Sampled while the trial ran: of each stretch of time the lowest and the highest value."
	return v
}

// counts says how much there is: "26 trials of 24 configs, 2 failed".
func (p Page) counts() string {
	configs, failed, cancelled := map[string]bool{}, 0, 0
	for _, t := range p.Trials {
		configs[t.ConfigID] = true
		switch t.Outcome {
		case results.Failed:
			failed++
		case results.Cancelled:
			cancelled++
		}
	}
	text := fmt.Sprintf("%s of %s", Plural(len(p.Trials), "trial"), Plural(len(configs), "config"))
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if cancelled > 0 {
		text += fmt.Sprintf(", %d cancelled", cancelled)
	}
	return text
}

func (v *view) answers() {
	answers := v.Page.Front.Answers(v.Page.Default)
	v.Headline = headline(v.Page, answers)
	f := v.Page.Front
	for k, o := range f.Aim.Objectives {
		v.Labels[k] = Label(o)
	}
	for _, a := range answers {
		v.Answers = append(v.Answers, answerLine{Load: a.Load, What: "the default", Trial: a.Base.TrialID, Values: f.texts(a.Base)})
		for _, k := range []int{1, 0} {
			line := answerLine{What: fmt.Sprintf("%s %s at no worse %s", superlative(f.Aim.Objectives[k]), v.Labels[k], v.Labels[1-k])}
			if g := a.Gains[k]; g == nil {
				line.What += ": none is better"
			} else {
				line.Trial, line.Values, line.P = g.TrialID, f.texts(g.Row), probability(g.P)
				for i, r := range g.Ratios {
					line.Ratios[i] = change(r.Value, r.Low, r.High)
				}
			}
			v.Answers = append(v.Answers, line)
		}
	}
}

// texts are a row's objectives.
func (f Front) texts(r Row) (texts [2]string) {
	for k, o := range f.Aim.Objectives {
		texts[k] = FormatOf(o)(r.Values[k].Value)
	}
	return texts
}

// change writes a ratio with its interval: as changes, or as multiples where they are
// large.
func change(value, low, high float64) string {
	format := Percent
	if value >= 3 || high >= 3 {
		format = func(ratio float64) string { return Number(ratio) + "x" }
	}
	text := format(value)
	switch {
	case math.IsNaN(low) || math.IsNaN(high):
		return text + " [1 run]"
	case high > 1000*low:
		return text + " [too wide to tell]"
	}
	return text + " [" + format(low) + ", " + format(high) + "]"
}

// headline is the answer in a sentence: at the heaviest load at which there is one.
func headline(p Page, answers []Answer) string {
	if len(p.Trials) == 0 {
		return "No trial has ended yet."
	}
	if len(p.Front.Rows) == 0 {
		return "No config was measured: " + p.counts() + "."
	}
	if len(answers) == 0 {
		return "The default config has no valid run, so there is nothing to hold the others against; the front below is of those that were measured."
	}
	where := func(a Answer) string {
		if len(answers) == 1 {
			return ""
		}
		return " with " + a.Load
	}
	o := p.Front.Aim.Objectives
	for _, a := range answers {
		for _, k := range []int{1, 0} {
			g := a.Gains[k]
			if g == nil || math.Abs(math.Log(g.Ratios[k].Value)) < math.Log(1+sameShare) {
				continue
			}
			beside := fmt.Sprintf("at the same %s as the default", Label(o[1-k]))
			if r := g.Ratios[1-k].Value; math.Abs(r-1) > sameShare {
				beside = fmt.Sprintf("and %s %s, beside the default", Percent(r), Label(o[1-k]))
			}
			return fmt.Sprintf("%s %s %s%s: trial %s%s.", Percent(g.Ratios[k].Value), Label(o[k]), beside, where(a), g.TrialID, sure(g.P))
		}
	}
	if len(p.Front.Rows) == len(answers) {
		return "Only the default config was measured yet."
	}
	return "No measured config is better than the default by more than 2 % in one objective without being worse in the other."
}

// surely is the probability from which a gain is told without a warning.
const surely = 0.95

func sure(p float64) string {
	switch {
	case math.IsNaN(p):
		return "; one run each does not say how sure that is"
	case p > 0.995:
		return "; P(better) above 0.99"
	}
	text := fmt.Sprintf("; P(better) %.2f", p)
	if p < surely {
		text += ", too little to rely on"
	}
	return text
}

func (v *view) front() {
	f := v.Page.Front
	points, near := f.Points(), f.Near()
	v.FrontCount = Plural(len(points), "point")
	v.Front, v.Near = v.frontLines(points), v.frontLines(near)
	o := f.Aim.Objectives
	way := func(m results.Metric, up, down string) string {
		if m.Higher {
			return up
		}
		return down
	}
	v.FrontNote = fmt.Sprintf("Each point is one config at one load; better is %s and %s.", way(o[0], "right", "left"), way(o[1], "up", "down"))
	if len(f.Aim.Limits) > 0 {
		v.FrontNote += fmt.Sprintf(" Limits: %s. Only points that keep them count; the others are hollow.", limitTexts(f.Aim.Limits))
	}
	if !math.IsNaN(f.HVLow) {
		v.FrontNote += " P(front) is by the search's model: the spread of runs and launches, and what like configs do, allowed for."
	}
}

func (v *view) frontLines(rows []Row) []frontLine {
	f := v.Page.Front
	var lines []frontLine
	for _, r := range rows {
		line := frontLine{Trial: r.TrialID, Load: loadText(r.Measurement), Values: f.texts(r), Runs: r.Values[0].N, P: probability(r.PFront), Config: Difference(r.Params, v.Page.Default)}
		for k, o := range f.Aim.Objectives {
			line.Ranges[k] = Interval(r.Values[k].Interval, FormatOf(o))
			if !math.IsNaN(r.Expected[k]) {
				line.Expected[k] = FormatOf(o)(r.Expected[k])
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (p Page) growthNote() string {
	f := p.Front
	if len(f.Rows) == 0 {
		return "Nothing was measured yet, so there is no hypervolume."
	}
	o := f.Aim.Objectives
	text := fmt.Sprintf("How much of the plane the front dominates, in log10 of both objectives, against %s %s and %s %s: %.3f now", Label(o[0]), FormatOf(o[0])(f.Reference[0]), Label(o[1]), FormatOf(o[1])(f.Reference[1]), f.HV)
	if !math.IsNaN(f.HVLow) {
		text += fmt.Sprintf(", and with a probability of 0.9 the true front's is between %.3f and %.3f", f.HVLow, f.HVHigh)
	}
	text += "."
	control := 0
	for _, t := range p.Trials {
		if t.Purpose == "control" {
			control++
		}
	}
	if control == 0 {
		return text + " This study has no uniform draws to hold the search against: `harness refine --control random` makes some."
	}
	return text + fmt.Sprintf(" On the right the search's own choices, in their order, beside as many of the %s, whose order means nothing: their mean, and where 90 %% of 100 orders lie. Seeds are left out of both.", Plural(control, "uniform draw"))
}

// mostBlames bounds the table of suspect values.
const mostBlames = 16

func (v *view) failures() {
	failures := NewFailures(v.Page.Trials)
	failed, launched := 0, 0
	for _, t := range v.Page.Trials {
		if t.Outcome != results.Cancelled {
			launched++
		}
	}
	for class, ts := range failures {
		failed += len(ts)
		v.Classes = append(v.Classes, classLine{Class: class, Count: len(ts), Trial: ts[0].TrialID, Phase: ts[0].Phase, Line: plainText(ts[0].FailureLine)})
	}
	slices.SortFunc(v.Classes, func(a, b classLine) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class))
	})
	if failed == 0 {
		return
	}
	v.FailShare = fmt.Sprintf("%d of %d (%.0f %%)", failed, launched, 100*float64(failed)/float64(launched))
	for _, b := range Blames(v.Page.Trials) {
		if len(v.Blames) == mostBlames {
			break
		}
		if b.Share() <= float64(failed)/float64(launched) {
			continue
		}
		var classes []string
		for _, c := range v.Classes {
			if n := b.Classes[c.Class]; n > 0 {
				classes = append(classes, fmt.Sprintf("%s %d", c.Class, n))
			}
		}
		v.Blames = append(v.Blames, blameLine{b, shareBar(b.Share(), b.Low, b.High), strings.Join(classes, ", ")})
	}
}

func (v *view) lattice() {
	l := v.Page.Lattice
	v.Raw, v.Valid = thousands(l.Raw), thousands(l.Valid)
	v.ValidShare = shareText(l.Raw, l.Valid)
	silent := 0
	for _, r := range l.Rules {
		if r.Removes == "0" {
			silent++
			continue
		}
		v.Rules = append(v.Rules, ruleLine{r, thousands(r.Removes), shareBar(r.Share, math.NaN(), math.NaN())})
	}
	slices.SortStableFunc(v.Rules, func(a, b ruleLine) int { return cmp.Compare(b.Share, a.Share) })
	if silent > 0 {
		v.SilentRules = Plural(silent, "more rule")
	}
}

// shareBar draws a share of 0 to 1 with its interval, which may be NaN.
func shareBar(share, low, high float64) template.HTML {
	const width = 120
	bar := fmt.Sprintf(`<svg width="%d" height="10" role="img" aria-label="%.0f percent"><rect class="bar-base" width="%d" height="10"/><rect class="bar" y="2" width="%.1f" height="6"/>`,
		width, 100*share, width, max(0.5, width*share))
	if !math.IsNaN(low) && !math.IsNaN(high) {
		bar += fmt.Sprintf(`<line class="bar-line" x1="%.1f" x2="%.1f" y1="5" y2="5"/>`, width*low, width*high)
	}
	return template.HTML(bar + "</svg>")
}

// thousands writes a decimal count in groups of three digits.
func thousands(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func shareText(whole, part string) string {
	var w, p float64
	if _, err := fmt.Sscan(whole+" "+part, &w, &p); err != nil || w == 0 {
		return "?"
	}
	return Number(100*p/w) + " %"
}
