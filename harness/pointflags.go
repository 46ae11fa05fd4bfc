package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/bench"
	"harness/harness/load"
)

// pointFlags are those that say which loads are offered.
var pointFlags = []string{"concurrency", "rate", "burst", "stages", "rate-cap"}

// givesPoints reports whether any of them is given.
func givesPoints(c *cli.Context) bool { return slices.ContainsFunc(pointFlags, c.IsSet) }

// readPoints are the load points of the flags; with none, the trace's own times, where
// there is one, or a closed loop of the default.
func readPoints(c *cli.Context, w load.Workload) ([]bench.Point, error) {
	for _, alone := range []string{"stages", "burst"} {
		for _, other := range pointFlags {
			if c.IsSet(alone) && c.IsSet(other) && alone != other {
				return nil, usagef("--%s and --%s are both given: a run offers the one or the other", alone, other)
			}
		}
	}
	limit := c.Float64("rate-cap")
	if c.IsSet("rate-cap") && (!(limit >= 1e-3 && limit <= 1e6) || c.IsSet("rate") && !c.IsSet("concurrency")) {
		return nil, usagef("--rate-cap %v: a rate of 0.001 or more, beside --concurrency; an open loop has --rate alone", limit)
	}
	if text := c.String("stages"); text != "" {
		stages, err := bench.ParseStages(text)
		if err != nil {
			return nil, usagef("--stages: %w", err)
		}
		return []bench.Point{{Stages: stages}}, nil
	}
	var points []bench.Point
	if text := c.String("burst"); text != "" {
		ladder, err := readConcurrency("burst", text)
		for _, n := range ladder {
			points = append(points, bench.Point{Concurrency: n, Once: true})
		}
		return points, err
	}
	if c.IsSet("concurrency") || c.IsSet("rate-cap") || !c.IsSet("rate") && w.Trace == nil {
		ladder, err := readConcurrency("concurrency", c.String("concurrency"))
		if err != nil {
			return nil, err
		}
		for _, n := range ladder {
			points = append(points, bench.Point{Concurrency: n, RateCap: limit})
		}
	}
	if c.IsSet("rate") {
		rates, err := readRates(c.String("rate"))
		if err != nil {
			return nil, err
		}
		for _, r := range rates {
			points = append(points, bench.Point{Rate: r})
		}
	}
	if len(points) == 0 {
		points = []bench.Point{{}}
	}
	return points, nil
}

// readRates parses a ladder of request rates such as 0.5,2,8.
func readRates(text string) ([]float64, error) {
	var rates []float64
	for _, t := range strings.Split(text, ",") {
		r, err := strconv.ParseFloat(strings.TrimSpace(t), 64)
		if err != nil || !(r >= 1e-3 && r <= 1e6) {
			return nil, usagef("--rate %q: write requests a second from 0.001 on, such as 4 or 0.5,2,8", text)
		}
		if slices.Contains(rates, r) {
			return nil, usagef("--rate %q: %v is given twice", text, r)
		}
		rates = append(rates, r)
	}
	return rates, nil
}

// plannable refuses what a study cannot plan: its runs have the same prompts for every
// config, and so their number is decided before.
func plannable(points []bench.Point, open bench.OpenLoop) error {
	for _, p := range points {
		if p.Stages.Closed() {
			return usagef("--stages %s: a study takes stages of rates only, because how many requests stages of a concurrency send, each server decides; `harness bench` takes both", p.Stages)
		}
		if p.Stages != "" && open.Pure {
			return usagef("--stages with --arrival-style pure: how many requests come is chance, and a study plans them; leave pure out")
		}
	}
	return nil
}
