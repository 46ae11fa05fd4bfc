package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
)

// exitSLOMissed is bench's own status.
const exitSLOMissed = 4

// apis are the values of --api.
var apis = []load.API{load.Completions, load.Chat, load.Generate, load.Completion}

func (a *app) benchCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "bench",
		Usage: "measure one workload against a server that already runs: the load generator alone",
		Description: "Exit status: 0 done, 1 failed, 2 usage, 3 requests failed or a run is invalid, 4 --slo missed, 130 interrupted " +
			"(what was measured is shown and kept).",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "the server, as in http://127.0.0.1:30000"},
			&cli.StringFlag{Name: "api", Usage: "completions, chat (OpenAI's), generate (SGLang's) or completion (llama.cpp's); by default the server is asked what it is"},
			&cli.StringFlag{Name: "model", Usage: "the model's `NAME` in requests; looked up where it is not given"},
			&cli.StringFlag{Name: "concurrency", Usage: "closed loop: keep `N` requests in flight", Value: fmt.Sprint(defaultConcurrency)},
			&cli.DurationFlag{Name: "ramp", Usage: "spread the closed loop's start over this `TIME`"},
			&cli.StringFlag{Name: "rate", Usage: "open loop: send `R` requests a second, whatever has become of those before"},
			&cli.IntFlag{Name: "requests", Usage: "`N` requests a run; by default 4 for each in flight, ten seconds of --rate, all of a trace, and at least 32"},
			&cli.DurationFlag{Name: "duration", Usage: "send for this `TIME` in each run, in place of --requests"},
			&cli.IntFlag{Name: "warmup", Usage: "`N` requests with other prompts before the first run; by default as many as are in flight"},
			&cli.IntFlag{Name: "repeats", Usage: "runs, of other prompts each; intervals are between runs", Value: 3},
			&cli.StringFlag{Name: "profile", Usage: "whose definitions: canonical, sglang or vllm", Value: string(load.Canonical)},
			&cli.StringFlag{Name: "slo", Usage: "`LIMITS` for goodput, ttft=0.5s,tpot=50ms,e2e=10s[,share=0.99]; status 4 where fewer requests keep them"},
			&cli.StringFlag{Name: "timeouts", Usage: "`LIMITS` that end a request: connect=10s,first=5m (to its first token),gap=2m (between tokens),total=30m or some of these"},
			&cli.StringFlag{Name: "conn", Usage: "pooled, or fresh: dial for each request, which the profile sglang does by itself"},
			&cli.BoolFlag{Name: "continuous-usage", Usage: "ask for token counts in each event (vLLM, SGLang): exact ITL where chunks hold several"},
			&cli.StringSliceFlag{Name: "header", Usage: "a further `\"NAME: VALUE\"` of each request, repeatable; never shown"},
			&cli.StringFlag{Name: "api-key-env", Usage: "the environment `VARIABLE` with the API key; OPENAI_API_KEY by default, where that is set"},
			&cli.StringFlag{Name: "extra-body", Usage: "a `JSON` object merged into each request; null removes a field"},
			&cli.StringFlag{Name: "out", Usage: "keep runs and requests as Parquet below this `DIR`"},
			&cli.StringFlag{Name: "from", Usage: "measure nothing: compute the metrics again from a `PATH` that --out wrote (or a study), folder or requests file"},
			&cli.StringFlag{Name: "client-gate", Usage: "what becomes of a run in which this machine was too busy to be exact: invalid or warn", Value: "invalid"},
			plainFlag, seedFlag, jsonFlag,
		}, workloadFlags),
		Action: a.bench,
	}, false)
}

// benchOptions are the values of bench's flags.
type benchOptions struct {
	url, model, out      string
	api                  load.API
	workload             load.Workload
	point                bench.Point
	openLoop             bench.OpenLoop
	ramp, duration       time.Duration
	requests, warmup     int // 0: the default; a warmup of -1: none
	repeats              int
	rules                load.Rules
	fresh, continuous    bool
	timeouts             load.Timeouts
	header               http.Header
	key                  load.Secret
	extra                map[string]any
	seed                 uint64
	json, plain, lenient bool
}

func (a *app) bench(c *cli.Context) error {
	if c.String("from") != "" {
		return a.benchFrom(c)
	}
	o, err := readBenchOptions(c)
	if err != nil {
		return err
	}
	return a.benchLive(o)
}

func readBenchOptions(c *cli.Context) (benchOptions, error) {
	o := benchOptions{url: c.String("url"), model: c.String("model"), out: c.String("out"), api: load.API(c.String("api")),
		ramp: c.Duration("ramp"), duration: c.Duration("duration"), requests: c.Int("requests"), warmup: c.Int("warmup"), repeats: c.Int("repeats"),
		continuous: c.Bool("continuous-usage"), seed: c.Uint64("seed"), json: c.Bool("json"), plain: c.Bool("plain")}
	if o.url == "" {
		return o, usagef("--url is missing: name the server, as in --url http://127.0.0.1:30000 (or --from, for what was measured before)")
	}
	if o.api != "" && !slices.Contains(apis, o.api) {
		return o, usagef("--api %q: there are completions, chat, generate and completion", o.api)
	}
	if err := errors.Join(notEmpty(c), positive(c, "repeats")); err != nil {
		return o, err
	}
	if err := o.readAmount(c); err != nil {
		return o, err
	}
	var err error
	if o.rules, err = readRules(c); err != nil {
		return o, err
	}
	if o.workload, err = readWorkload(c, load.Workload{Input: load.Fixed(defaultISL), Output: load.Fixed(defaultOSL), Seed: o.seed}); err != nil {
		return o, err
	}
	if err := o.readPoint(c); err != nil {
		return o, err
	}
	switch conn := c.String("conn"); conn {
	case "":
		o.fresh = o.rules.Profile == load.SGLang
	case "pooled", "fresh":
		o.fresh = conn == "fresh"
	default:
		return o, usagef("--conn %q: there are pooled and fresh", conn)
	}
	gate := c.String("client-gate")
	if o.lenient = gate == "warn"; !o.lenient && gate != "invalid" {
		return o, usagef("--client-gate %q: there are invalid and warn", gate)
	}
	if text := c.String("timeouts"); text != "" {
		if o.timeouts, err = load.ParseTimeouts(text); err != nil {
			return o, usagef("--%w", err)
		}
	}
	return o, o.readRequestFlags(c)
}

// notEmpty refuses a flag whose value is empty, as of a variable that is not set: it
// would be as if it were not given.
func notEmpty(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if text, ok := f.(*cli.StringFlag); ok && c.IsSet(text.Name) && strings.TrimSpace(c.String(text.Name)) == "" {
			return usagef("--%s is given, and its value is empty", text.Name)
		}
	}
	return nil
}

// readAmount checks how much is to be measured.
func (o *benchOptions) readAmount(c *cli.Context) error {
	for _, d := range []string{"ramp", "duration"} {
		if v := c.Duration(d); v < 0 || c.IsSet(d) && v == 0 {
			return usagef("--%s %v: must be more than 0", d, v)
		}
	}
	if c.IsSet("requests") && o.requests < 1 {
		return usagef("--requests %d: at least 1 is needed", o.requests)
	}
	if o.requests > 0 && o.duration > 0 {
		return usagef("--requests %d and --duration %v are both given: a run ends by the one or the other", o.requests, o.duration)
	}
	if o.warmup < 0 {
		return usagef("--warmup %d: must not be negative", o.warmup)
	}
	if c.IsSet("warmup") && o.warmup == 0 {
		o.warmup = -1
	}
	return nil
}

// readPoint reads the one load that is offered.
func (o *benchOptions) readPoint(c *cli.Context) error {
	points, err := readPoints(c, o.workload)
	if err != nil {
		return err
	}
	if len(points) > 1 {
		return usagef("bench offers one load, and these are %d: give one --concurrency, --rate or --burst; `harness sweep` measures ladders", len(points))
	}
	o.point = points[0]
	if o.ramp > 0 && (o.point.Concurrency == 0 || o.point.Once) {
		return usagef("--ramp %v: it spreads the start of a closed loop, and there is none", o.ramp)
	}
	if fixed := o.point.Once || o.point.Stages != ""; fixed && (o.duration > 0 || o.requests > 0) {
		return usagef("--requests and --duration: --burst and --stages say themselves how much is sent; leave these out")
	}
	if o.duration > 0 && o.point == (bench.Point{}) {
		return usagef("--duration %v: a trace has its own times; --requests takes only its first ones", o.duration)
	}
	if o.openLoop, err = readOpenLoop(c); err != nil {
		return err
	}
	for _, name := range []string{"arrival", "burstiness", "arrival-style"} {
		if c.IsSet(name) && o.point.Rate == 0 && o.point.Stages == "" {
			return usagef("--%s %v: it is about the gaps of --rate, and there is none", name, c.Value(name))
		}
	}
	return nil
}

// readRules reads how metrics are derived.
func readRules(c *cli.Context) (load.Rules, error) {
	r := load.Rules{Profile: load.Profile(c.String("profile"))}
	if !slices.Contains(load.Profiles, r.Profile) {
		return r, usagef("--profile %q: there are canonical, sglang and vllm", r.Profile)
	}
	if text := c.String("slo"); text != "" {
		var err error
		if r.SLO, err = load.ParseSLO(text); err != nil {
			return r, usagef("--%w", err)
		}
	}
	return r, nil
}

// readRequestFlags reads what each request carries. Values of headers are in no error.
func (o *benchOptions) readRequestFlags(c *cli.Context) error {
	o.header = http.Header{}
	for i, h := range c.StringSlice("header") {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return usagef("--header number %d: write \"NAME: VALUE\"", i+1)
		}
		o.header.Add(name, strings.TrimSpace(value))
	}
	variable := c.String("api-key-env")
	if o.key = load.Secret(os.Getenv(variable)); variable != "" && o.key == "" {
		return usagef("--api-key-env %s: that variable is not set", variable)
	}
	if variable == "" && o.header.Get("Authorization") == "" {
		o.key = load.Secret(os.Getenv("OPENAI_API_KEY"))
	}
	if text := c.String("extra-body"); text != "" {
		if err := json.Unmarshal([]byte(text), &o.extra); err != nil || o.extra == nil {
			return usagef("--extra-body %s: want a JSON object, such as {\"top_p\": 0.9}", text)
		}
	}
	return nil
}
