package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/space"
)

func (a *app) spaceCommand() *cli.Command {
	leaf := func(name, usage string, action func(*cli.Context, *space.Lattice, time.Duration) error, takesArgs bool, flags ...cli.Flag) *cli.Command {
		return command(&cli.Command{Name: name, Usage: usage, Flags: append(append([]cli.Flag{engineHelpFlag}, latticeFlags...), flags...),
			Action: func(c *cli.Context) error {
				l, took, err := a.compileLattice(c)
				if err != nil {
					return err
				}
				return action(c, l, took)
			}}, takesArgs)
	}
	return &cli.Command{
		Name:         "space",
		Usage:        "look at the lattice; nothing is measured",
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("unknown command \"space %s\": there are count, show, explain, check, sample, diff and learn", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			leaf("count", "how many configs there are, raw and valid, and what each rule removes", a.spaceCount, false, jsonFlag),
			leaf("show", "parameters, values and rules: what is left of each value, what each rule removes", a.spaceShow, false, jsonFlag),
			leaf("explain", "NAME=VALUE ...: why a config is valid or not, and what would mend it", a.spaceExplain, true, jsonFlag),
			leaf("check", "configs as JSON lines on stdin, a verdict for each on stdout", a.spaceCheck, false,
				&cli.BoolFlag{Name: "repair", Usage: "tell the smallest repair of each config that is not valid (slower)"}),
			leaf("sample", "uniform valid configs, as JSON lines", a.spaceSample, false,
				&cli.IntFlag{Name: "n", Usage: "how many", Value: 10}, seedFlag),
			a.spaceDiffCommand(),
			a.spaceLearnCommand(),
		},
	}
}

// compileLattice compiles the lattice that the flags select, and says how long that
// took. No server is needed to look at a space, and no GPU: where no engine is named,
// the GPU and the model that the simulator models stand in, and a note says so.
func (a *app) compileLattice(c *cli.Context) (*space.Lattice, time.Duration, error) {
	o, err := readLatticeOptions(c)
	if err != nil {
		return nil, 0, err
	}
	if o.space == "" {
		o.space = map[bool]string{true: defaultSpace["sim"], false: defaultSpace[o.engine]}[o.engine == "auto"]
	}
	return a.compileOptions(o, c.String("engine-help"))
}

// engineHelpFlag narrows a space to what one release of the engine has.
var engineHelpFlag = &cli.StringFlag{Name: "engine-help", Usage: "a `FILE` with what the engine's --help prints: what it does not know stays at its default"}

// compileOptions compiles what the options say, for an engine whose --help is in the
// file, if one is named.
func (a *app) compileOptions(o latticeOptions, help string) (*space.Lattice, time.Duration, error) {
	spec, err := space.Load(o.space)
	if err != nil {
		return nil, 0, &exitError{exitUsage, err}
	}
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return nil, 0, err
	}
	modelled := (o.engine == "auto" || o.engine == "sim") && spec.Server.NeedsGPU
	switch {
	case o.model != "":
	case modelled:
		o.model = defaultSimModel
	case spec.Engine == "llamacpp":
		o.model = quickstartModel()
	}
	facts, err := gatherFacts(o, modelled, o.model, firstUsable(inventory, o.devices), defaultISL+defaultOSL, defaultConcurrency)
	if err != nil {
		return nil, 0, err
	}
	var flags map[string]bool
	if help != "" {
		text, err := os.ReadFile(help)
		if err != nil {
			return nil, 0, err
		}
		if flags = space.HelpFlags(string(text)); len(flags) == 0 {
			return nil, 0, fmt.Errorf("%s: no flags found: want what the engine's --help prints", help)
		}
	}
	began := time.Now()
	l, err := compileSpec(spec, o, facts, flags)
	took := time.Since(began)
	if err != nil {
		return nil, 0, err
	}
	if modelled && len(l.Facts()) > 1 { // more than device_num
		fmt.Fprintf(a.stderr, "facts of a modelled %s and of %s; --engine, --model and --fact give others\n", o.simGPU, o.model)
	}
	if len(l.Dropped()) > 0 {
		fmt.Fprintln(a.stderr, droppedText(l.Dropped()))
	}
	return l, took, nil
}

// countJSON is the shape of `harness space count --json`.
type countJSON struct {
	Space    string           `json:"space"`
	Facts    map[string]any   `json:"facts"`
	Raw      space.Rank       `json:"raw"`
	Valid    space.Rank       `json:"valid"`
	Nodes    int              `json:"nodes"`
	CompileS float64          `json:"compile_s"`
	Rules    []map[string]any `json:"rules"`
}

func (a *app) spaceCount(c *cli.Context, l *space.Lattice, took time.Duration) error {
	if !c.Bool("json") {
		fmt.Fprintf(a.stdout, "Space %s: %s raw configs, %s valid (%s); a diagram of %d nodes, compiled in %s\n\n",
			l.Spec().Name, group(l.Raw()), group(l.Count()), share(l.Count(), l.Raw()), l.Nodes(), took.Round(time.Microsecond))
		return printRules(a.stdout, l)
	}
	doc := countJSON{Space: l.Spec().Name, Facts: map[string]any{}, Raw: l.Raw(), Valid: l.Count(), Nodes: l.Nodes(), CompileS: took.Seconds(), Rules: []map[string]any{}}
	for name, v := range l.Facts() {
		doc.Facts[name] = v
	}
	for _, r := range l.Rules() {
		doc.Rules = append(doc.Rules, map[string]any{"id": r.ID, "class": r.Class, "removes_alone": r.RemovesAlone})
	}
	return a.printJSON(doc)
}

func (a *app) spaceExplain(c *cli.Context, l *space.Lattice, _ time.Duration) error {
	cfg := space.Config{}
	for _, arg := range c.Args().Slice() {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usagef("%q: write NAME=VALUE; flags go before", arg)
		}
		cfg[name] = space.ParseValue(value)
	}
	e := l.Explain(cfg)
	if c.Bool("json") {
		return a.printJSON(e)
	}
	printExplanation(a.stdout, l, cfg, e)
	return nil
}

// printExplanation says whether a config is valid, why not and what would mend it,
// what is changed or of no effect, and with what the server would run.
func printExplanation(out io.Writer, l *space.Lattice, cfg space.Config, e space.Explanation) {
	switch {
	case !e.OK:
		fmt.Fprintln(out, "not valid:")
	case e.Rank != nil:
		fmt.Fprintf(out, "valid, rank %s of %s\n", e.Rank, l.Count())
	default:
		fmt.Fprintln(out, "valid, but not in the lattice: it sets what is not tuned (--tune)")
	}
	refuses := func(class string) bool { return class == space.Hard || class == space.Memory || class == space.Domain }
	for _, refusing := range []bool{true, false} {
		for i, r := range e.Reasons {
			if refuses(r.Class) != refusing {
				continue
			}
			fmt.Fprintf(out, "  %s (%s): %s\n", r.Rule, r.Class, r.Message)
			for _, rule := range l.Spec().Rules {
				if refusing && rule.ID == e.Reasons[i].Rule && rule.Evidence != "" {
					fmt.Fprintf(out, "    evidence: %s\n", rule.Evidence)
				}
			}
		}
		if refusing && len(e.Repair) > 0 {
			fmt.Fprintf(out, "smallest repair: %s\n", e.Repair)
		}
	}
	var filled []string
	for _, name := range slices.Sorted(maps.Keys(e.Canonical)) {
		if given, ok := cfg[name]; !ok && !l.IsDefault(name, e.Canonical[name]) || ok && given != e.Canonical[name] {
			filled = append(filled, fmt.Sprintf("%s=%s", name, e.Canonical[name]))
		}
	}
	if len(filled) > 0 {
		fmt.Fprintf(out, "the server takes by itself: %s\n", strings.Join(filled, " "))
	}
}

func (a *app) spaceSample(c *cli.Context, l *space.Lattice, _ time.Duration) error {
	if err := positive(c, "n"); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(c.Uint64("seed"), 0))
	enc := json.NewEncoder(a.stdout)
	for range c.Int("n") {
		r := l.Sample(rng)
		if err := enc.Encode(map[string]any{"rank": r, "config": l.Config(l.Unrank(r, nil))}); err != nil {
			return err
		}
	}
	return nil
}
