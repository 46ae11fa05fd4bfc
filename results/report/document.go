package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"harness/results"
)

// document is the page's data: what its scripts draw and what a reader of a trial sees.
// Texts that recur are kept once, in tables that the trials point into.
type document struct {
	Simulated  bool                            `json:"simulated"`
	Objectives [2]objectiveDoc                 `json:"objectives"`
	Params     []paramDoc                      `json:"params"`
	Words      []string                        `json:"words"` // of command lines
	Loads      []loadDoc                       `json:"loads"`
	Trials     []trialDoc                      `json:"trials"`
	Rows       []rowDoc                        `json:"rows"`
	Runs       map[string][]runDoc             `json:"runs"` // by trial
	Shares     []float64                       `json:"shares"`
	Latency    map[string]map[string]latencies `json:"latency"` // by trial and load
	Telemetry  map[string][]series             `json:"telemetry"`
	Growth     growthDoc                       `json:"growth"`
	Effects    []effectDoc                     `json:"effects"`
}

type paramDoc struct {
	Name    string   `json:"name"`
	Default string   `json:"default"`
	Values  []string `json:"values"`
}

type loadDoc struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

type trialDoc struct {
	ID       string   `json:"id"`
	Config   string   `json:"config"`
	Purpose  string   `json:"purpose"`
	Outcome  string   `json:"outcome"`
	Class    string   `json:"class,omitempty"`
	Phase    string   `json:"phase,omitempty"`
	Exit     *int32   `json:"exit,omitempty"`
	Line     string   `json:"line,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Attempt  int32    `json:"attempt"`
	Started  string   `json:"started,omitempty"`
	Launch   reading  `json:"launch"`
	Warmup   reading  `json:"warmup"`
	Total    reading  `json:"total"`
	Steady   bool     `json:"steady"`
	Default  bool     `json:"default,omitempty"`
	Values   []int    `json:"values"` // by parameter, into its Values; -1: not told
	Argv     []int    `json:"argv"`   // into Words
	GPUs     []string `json:"gpus,omitempty"`
	Deviates []string `json:"deviates,omitempty"`
	Drift    string   `json:"drift,omitempty"`
	Gate     string   `json:"gate,omitempty"` // why the machine was not as it should be before it
	Log      string   `json:"log,omitempty"`
}

// objectiveDoc is an axis.
type objectiveDoc struct {
	Name    string `json:"name"`
	Text    string `json:"text"`
	Seconds bool   `json:"seconds"`
	Higher  bool   `json:"higher"` // is better
}

// rowDoc is a measured config at a load; ranges are value, low and high.
type rowDoc struct {
	Trial    string       `json:"trial"`
	Load     int          `json:"load"`
	Values   [2][]reading `json:"values"`   // by objective
	Ratios   [2][]reading `json:"ratios"`   // to the default at this load; empty: it is the default, or was not measured
	Expected [2]reading   `json:"expected"` // by the model
	Runs     int          `json:"runs"`
	P        reading      `json:"p"`
	Front    bool         `json:"front,omitempty"`
	Kept     bool         `json:"kept"` // keeps the limits
}

type runDoc struct {
	ID       string    `json:"id"`
	Load     string    `json:"load"`
	Repeat   int32     `json:"repeat"`
	Valid    bool      `json:"valid"`
	Reason   string    `json:"reason,omitempty"`
	Requests int32     `json:"requests"`
	Failed   int32     `json:"failed"`
	TPS      reading   `json:"tps"`
	TTFT     []reading `json:"ttft"`          // p50, p90, p99
	ITL      []reading `json:"itl"`           // p50, p99
	E2E      []reading `json:"e2e"`           // p50, p99
	Use      []reading `json:"use,omitempty"` // J/token, mean W, peak bytes, shares of the time throttled and at the power limit, cost of a million tokens; absent: nothing is known
	Why      string    `json:"why,omitempty"` // of what was decided after it
}

type growthDoc struct {
	All     []reading   `json:"all"`
	Chosen  []reading   `json:"chosen"`
	Control [][]reading `json:"control"`
}

type effectDoc struct {
	Param     string     `json:"param"`
	Load      string     `json:"load"`
	Objective int        `json:"objective"`
	Factor    []reading  `json:"factor"`
	Values    []valueDoc `json:"values"`
}

type valueDoc struct {
	Value    string    `json:"value"`
	Ratio    []reading `json:"ratio"`
	Configs  int       `json:"configs"`
	Standard bool      `json:"standard,omitempty"`
}

// latencyConfigs is how many configs' distributions and device samples the page has.
const latencyConfigs = 16

// document reads what the page needs beside the rows; what cannot be read is told.
func (p Page) document() (doc document, warnings []string) {
	doc = document{Simulated: p.Simulated, Shares: sketchShares, Runs: map[string][]runDoc{}, Rows: []rowDoc{}, Trials: []trialDoc{}, Params: []paramDoc{}, Loads: []loadDoc{}, Effects: []effectDoc{},
		Latency: map[string]map[string]latencies{}, Telemetry: map[string][]series{}}
	doc.rows(p.Front, p.Default)
	warnings = doc.trials(p)
	for _, r := range p.Runs {
		doc.Runs[r.TrialID] = append(doc.Runs[r.TrialID], runDoc{ID: r.RunID, Load: r.LoadPoint, Repeat: r.Repeat, Valid: r.Valid, Reason: r.InvalidReason,
			Requests: r.Requests, Failed: r.Failures, TPS: reading(r.OutputTPS), TTFT: readings(r.TTFTP50S, r.TTFTP90S, r.TTFTP99S),
			ITL: readings(r.ITLP50S, r.ITLP99S), E2E: readings(r.E2EP50S, r.E2EP99S), Why: r.DecisionWhy, Use: useOf(r)})
	}
	g := p.Front.Growth(p.Trials)
	doc.Growth = growthDoc{All: heights(g.All), Chosen: heights(g.Chosen)}
	for _, b := range g.Control {
		doc.Growth.Control = append(doc.Growth.Control, readings(b.Mean, b.Low, b.High))
	}
	for _, e := range p.Effects {
		d := effectDoc{Param: e.Param, Load: e.Load, Objective: e.Objective, Factor: e.Factor.readings()}
		for _, v := range e.Values {
			d.Values = append(d.Values, valueDoc{v.Value, v.Ratio.readings(), v.Configs, v.Standard})
		}
		doc.Effects = append(doc.Effects, d)
	}
	return doc, append(warnings, doc.raw(p)...)
}

// useOf is what a run took of the GPUs.
func useOf(r results.Run) []reading {
	var use []reading
	told := false
	for _, v := range []*float64{r.JoulesPerToken, r.PowerMeanW, r.MemoryPeakBytes, r.ThrottledShare, r.PowerCappedShare, r.CostPerMillion} {
		if v == nil {
			use = append(use, reading(math.NaN()))
			continue
		}
		told = true
		use = append(use, reading(*v))
	}
	if !told {
		return nil
	}
	return use
}

func (s Span) readings() []reading { return readings(s.Value, s.Low, s.High) }

func heights(steps []Step) []reading {
	hs := make([]reading, len(steps))
	for i, s := range steps {
		hs[i] = reading(s.HV)
	}
	return hs
}

func (doc *document) rows(f Front, base map[string]string) {
	points := f.loadPoints()
	for k, o := range f.Aim.Objectives {
		doc.Objectives[k] = objectiveDoc{Name: o.Name, Text: Label(o), Seconds: strings.HasSuffix(o.Name, "_s"), Higher: o.Higher}
	}
	noise, standard := f.noise(), f.standard(base)
	for _, r := range f.Rows {
		i := slices.Index(points, r.LoadPoint)
		for len(doc.Loads) <= i {
			doc.Loads = append(doc.Loads, loadDoc{})
		}
		doc.Loads[i] = loadDoc{ID: r.LoadPoint, Text: loadText(r.Measurement)}
		d := rowDoc{Trial: r.TrialID, Load: i, Runs: r.Values[0].N, P: reading(r.PFront), Front: r.OnFront, Kept: r.Kept}
		g := Gain{Row: r}
		b, compare := standard[r.LoadPoint]
		if compare = compare && b.ConfigID != r.ConfigID; compare {
			f.hold(&g, b, noise)
		}
		for k, v := range r.Values {
			d.Values[k], d.Expected[k] = readings(v.Value, v.Low, v.High), reading(r.Expected[k])
			if ratio := g.Ratios[k]; compare {
				d.Ratios[k] = readings(ratio.Value, ratio.Low, ratio.High)
			}
		}
		doc.Rows = append(doc.Rows, d)
	}
}

// trials fills in the trials and their tables, and returns what of the logs could not be
// read.
func (doc *document) trials(p Page) (warnings []string) {
	params, words := newIndex(), newIndex()
	values := map[string]*index{}
	most := int64(min(logMost, max(logLeast, logBudget/max(1, len(p.Trials)))))
	for _, t := range p.Trials {
		d := trialDoc{ID: t.TrialID, Config: t.ConfigID, Purpose: t.Purpose, Outcome: t.Outcome, Class: t.FailureClass, Phase: t.Phase, Exit: t.ExitStatus,
			Line: plainText(t.FailureLine), Reason: t.Reason, Attempt: t.Attempt, Values: []int{}, Argv: []int{},
			Launch: reading(t.LaunchSeconds), Warmup: reading(t.WarmupSeconds), Total: reading(t.TotalSeconds), Steady: t.WarmupSteady,
			Default: Difference(t.Params, p.Default) == theDefault, GPUs: t.GPUs, Drift: t.Drift, Gate: t.GateReason}
		if !t.StartedAt.IsZero() {
			d.Started = t.StartedAt.UTC().Format("2006-01-02 15:04:05")
		}
		for _, v := range t.Params {
			i := params.of(v.Name)
			if values[v.Name] == nil {
				values[v.Name] = newIndex()
			}
			for len(d.Values) <= i {
				d.Values = append(d.Values, -1)
			}
			d.Values[i] = values[v.Name].of(ValueText(v.Value))
		}
		for _, word := range t.Argv {
			d.Argv = append(d.Argv, words.of(word))
		}
		for _, x := range t.EffectiveDifferences {
			d.Deviates = append(d.Deviates, fmt.Sprintf("%s is %s, and %s was expected", x.Param, x.Reported, x.Expected))
		}
		log, err := p.log(t, most)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("log of %s: %v", t.TrialID, err))
		}
		d.Log = log
		doc.Trials = append(doc.Trials, d)
	}
	doc.Words = words.all
	for _, name := range params.all {
		doc.Params = append(doc.Params, paramDoc{Name: name, Default: p.Default[name], Values: values[name].all})
	}
	return warnings
}

// log is the end of a trial's log: a failure's row keeps it, of others the file is read,
// of which there is less to see.
func (p Page) log(t results.Trial, most int64) (string, error) {
	text := t.LogTail
	if text == "" {
		var err error
		if text, err = tail(p.Store.LogPath(t.TrialID), min(most, 1500)); err != nil {
			return "", err
		}
	}
	text = strings.TrimRight(plainText(text), "\n")
	if len(text) > int(most) {
		text = lastLines(strings.ToValidUTF8(text[len(text)-int(most):], ""), true)
	}
	return text, nil
}

// raw reads requests and device samples of the configs that the page tells more of.
func (doc *document) raw(p Page) (warnings []string) {
	told := p.Front.told(p.Default, latencyConfigs)
	reader := p.Store.Reader()
	defer reader.Close()
	sketches, errs := make([]latencies, len(told)), make([]error, len(told))
	inParallel(len(told), func(i int) { sketches[i], errs[i] = sketch(reader, told[i].Runs) })
	var trials []string
	for i, r := range told {
		if errs[i] != nil {
			warnings = append(warnings, fmt.Sprintf("requests of %s at %s: %v", r.TrialID, r.LoadPoint, errs[i]))
			continue
		}
		if doc.Latency[r.TrialID] == nil {
			doc.Latency[r.TrialID] = map[string]latencies{}
			trials = append(trials, r.TrialID)
		}
		doc.Latency[r.TrialID][r.LoadPoint] = sketches[i]
	}
	lines := make([][]series, len(trials))
	inParallel(len(trials), func(i int) {
		samples, err := reader.Samples(trials[i])
		if err == nil { // a trial that ended early has none
			lines[i] = telemetry(samples)
		}
	})
	for i, s := range lines {
		if len(s) > 0 {
			doc.Telemetry[trials[i]] = s
		}
	}
	slices.SortFunc(warnings, cmp.Compare)
	return warnings
}

// index numbers texts in the order of their first appearance.
type index struct {
	all []string
	at  map[string]int
}

func newIndex() *index { return &index{all: []string{}, at: map[string]int{}} }

func (x *index) of(text string) int {
	i, ok := x.at[text]
	if !ok {
		i = len(x.all)
		x.all, x.at[text] = append(x.all, text), i
	}
	return i
}
