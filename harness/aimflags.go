package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"harness/harness/load"
	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

// objectiveFlag and sloFlag say what a study's points are judged by.
var (
	objectiveFlag = &cli.StringFlag{Name: "objective", Usage: "what the front is over: `METRIC` or METRIC,METRIC, columns of runs such as e2e_p50, goodput (needs --slo), request_rps; one alone takes the place of ttft_p50 or of output_tps, whichever has its direction"}
	sloFlag       = &cli.StringFlag{Name: "slo", Usage: "`LIMITS` that a point must keep to count: of a run's metrics, ttft_p99=0.5s,itl_p99=50ms,output_tps=1000; of single requests, ttft=0.5s,tpot=50ms,e2e=10s,share=0.99: so many must keep them; none"}
)

// requestLimits are what an SLO can ask of single requests; `harness bench --slo` has
// the same.
var requestLimits = []string{"ttft", "tpot", "e2e", "share"}

// judged is what points are judged by, as a lock has it.
type judged struct {
	objectives, limits []string
	slo                load.SLO
}

// readAim reads the objectives and the limits of a study; flags that are not given
// leave them as they are. Limits of single requests make a limit on the share that
// keeps them.
func readAim(c *cli.Context, now judged) (judged, error) {
	if c.IsSet("objective") {
		if now.objectives = splitList(c.String("objective")); len(now.objectives) == 0 {
			return now, usagef("--objective is empty: write METRIC or METRIC,METRIC, such as e2e_p50")
		}
	}
	if c.IsSet("slo") {
		limits, slo, err := readSLO(c.String("slo"), now.objectives)
		if err != nil {
			return now, err
		}
		if now.limits = limits; slo.Limits() { // else requests are counted as before
			now.slo = slo
		}
	}
	aim, err := results.ParseAim(now.objectives, now.limits)
	if err != nil {
		return now, usagef("--objective, --slo: %w", err)
	}
	if !now.slo.Limits() && (aim.Uses("good_rps") || aim.Uses("good_share")) {
		return now, usagef("goodput counts the requests that keep limits, and there are none: add --slo ttft=0.5s,tpot=50ms, or others")
	}
	return judged{aim.Names(), aim.LimitTexts(), now.slo}, nil
}

// readSLO takes limits of runs and of single requests apart; none is none of both.
func readSLO(text string, objectives []string) (ofRuns []string, slo load.SLO, err error) {
	if text == "none" {
		return nil, slo, nil
	}
	var ofRequests []string
	for _, part := range splitList(text) {
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
	if len(ofRequests)+len(ofRuns) == 0 {
		return nil, slo, usagef("--slo is empty: write limits such as ttft_p99=0.5s,itl_p99=50ms, or none")
	}
	if len(ofRequests) > 0 {
		if slo, err = load.ParseSLO(strings.Join(ofRequests, ",")); err != nil {
			return nil, slo, usagef("--%w", err)
		}
	}
	return append(ofRuns, shareLimit(slo, objectives)...), slo, nil
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

// judgedText tells the objectives and limits of a study where they are not the usual.
func judgedText(l study.Lock) string {
	aim, err := l.Aim()
	usual, _ := results.ParseAim(nil, nil)
	if err != nil || slices.Equal(aim.Names(), usual.Names()) && len(aim.Limits) == 0 {
		return ""
	}
	text := report.AimText(aim)
	if l.SLO.Limits() {
		text += fmt.Sprintf("; a request is good that keeps %s", l.SLO)
	}
	return text
}
