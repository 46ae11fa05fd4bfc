package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kballard/go-shellquote"
	"github.com/urfave/cli/v2"

	"harness/space"
)

// engineNames are the values of --engine.
var engineNames = []string{"auto", "sglang", "vllm", "llamacpp", "sim"}

// Flags with the same meaning in every command that has them.
var (
	studyFlag = &cli.StringFlag{Name: "study", Usage: "the study's `DIR`"}
	jsonFlag  = &cli.BoolFlag{Name: "json", Usage: "print one JSON document, and nothing else, on stdout"}
	plainFlag = &cli.BoolFlag{Name: "plain", Usage: "no live view on the terminal: lines only, as on a pipe"}
	seedFlag  = &cli.Uint64Flag{Name: "seed", Usage: "decides all that is random", Value: 1}

	engineFlag    = &cli.StringFlag{Name: "engine", Usage: "auto, sglang, vllm, llamacpp or sim", Value: "auto"}
	spaceFlag     = &cli.StringFlag{Name: "space", Usage: "a built-in `SPACE` (" + strings.Join(space.Names(), ", ") + ") or a YAML file; the engine's own by default"}
	factFlag      = &cli.StringSliceFlag{Name: "fact", Usage: "`NAME=VALUE`: set or override a fact of machine, model or workload; repeatable"}
	tuneFlag      = &cli.StringFlag{Name: "tune", Usage: "the parameters to tune, `NAME,NAME` or all; the space's default set otherwise"}
	setFlag       = &cli.StringSliceFlag{Name: "set", Usage: "`NAME=V,V`: restrict a parameter to these values; repeatable"}
	deviceNumFlag = &cli.IntFlag{Name: "device-num", Usage: "use `N` GPUs", Value: 1}
	modelFlag     = &cli.StringFlag{Name: "model", Usage: "the model, as the engine takes it: a directory, a GGUF file or a `NAME`"}
	simGPUFlag    = &cli.StringFlag{Name: "sim-gpu", Usage: "the `GPU` that the simulator models", Value: "H100"}
)

// latticeFlags select a lattice: sweep and space have them.
var latticeFlags = []cli.Flag{engineFlag, spaceFlag, factFlag, tuneFlag, setFlag, deviceNumFlag, modelFlag, simGPUFlag}

// latticeOptions are the values of latticeFlags.
type latticeOptions struct {
	engine, space, model, simGPU string
	facts                        map[string]space.Value
	tune                         []string
	set                          map[string][]space.Value
	devices                      int
}

func readLatticeOptions(c *cli.Context) (latticeOptions, error) {
	o := latticeOptions{engine: c.String("engine"), space: c.String("space"), model: c.String("model"),
		simGPU: c.String("sim-gpu"), devices: c.Int("device-num")}
	if !slices.Contains(engineNames, o.engine) {
		return o, usagef("unknown engine %q: there are %s", o.engine, strings.Join(engineNames, ", "))
	}
	if o.devices < 1 {
		return o, usagef("--device-num %d: at least 1 is needed", o.devices)
	}
	if t := c.String("tune"); t != "" {
		o.tune = strings.Split(t, ",")
	}
	o.facts = map[string]space.Value{}
	for _, f := range c.StringSlice("fact") {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" || value == "" {
			return o, usagef("--fact %q: write NAME=VALUE", f)
		}
		o.facts[name] = space.ParseValue(value)
	}
	var err error
	o.set, err = readSets(c.StringSlice("set"))
	return o, err
}

func readSets(texts []string) (map[string][]space.Value, error) {
	set := map[string][]space.Value{}
	for _, s := range texts {
		name, values, ok := strings.Cut(s, "=")
		if !ok || name == "" || values == "" {
			return nil, usagef("--set %q: write NAME=VALUE,VALUE", s)
		}
		if set[name] != nil {
			return nil, usagef("--set %s is given twice: write all its values in one, NAME=VALUE,VALUE", name)
		}
		for _, v := range strings.Split(values, ",") {
			set[name] = append(set[name], space.ParseValue(v))
		}
	}
	return set, nil
}

// readConcurrency parses a ladder such as 1,8,32 of a flag.
func readConcurrency(flag, text string) ([]int, error) {
	var ladder []int
	for _, t := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(t))
		if err != nil || n < 1 || n > 100_000 {
			return nil, usagef("--%s %q: write whole numbers from 1 on, such as 16 or 1,8,32", flag, text)
		}
		if slices.Contains(ladder, n) {
			return nil, usagef("--%s %q: %d is given twice", flag, text, n)
		}
		ladder = append(ladder, n)
	}
	return ladder, nil
}

// readLaunch splits a --launch template into arguments. No shell reads it.
func readLaunch(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	argv, err := shellquote.Split(text)
	if err != nil {
		return nil, usagef("--launch: %v", err)
	}
	if !slices.Contains(argv, "{argv}") {
		return nil, usagef("--launch %q: it needs {argv} as a word of its own, where the server's command goes", text)
	}
	return argv, nil
}

func positive(c *cli.Context, names ...string) error {
	for _, n := range names {
		if v := c.Int(n); v < 1 {
			return usagef("--%s %d: at least 1 is needed", n, v)
		}
	}
	return nil
}
