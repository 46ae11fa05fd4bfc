package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/space"
)

func (a *app) spaceCommand() *cli.Command {
	leaf := func(name, usage string, action func(*cli.Context, *space.Lattice, time.Duration) error, takesArgs bool, flags ...cli.Flag) *cli.Command {
		return command(&cli.Command{Name: name, Usage: usage, Flags: append(append([]cli.Flag{}, latticeFlags...), flags...),
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
				return usagef("unknown command \"space %s\": there are count, show, explain, check and sample", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			leaf("count", "how many configs there are, raw and valid, and what each rule removes", a.spaceCount, false, jsonFlag),
			leaf("show", "parameters, values and rules", a.spaceShow, false),
			leaf("explain", "NAME=VALUE ...: why a config is valid or not", a.spaceExplain, true, jsonFlag),
			leaf("check", "configs as JSON lines on stdin, a verdict for each on stdout", a.spaceCheck, false),
			leaf("sample", "uniform valid configs, as JSON lines", a.spaceSample, false,
				&cli.IntFlag{Name: "n", Usage: "how many", Value: 10}, seedFlag),
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
	name := o.space
	if name == "" {
		name = map[bool]string{true: defaultSpace["sim"], false: defaultSpace[o.engine]}[o.engine == "auto"]
	}
	spec, err := space.Load(name)
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
	facts, err := gatherFacts(o, modelled, o.model, inventory, defaultISL+defaultOSL, defaultConcurrency)
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	l, err := compileSpec(spec, o, facts)
	took := time.Since(began)
	if modelled && err == nil && len(l.Facts()) > 1 { // more than device_num
		fmt.Fprintf(a.stderr, "facts of a modelled %s and of %s; --engine, --model and --fact give others\n", o.simGPU, o.model)
	}
	return l, took, err
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

func (a *app) spaceShow(_ *cli.Context, l *space.Lattice, _ time.Duration) error {
	fmt.Fprintf(a.stdout, "Space %s for %s: %s raw configs, %s valid (%s)\n\n", l.Spec().Name, l.Spec().Engine, group(l.Raw()), group(l.Count()), share(l.Count(), l.Raw()))
	tw := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "parameter\tflag\tvalues (none: flag omitted)\tdefault")
	fixed := 0
	for _, p := range l.Params() {
		if len(p.Values) == 1 {
			fixed++
			continue
		}
		var values []string
		for _, v := range p.Values {
			values = append(values, v.String())
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", p.Name, p.Flag, strings.Join(values, " "), p.Default)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if fixed > 0 {
		fmt.Fprintf(a.stdout, "and %s fixed at one value (--tune all tunes them)\n", plural(fixed, "parameter"))
	}
	fmt.Fprintln(a.stdout)
	return printRules(a.stdout, l)
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
	v := l.Check(cfg)
	if c.Bool("json") {
		return a.printJSON(v)
	}
	if v.OK {
		fmt.Fprintln(a.stdout, "valid")
		if v.Rank != nil {
			fmt.Fprintf(a.stdout, "rank %s of %s\n", *v.Rank, l.Count())
		}
		return nil
	}
	fmt.Fprintln(a.stdout, "not valid:")
	for _, r := range v.Reasons {
		fmt.Fprintf(a.stdout, "  %s (%s): %s\n", r.Rule, r.Class, r.Message)
	}
	return nil
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
