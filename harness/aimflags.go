package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/load"
	"harness/results"
)

// objectiveFlag and sloFlag say what a study's points are judged by.
var (
	objectiveFlag = &cli.StringFlag{Name: "objective", Usage: "what the front is over: `METRIC` or METRIC,METRIC, columns of runs such as e2e_p50, goodput (needs --slo), request_rps; one alone takes the place of ttft_p50 or of output_tps, whichever has its direction"}
	sloFlag       = &cli.StringFlag{Name: "slo", Usage: "`LIMITS` that a point must keep to count: of a run's metrics, ttft_p99=0.5s,itl_p99=50ms,output_tps=1000; of single requests, ttft=0.5s,tpot=50ms,e2e=10s,share=0.99: so many must keep them"}
)

// requestLimits are what an SLO can ask of single requests; `harness bench --slo` has
// the same.
var requestLimits = []string{"ttft", "tpot", "e2e", "share"}

// readAim reads the objectives and the limits of a study. Limits of single requests
// make a limit on the share that keeps them.
func readAim(c *cli.Context) (results.Aim, load.SLO, error) {
	var slo load.SLO
	var ofRequests, ofRuns []string
	for _, part := range splitList(c.String("slo")) {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case !slices.Contains(requestLimits, name):
			ofRuns = append(ofRuns, part)
		case name != "share" && isNumber(value):
			ofRequests = append(ofRequests, part+"s") // seconds, as for the metrics of runs
		default:
			ofRequests = append(ofRequests, part)
		}
	}
	if c.IsSet("slo") && len(ofRequests)+len(ofRuns) == 0 {
		return results.Aim{}, slo, usagef("--slo is empty: write limits such as ttft_p99=0.5s,itl_p99=50ms")
	}
	if len(ofRequests) > 0 {
		var err error
		if slo, err = load.ParseSLO(strings.Join(ofRequests, ",")); err != nil {
			return results.Aim{}, slo, usagef("--%w", err)
		}
	}
	objectives := splitList(c.String("objective"))
	if c.IsSet("objective") && len(objectives) == 0 {
		return results.Aim{}, slo, usagef("--objective is empty: write METRIC or METRIC,METRIC, such as e2e_p50")
	}
	ofRuns = append(ofRuns, shareLimit(slo, objectives)...)
	aim, err := results.ParseAim(objectives, ofRuns)
	if err != nil {
		return aim, slo, usagef("--objective, --slo: %w", err)
	}
	if !slo.Limits() && (aim.Uses("good_rps") || aim.Uses("good_share")) {
		return aim, slo, usagef("goodput counts the requests that keep limits, and there are none: add --slo ttft=0.5s,tpot=50ms, or others")
	}
	return aim, slo, nil
}

// shareLimit is the limit on the share of good requests: the one that was asked for, or
// else 0.99, unless there is goodput to be weighed instead.
func shareLimit(slo load.SLO, objectives []string) []string {
	goodput := slices.ContainsFunc(objectives, func(name string) bool {
		m, _ := results.MetricOf(name)
		return m.Name == "good_rps" || m.Name == "good_share"
	})
	switch {
	case !slo.Limits() || slo.Share == 0 && goodput:
		return nil
	case slo.Share == 0:
		slo.Share = load.DefaultShare
	}
	return []string{fmt.Sprintf("good_share=%g", slo.Share)}
}

// splitList splits a list at commas; empty parts are none.
func splitList(text string) []string {
	var list []string
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
