package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"harness/gpu"
	"harness/harness/bench"
	"harness/harness/load"
	"harness/harness/study"
	"harness/results/report"
	"harness/space"
)

// planJSON is `harness sweep --dry-run --json`.
type planJSON struct {
	Engine    string     `json:"engine"`
	Version   string     `json:"engine_version"`
	Simulated bool       `json:"simulated"`
	Why       string     `json:"why,omitempty"`
	Model     string     `json:"model"`
	Space     string     `json:"space"`
	Raw       space.Rank `json:"raw"`
	Valid     space.Rank `json:"valid"`
	Trials    int        `json:"trials"`
	Measured  int        `json:"measured"`
	EstimateS float64    `json:"estimate_s"`
	Study     string     `json:"study"`
	Argv      []string   `json:"argv"`              // of the engine's default config
	Dropped   []string   `json:"dropped,omitempty"` // flags that the engine does not know
	GPUs      string     `json:"gpus"`              // which, and what is on them and on others
	Parallel  string     `json:"parallel"`          // how many trials at a time, and why

	Interference *study.Interference `json:"interference,omitempty"` // once it was tested
}

// print writes what the sweep is about to do.
func (w *sweepWork) print(out io.Writer, asJSON bool) error {
	trials := w.options.trials
	if n, fits := w.lattice.Count().Uint64(); fits && n < uint64(trials) {
		trials = int(n)
	}
	estimate := trialGuess(w.lock, w.source) * time.Duration(max(0, trials-w.measured))
	argv := w.lock.Launch.Argv(w.lattice.Args(w.lattice.Default()), nil, 0)
	if asJSON {
		a := app{stdout: out}
		return a.printJSON(planJSON{Engine: w.lock.Engine, Version: w.lock.EngineVersion, Simulated: w.lock.Simulated, Why: w.chosen.why,
			Model: w.lock.Launch.Model, Space: w.lock.Space, Raw: w.lock.Raw, Valid: w.lock.Valid, Trials: trials, Measured: w.measured,
			EstimateS: estimate.Seconds(), Study: w.dir, Argv: argv, Dropped: w.lattice.Dropped(), GPUs: w.gpuText(),
			Parallel: w.parallelText(), Interference: w.lock.Interference})
	}
	if w.lock.Simulated {
		fmt.Fprint(out, banner(w.chosen.why))
	}
	if w.chosen.warning != "" {
		fmt.Fprintf(out, "warning: %s\n", w.chosen.warning)
	}
	if dropped := w.lattice.Dropped(); len(dropped) > 0 {
		fmt.Fprintf(out, "warning: %s\n", droppedText(dropped))
	}
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(tw, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("Engine", "%s %s", w.lock.Engine, w.lock.EngineVersion)
	if !w.lock.Simulated {
		line("Program", "%s", w.lock.Launch.Bin)
	}
	line("Model", "%s", w.lock.Launch.Model)
	line("GPUs", "%s", w.gpuText())
	line("Load", "%s; %s; %s at each load point", w.lock.Workload, pointsText(w.lock.LoadPoints), repeatsText(w.lock))
	line("Space", "%s: %s raw configs, %s valid (%s)", w.lock.Space, group(w.lock.Raw), group(w.lock.Valid), share(w.lock.Valid, w.lock.Raw))
	how := "seed design: the engine's default first, then pairs of values spread over the lattice"
	if w.exhaustive() {
		how = "all of the lattice"
	}
	line("Trials", "%d (%s)", trials, how)
	if text := judgedText(w.lock); text != "" {
		line("Judged by", "%s", text)
	}
	if len(w.lock.From) > 0 {
		line("Builds on", "%s", fromText(w.lock.From))
	}
	if w.measured > 0 {
		line("", "%d of them are measured already", w.measured)
	}
	line("Parallel", "%s", w.parallelText())
	line("Time", "about %s (a rough guess until the first trial is measured)", round(estimate))
	line("Study", "%s", w.dir)
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printRules(out, w.lattice); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out)
	return err
}

func (w *sweepWork) parallelText() string {
	return w.options.machine.parallelText(w.lock, w.options.devices, w.lattice.Devices(w.lattice.Default()))
}

// droppedText tells of flags that the installed engine does not know.
func droppedText(flags []string) string {
	return fmt.Sprintf("the engine does not know %s: not passed, so what they set stays as the engine has it", strings.Join(flags, ", "))
}

// printRules tells what each pruning rule removes.
func printRules(out io.Writer, l *space.Lattice) error {
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  rule\tclass\tremoves of all raw configs, alone")
	silent := 0
	for _, r := range l.Rules() {
		if r.RemovesAlone.IsZero() {
			silent++
			continue
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s (%s)\n", r.ID, r.Class, group(r.RemovesAlone), share(r.RemovesAlone, l.Raw()))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if silent > 0 {
		fmt.Fprintf(out, "  (%s more: nothing to remove here)\n", report.Plural(silent, "rule"))
	}
	return nil
}

func (a *app) printRefinePlan(s *study.Study, state study.State, goal study.Goal, on machineOptions) {
	if s.Lock.Simulated {
		fmt.Fprint(a.stderr, banner(""))
	}
	seeds, asks := study.Measured(state.Trials)
	hv := math.NaN()
	if aim, err := s.Lock.Aim(); err == nil {
		hv = report.NewFront(state.Trials, state.Runs, aim).HV
	}
	fmt.Fprintf(a.stderr, "Study    %s (%s %s, space %s, %s valid configs)\nSo far   %s of the seed design, %s of refinements; hypervolume %.3f\nNext     up to %s, mode %s%s\n",
		s.Store.Dir, s.Lock.Engine, s.Lock.EngineVersion, s.Lock.Space, group(s.Lock.Valid),
		report.Plural(seeds, "config"), report.Plural(asks, "config"), hv, report.Plural(goal.Trials, "config"), goal.Mode, confirmText(goal.Confirm))
	devices, _ := s.Lock.Facts["device_num"].AsInt()
	fmt.Fprintf(a.stderr, "Parallel %s\n", on.parallelText(s.Lock, int(devices), s.Lattice.Devices(s.Lattice.Default())))
	if text := judgedText(s.Lock); text != "" {
		fmt.Fprintf(a.stderr, "Judged by %s\n", text)
	}
	if len(s.Lock.From) > 0 {
		fmt.Fprintf(a.stderr, "Builds on %s\n", fromText(s.Lock.From))
	}
	fmt.Fprintln(a.stderr)
}

func confirmText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; then up to %d launches to confirm the front", n)
}

// banner is what nobody can overlook: no number below it was measured on a GPU.
func banner(why string) string {
	bar := strings.Repeat("=", 78)
	text := bar + "\n  SIMULATED: no inference server runs here. A model of SGLang answers, and every\n  number below is made up by it. Use this to see how harness works, not to decide.\n"
	if why != "" {
		text += "  Why: " + why + "\n  To measure: --engine llamacpp|sglang|vllm --model M, or scripts/quickstart.\n"
	}
	return text + bar + "\n"
}

func (w *sweepWork) gpuText() string {
	switch {
	case w.chosen.simulated:
		return fmt.Sprintf("%d x %s, simulated", w.options.devices, w.options.simGPU)
	case w.reservation != nil:
		return reservedText(w.reservation)
	case len(w.inventory.Usable()) > 0:
		return fmt.Sprintf("none used (%d there)", len(w.inventory.Usable()))
	default:
		return "none: " + w.inventory.Reason
	}
}

// reservedText names a run's GPUs, and says what is on those and on the ones passed over.
func reservedText(r *gpu.Reservation) string {
	var indices []int
	for _, d := range r.Devices {
		indices = append(indices, d.Index)
	}
	slices.Sort(indices)
	text := fmt.Sprintf("%d x %s: %s", len(indices), r.Devices[0].Name, gpu.Ranges(indices))
	if r.Shared != "" {
		text += "; " + r.Shared + ", trials take turns"
	}
	if r.Passed != "" {
		text += "; not taken: " + r.Passed
	}
	return text
}

// group writes a count with thin groups of three digits, as in 17,410,950,000.
func group(r space.Rank) string {
	s := r.String()
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func share(part, whole space.Rank) string {
	p := 100 * part.Float64() / whole.Float64()
	if p > 0 && p < 0.01 {
		return fmt.Sprintf("%.2g %%", p)
	}
	return fmt.Sprintf("%.2f %%", p)
}

// pointsText tells the offered loads: in flight, a second, or the trace's own times.
func pointsText(points []bench.Point) string {
	var inFlight, rates, once, parts []string
	for _, p := range points {
		switch {
		case p.Stages != "":
			parts = append(parts, "in stages: "+string(p.Stages))
		case p.Once:
			once = append(once, fmt.Sprint(p.Concurrency))
		case p.RateCap > 0:
			inFlight = append(inFlight, fmt.Sprintf("%d (at most %v requests a second)", p.Concurrency, p.RateCap))
		case p.Concurrency > 0:
			inFlight = append(inFlight, fmt.Sprint(p.Concurrency))
		case p.Rate > 0:
			rates = append(rates, fmt.Sprint(p.Rate))
		default:
			parts = append(parts, "at the trace's times")
		}
	}
	if len(inFlight) > 0 {
		parts = append(parts, "in flight: "+strings.Join(inFlight, ", "))
	}
	if len(once) > 0 {
		parts = append(parts, "all at once: "+strings.Join(once, ", "))
	}
	if len(rates) > 0 {
		parts = append(parts, "requests a second: "+strings.Join(rates, ", "))
	}
	return strings.Join(parts, "; ")
}

// usualRepeats are what a rule makes of a load point, more or less.
const usualRepeats = 3

// trialGuess is a rough time of one trial before any was measured: the engine's
// usual start, and a token's time from reading the weights once: at 2 TB/s on each
// GPU, at 10 GB/s on a CPU.
func trialGuess(l study.Lock, source *load.Source) time.Duration {
	weights := 0.0
	if v, ok := l.Facts["weight_mib"].AsFloat(); ok {
		weights = v * (1 << 20)
	}
	start, token := 60.0, 0.008+weights/2e12
	switch {
	case l.Simulated:
		start, token = 0.5, 0.010
	case l.Engine == "llamacpp":
		start, token = 1, 0.005+weights/10e9
	}
	_, output := source.MeanTokens()
	const warmup = 2
	s := start + warmup*output*token
	repeats := l.Repeats
	if l.Precision > 0 {
		repeats = min(repeats, usualRepeats)
	}
	for _, r := range bench.Ladder(l.LoadPoints, source, repeats) {
		switch {
		case r.Stages != "":
			s += r.Stages.Seconds() + output*token
		case r.Concurrency > 0: // one answer after the other
			s += math.Ceil(float64(r.Requests)/float64(r.Concurrency)) * output * token
		case r.Rate > 0:
			s += float64(r.Requests)/r.Rate + output*token
		default:
			s += source.SpanSeconds() + output*token
		}
	}
	return time.Duration(s * float64(time.Second))
}
