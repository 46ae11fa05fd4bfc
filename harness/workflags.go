package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
	"harness/harness/study"
)

// Lengths of a workload where nothing says them.
const (
	defaultISL = 512
	defaultOSL = 64
)

// workloadFlags say what is asked of a server: bench, sweep and refine have them.
var workloadFlags = []cli.Flag{
	&cli.StringFlag{Name: "workload", Usage: "a workload `FILE` in YAML or JSON, the shape that study.json shows; the flags below change what it says"},
	&cli.StringFlag{Name: "isl", Usage: "prompt `TOKENS`: 512, uniform:256-1024, normal:512,64, lognormal:512,0.8 or empirical:FILE", Value: strconv.Itoa(defaultISL)},
	&cli.StringFlag{Name: "osl", Usage: "output `TOKENS`, as --isl", Value: strconv.Itoa(defaultOSL)},
	&cli.Float64Flag{Name: "range-ratio", Usage: "spread --isl and --osl by `R` as another benchmark does; needs --range-ratio-style"},
	&cli.StringFlag{Name: "range-ratio-style", Usage: "`STYLE` of --range-ratio: sglang (from R*n to n) or vllm (from (1-R)*n to (1+R)*n)"},
	&cli.StringFlag{Name: "prefix", Usage: "shared prefixes, `GROUPSxPROMPTSxTOKENS`: 8x16x2048 is 8 groups of 16 prompts that begin with the same 2048 tokens"},
	&cli.IntFlag{Name: "turns", Usage: "conversations of `N` turns; --isl is what each turn adds"},
	&cli.DurationFlag{Name: "think", Usage: "`TIME` between an answer and the next turn"},
	&cli.StringFlag{Name: "trace", Usage: "replay a `FILE`: Mooncake's JSON lines, or t_s,input_tokens,output_tokens[,prompt] as CSV or JSON lines"},
	&cli.Float64Flag{Name: "trace-speed", Usage: "replay the trace so many `TIMES` as fast", Value: 1},
	&cli.StringFlag{Name: "sharegpt", Usage: "first questions of a ShareGPT-style JSON `FILE`; its answers' lengths, or --osl"},
	&cli.StringFlag{Name: "vocab", Usage: "draw token ids from `LOW-HIGH`, the second not included"},
	&cli.StringFlag{Name: "burst", Usage: "send `N` requests all at once, and no more: one number, or a ladder such as 16,64"},
	&cli.StringFlag{Name: "stages", Usage: "a staircase of loads, `LOAD:TIME,...`: c8:30s,c16:30s,r2.5:1m keeps 8 in flight, then 16, then sends 2.5 a second"},
	&cli.Float64Flag{Name: "rate-cap", Usage: "the closed loop of --concurrency sends no more than `R` requests a second"},
	&cli.StringFlag{Name: "arrival", Usage: "`HOW` the gaps of --rate are drawn: poisson, constant or gamma", Value: string(load.Poisson)},
	&cli.Float64Flag{Name: "burstiness", Usage: "`SHAPE` of gamma gaps: 1 is poisson, less comes in bursts", Value: 1},
	&cli.StringFlag{Name: "arrival-style", Usage: "`STYLE`: rescaled (the last request is due at N/rate exactly) or pure (as drawn)", Value: "rescaled"},
}

// readWorkload changes a workload by the flags that are given. The paths of its
// files become absolute, so that it means the same from any folder.
func readWorkload(c *cli.Context, w load.Workload) (load.Workload, error) {
	if path := c.String("workload"); path != "" {
		var err error
		if w, err = readWorkloadFile(path, w); err != nil {
			return w, err
		}
	}
	if err := readFileFlags(c, &w); err != nil {
		return w, err
	}
	if err := readLengthFlags(c, &w); err != nil {
		return w, err
	}
	if text := c.String("prefix"); text != "" {
		var p load.Prefix
		if n, err := fmt.Sscanf(text, "%dx%dx%d", &p.Groups, &p.PerGroup, &p.Tokens); n != 3 || err != nil || text != fmt.Sprintf("%dx%dx%d", p.Groups, p.PerGroup, p.Tokens) {
			return w, usagef("--prefix %q: write GROUPSxPROMPTSxTOKENS, such as 8x16x2048", text)
		}
		w.Prefix = &p
	}
	if c.IsSet("turns") {
		w.Turns = &load.Turns{Count: c.Int("turns")}
	}
	if c.IsSet("think") {
		if w.Turns == nil {
			return w, usagef("--think %v: only conversations pause; give --turns too", c.Duration("think"))
		}
		w.Turns.ThinkSeconds = c.Duration("think").Seconds()
	}
	if text := c.String("vocab"); text != "" {
		low, high, ok := strings.Cut(text, "-")
		var err, err2 error
		w.VocabLow, err = strconv.Atoi(low)
		w.VocabHigh, err2 = strconv.Atoi(high)
		if !ok || errors.Join(err, err2) != nil {
			return w, usagef("--vocab %q: write LOW-HIGH, such as 1000-31000", text)
		}
	}
	if err := w.Validate(); err != nil {
		return w, &exitError{exitUsage, err}
	}
	return absolute(w)
}

// readWorkloadFile reads a workload; what the file leaves out is as in base, save
// the kind of prompts.
func readWorkloadFile(path string, base load.Workload) (load.Workload, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return base, &exitError{exitUsage, fmt.Errorf("--workload: %w", err)}
	}
	w := load.Workload{Seed: base.Seed, VocabLow: base.VocabLow, VocabHigh: base.VocabHigh, Text: base.Text}
	if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
		return base, usagef("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if w.Trace == nil && w.ShareGPT == nil {
		if w.Input == "" {
			w.Input = load.Fixed(defaultISL)
		}
		if w.Output == "" {
			w.Output = load.Fixed(defaultOSL)
		}
	}
	return w, nil
}

func readFileFlags(c *cli.Context, w *load.Workload) error {
	if path := c.String("trace"); path != "" {
		w.Trace, w.ShareGPT, w.Prefix, w.Turns = &load.TraceFile{Path: path}, nil, nil, nil
		w.Input, w.Output = "", ""
	}
	if c.IsSet("trace-speed") {
		if w.Trace == nil || !(c.Float64("trace-speed") > 0) {
			return usagef("--trace-speed %v: a positive number, beside --trace", c.Float64("trace-speed"))
		}
		trace := *w.Trace
		trace.Speed = c.Float64("trace-speed")
		w.Trace = &trace
	}
	if path := c.String("sharegpt"); path != "" {
		if c.String("trace") != "" {
			return usagef("--trace and --sharegpt are both given: leave one out")
		}
		w.ShareGPT, w.Trace, w.Prefix, w.Turns = &load.ShareGPTFile{Path: path}, nil, nil, nil
		w.Input, w.Output = "", ""
	}
	return nil
}

func readLengthFlags(c *cli.Context, w *load.Workload) error {
	ratio, style := c.Float64("range-ratio"), c.String("range-ratio-style")
	if c.IsSet("range-ratio") != (style != "") {
		return usagef("--range-ratio and --range-ratio-style go together: sglang draws from R*n to n, vllm from (1-R)*n to (1+R)*n, and neither is the default")
	}
	for _, l := range []struct {
		flag string
		into *load.Lengths
	}{{"isl", &w.Input}, {"osl", &w.Output}} {
		if c.IsSet(l.flag) {
			*l.into = load.Lengths(c.String(l.flag))
			if err := l.into.Validate(); err != nil {
				return usagef("--%s %s: %w", l.flag, c.String(l.flag), err)
			}
		}
		if style == "" || *l.into == "" {
			continue
		}
		n, err := strconv.Atoi(string(*l.into))
		if err != nil {
			return usagef("--range-ratio spreads a single number, and --%s is %s", l.flag, *l.into)
		}
		if *l.into, err = load.RangeRatio(style, n, ratio); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	return nil
}

// absolute makes the paths of a workload's files absolute.
func absolute(w load.Workload) (load.Workload, error) {
	var err error
	abs := func(path string) string {
		full, e := filepath.Abs(path)
		err = errors.Join(err, e)
		return full
	}
	for _, l := range []*load.Lengths{&w.Input, &w.Output} {
		if path, ok := strings.CutPrefix(string(*l), "empirical:"); ok {
			*l = load.Lengths("empirical:" + abs(path))
		}
	}
	if w.Trace != nil {
		t := *w.Trace
		t.Path = abs(t.Path)
		w.Trace = &t
	}
	if w.ShareGPT != nil {
		s := *w.ShareGPT
		s.Path = abs(s.Path)
		w.ShareGPT = &s
	}
	return w, err
}

// openWorkload reads the files of a workload; what is wrong with them is the user's
// to mend.
func openWorkload(w load.Workload) (*load.Source, error) {
	source, err := w.Open()
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return source, nil
}

// readOpenLoop reads how gaps are drawn.
func readOpenLoop(c *cli.Context) (bench.OpenLoop, error) {
	o := bench.OpenLoop{Arrival: load.Arrival(c.String("arrival")), Pure: c.String("arrival-style") == "pure"}
	if !slices.Contains([]load.Arrival{load.Poisson, load.Constant, load.Gamma}, o.Arrival) {
		return o, usagef("--arrival %q: there are poisson, constant and gamma", o.Arrival)
	}
	if style := c.String("arrival-style"); style != "rescaled" && style != "pure" {
		return o, usagef("--arrival-style %q: there are rescaled and pure", style)
	}
	b := c.Float64("burstiness")
	if c.IsSet("burstiness") && o.Arrival != load.Gamma {
		return o, usagef("--burstiness %v: only gamma gaps have a shape; give --arrival gamma", b)
	}
	if !(b > 0) || b > 1e6 {
		return o, usagef("--burstiness %v: must be positive", b)
	}
	if o.Arrival == load.Gamma {
		o.Burstiness = b
	}
	return o, nil
}

// sameWorkload refuses flags that ask for another workload or other load points than
// a study was begun with: it cannot change them.
func sameWorkload(c *cli.Context, lock study.Lock) error {
	w, err := readWorkload(c, lock.Workload)
	if err != nil {
		return err
	}
	source, err := openWorkload(w)
	if err != nil {
		return err
	}
	diffs := workloadDifferences(lock.Workload, source.Workload())
	if givesPoints(c) {
		points, err := readPoints(c, w)
		if err != nil {
			return err
		}
		if was, now := pointsText(lock.LoadPoints), pointsText(points); was != now {
			diffs = append(diffs, fmt.Sprintf("load: %s, now %s", was, now))
		}
	}
	if c.IsSet("arrival") || c.IsSet("burstiness") || c.IsSet("arrival-style") {
		open, err := readOpenLoop(c)
		if err != nil {
			return err
		}
		if open != lock.OpenLoop {
			diffs = append(diffs, fmt.Sprintf("arrivals: %+v, now %+v", lock.OpenLoop, open))
		}
	}
	if len(diffs) > 0 {
		return usagef("study %s was begun with another workload, and goes on with its own:\n  %s\nleave these flags out, or begin another study with `harness sweep`", lock.ID, strings.Join(diffs, "\n  "))
	}
	return nil
}

// workloadDifferences names the parts in which two workloads differ, both as JSON.
func workloadDifferences(a, b load.Workload) []string {
	var diffs []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		old, _ := json.Marshal(x.Field(i).Interface())
		now, _ := json.Marshal(y.Field(i).Interface())
		if string(old) != string(now) {
			name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			diffs = append(diffs, fmt.Sprintf("workload %s: %s, now %s", name, old, now))
		}
	}
	return diffs
}
