package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"harness/harness/study"
	"harness/results/report"
)

// protocolFlags say how a study measures: how often, against what drift, and when a run
// does not count.
var protocolFlags = []cli.Flag{
	&cli.StringFlag{Name: "repeats", Usage: "runs at each load point: a `NUMBER`, or auto: until --precision is reached or the front decides", Value: autoRepeats},
	&cli.StringFlag{Name: "precision", Usage: "half-width of the objectives' 95 % intervals that is enough for --repeats auto: 5% or 0.05", Value: "5%"},
	&cli.IntFlag{Name: "max-repeats", Usage: "most runs at a load point for --repeats auto", Value: 10},
	&cli.IntFlag{Name: "sentinel-every", Usage: "launch the default again after every `N` configs, to see drift and how launches differ; 0: never", Value: 12},
	&cli.DurationFlag{Name: "cool-down", Usage: "leave the machine alone for this `TIME` between two runs"},
	&cli.StringFlag{Name: "client-gate", Usage: "a run in which this machine was too busy to be exact is invalid, or gives a warn; auto: invalid, unless the server runs on the same CPUs", Value: "auto"},
}

const autoRepeats = "auto"

// protocol is what protocolFlags say.
type protocol struct {
	repeats       int     // the most
	precision     float64 // 0: all repeats are made
	sentinelEvery int
	coolDown      time.Duration
	clientGate    string // auto | invalid | warn
}

func readProtocol(c *cli.Context) (protocol, error) {
	o := protocol{sentinelEvery: c.Int("sentinel-every"), coolDown: c.Duration("cool-down"), clientGate: c.String("client-gate")}
	switch {
	case o.sentinelEvery < 0:
		return o, usagef("--sentinel-every %d: a number of configs, or 0 for never", o.sentinelEvery)
	case o.coolDown < 0:
		return o, usagef("--cool-down %v: must not be negative", o.coolDown)
	case o.clientGate != "auto" && o.clientGate != "invalid" && o.clientGate != "warn":
		return o, usagef("--client-gate %q: there are auto, invalid and warn", o.clientGate)
	}
	text := c.String("repeats")
	if text != autoRepeats {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return o, usagef("--repeats %s: a number from 1 on, or auto", text)
		}
		for _, name := range []string{"precision", "max-repeats"} {
			if c.IsSet(name) {
				return o, usagef("--%s is for --repeats auto, and --repeats is %d: leave one out", name, n)
			}
		}
		o.repeats = n
		return o, nil
	}
	var err error
	if o.precision, err = readShare(c.String("precision")); err != nil {
		return o, usagef("--precision %s: write 5%% or 0.05", c.String("precision"))
	}
	if o.repeats = c.Int("max-repeats"); o.repeats < 2 {
		return o, usagef("--max-repeats %d: two runs at least show how far runs differ", o.repeats)
	}
	return o, nil
}

// readShare reads 5% or 0.05: above 0, and below 1.
func readShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, fmt.Errorf("%q is no share", text)
	}
	return v, nil
}

// set writes the protocol into a lock whose launch is known.
func (o protocol) set(l *study.Lock) {
	l.Repeats, l.Precision, l.SentinelEvery, l.CoolDownSeconds = o.repeats, o.precision, o.sentinelEvery, o.coolDown.Seconds()
	l.StrictClient = o.clientGate == "invalid" || o.clientGate == "auto" && l.Launch.Server.NeedsGPU
}

// repeatsText tells how many runs there will be at each load point.
func repeatsText(l study.Lock) string {
	if l.Precision == 0 {
		return report.Plural(l.Repeats, "run")
	}
	return fmt.Sprintf("2 to %d runs, until the objectives are known to %s", l.Repeats, relative(l.Precision))
}

// relative writes a share, such as 0.8 % or 120 %.
func relative(share float64) string {
	if share >= 0.095 {
		return fmt.Sprintf("%.0f %%", 100*share)
	}
	return fmt.Sprintf("%.2g %%", 100*share)
}
