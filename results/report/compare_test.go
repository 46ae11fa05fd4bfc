package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"harness/results"
)

// measured makes configs of n runs whose values are factor times those of a config, with
// noise of 2 %.
func measured(seed uint64, configs, n int, factor func(config int) float64) []results.Measurement {
	rng := rand.New(rand.NewPCG(seed, 1))
	var ms []results.Measurement
	for c := range configs {
		m := results.Measurement{ConfigID: fmt.Sprint("c", c), TrialID: fmt.Sprintf("t%04d", c+1), LoadPoint: "c16"}
		for k := range n {
			noise := math.Exp(0.02 * rng.NormFloat64())
			m.Runs = append(m.Runs, results.Run{TrialID: m.TrialID, ConfigID: m.ConfigID, Block: int64(k), TTFTP50S: 0.2 * noise / factor(c), OutputTPS: 1000 * float64(c+1) * noise * factor(c)})
		}
		ms = append(ms, m)
	}
	return ms
}

func objectives() []results.Metric {
	ttft, _ := results.MetricOf("ttft_p50_s")
	tps, _ := results.MetricOf("output_tps")
	return []results.Metric{ttft, tps}
}

func noParams(results.Measurement) []results.Param { return nil }

// Two studies of the same thing differ in one pair of twenty at most twice or so; one
// that is 10 % faster is seen so in every config, and over all within a percent or two.
func TestCompare(t *testing.T) {
	same := func(int) float64 { return 1 }
	faster := func(int) float64 { return 1.1 }
	a := measured(1, 20, 3, same)
	differing := 0
	for seed := range uint64(20) {
		c := Compare(a, measured(seed+2, 20, 3, same), false, objectives(), noParams)
		for _, p := range c.Pairs {
			if v := Verdict(c.Metrics[1], p.Ratio[1]); v == "better" || v == "worse" {
				differing++
			}
		}
	}
	if differing < 4 || differing > 48 { // of 400, 20 are expected; A is the same in all, so they hang together
		t.Errorf("%d of 400 pairs that are alike differ, and 20 would by chance", differing)
	}
	c := Compare(a, measured(99, 20, 3, faster), false, objectives(), noParams)
	if r := c.Overall[1]; math.Abs(r.Value-1.1) > 0.02 || r.Low > 1.1 || r.High < 1.1 || Verdict(c.Metrics[1], r) != "better" {
		t.Errorf("over all %+v", r)
	}
	if v := Verdict(c.Metrics[0], c.Overall[0]); v != "better" {
		t.Errorf("a lower TTFT is %s", v)
	}
	for _, p := range c.Pairs {
		if v := Verdict(c.Metrics[1], p.Ratio[1]); v != "better" {
			t.Errorf("%s is %s: %+v", p.ConfigID, v, p.Ratio[1])
		}
	}
}

func TestCompareText(t *testing.T) {
	same := func(int) float64 { return 1 }
	slow := func(c int) float64 { return 1 - 0.05*float64(c) }
	var b bytes.Buffer
	c := Compare(measured(1, 4, 3, same), measured(1, 3, 3, slow), true, objectives(), noParams)
	if err := c.Text(&b, nil); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.golden", b.String())
	b.Reset()
	c = Compare(measured(1, 1, 1, same), measured(2, 1, 1, same), true, objectives(), noParams)
	if v := Verdict(c.Metrics[0], c.Pairs[0].Ratio[0]); v != "too few runs to tell" {
		t.Errorf("one run of one config: %s", v)
	}
	c = Compare(measured(1, 1, 3, same), nil, true, objectives(), noParams)
	if err := c.Text(&b, nil); err != nil || !strings.Contains(b.String(), "No config was measured at the same load in both: 1 config only in A, 0 configs only in B") {
		t.Errorf("%v: %s", err, b.String())
	}
	if doc := c.JSON(nil); doc.Pairs == nil || doc.Overall == nil || doc.Differences == nil {
		t.Error("lists of JSON are never null")
	}
}
