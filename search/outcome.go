package search

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"harness/search/pareto"
)

// Point is what one load point of a configuration measured. Its two objectives
// are named for the usual ones; another positive pair does as well, such as the
// 99th percentile of TTFT and the goodput.
type Point struct {
	TTFT float64 // time to first token in seconds, above 0; less is better
	TPS  float64 // output tokens per second, above 0; more is better

	// Standard errors of ln TTFT and ln TPS, so nearly the relative errors; 0 = unknown.
	TTFTSE, TPSSE float64

	// Runs is from how many runs these errors were estimated; 0 = they are exact. Those
	// of few runs are drawn towards what is usual (see moderate).
	Runs int

	// Bound says that the configuration is no better than this, and may be worse: its
	// measurement was cut short. It counts as one that works and teaches the models, but
	// it is on no front.
	Bound bool

	Load // the offered load; the zero Load where there is only one

	// Metrics are what Options.Limits speak of, by name; finite. Others are ignored.
	Metrics map[string]float64
}

// Load is an offered load: a number of requests in flight, or a rate at which they
// come. 0 is what does not apply.
type Load struct {
	Concurrency int     // requests in flight
	RatePerSec  float64 // requests per second
}

func (l Load) compare(o Load) int {
	return cmp.Or(cmp.Compare(l.Concurrency, o.Concurrency), cmp.Compare(l.RatePerSec, o.RatePerSec))
}

func (l Load) String() string {
	if l.RatePerSec > 0 {
		return fmt.Sprintf("%g requests/s", l.RatePerSec)
	}
	return fmt.Sprintf("concurrency %d", l.Concurrency)
}

// Outcome is what came of one launch of a configuration: its points, one for each
// load point, or a failure.
type Outcome struct {
	Points []Point

	// Failure is the class of the failure; "" means that the configuration works. A
	// failed one counts as such, whatever points it still measured. Those that are
	// not the configuration's fault (port, client_overload, gpu_fault, killed,
	// cancelled, harness_error) teach the search nothing.
	Failure string

	CostSeconds float64 // time that the trial took, launch included; 0 = unknown
}

// transient are the classes of failures that say nothing of the configuration.
var transient = map[string]bool{
	"port": true, "client_overload": true, "gpu_fault": true, "killed": true, "cancelled": true, "harness_error": true,
}

// Transient reports whether a class of failures says nothing of the configuration: the
// search learns nothing from it, and another launch may go well.
func Transient(class string) bool { return transient[class] }

// costGoals are the directions of costs.
var costGoals = pareto.Goals{pareto.Minimise, pareto.Minimise}

// costs has the objectives as logarithms, both so that less is better: the search
// compares ratios, so that twice as fast weighs the same at any speed.
func (p Point) costs() pareto.Point {
	return pareto.Point{math.Log(p.TTFT), -math.Log(p.TPS)}
}

// errors are the standard errors of the costs; 0 = unknown.
func (p Point) errors() [2]float64 { return [2]float64{p.TTFTSE, p.TPSSE} }

func (o Outcome) ok() bool { return o.Failure == "" }

func (o Outcome) clone() Outcome {
	o.Points = slices.Clone(o.Points)
	for i, p := range o.Points {
		o.Points[i].Metrics = maps.Clone(p.Metrics)
	}
	return o
}

// validate reports what is wrong with an outcome. Points of a failed one are
// not looked at.
func (o Outcome) validate(limits []Limit) error {
	if !finite(o.CostSeconds) || o.CostSeconds < 0 {
		return fmt.Errorf("cost of %v s: want a finite number, 0 where it is unknown", o.CostSeconds)
	}
	if !o.ok() {
		return nil
	}
	if len(o.Points) == 0 {
		return errors.New("an outcome without points: give at least one, or the class of the failure")
	}
	loads := make(map[Load]bool)
	for _, p := range o.Points {
		if err := p.validate(limits); err != nil {
			return err
		}
		if loads[p.Load] {
			return fmt.Errorf("two points at %s: give one for each load", p.Load)
		}
		loads[p.Load] = true
	}
	return nil
}

func (p Point) validate(limits []Limit) error {
	if !positive(p.TTFT) || !positive(p.TPS) {
		return fmt.Errorf("TTFT of %v s at %v tokens/s: want both finite and above 0; a trial that measured none is a failure", p.TTFT, p.TPS)
	}
	if !finite(p.TTFTSE) || !finite(p.TPSSE) || p.TTFTSE < 0 || p.TPSSE < 0 {
		return fmt.Errorf("standard errors of %v and %v: want finite numbers, 0 where one is unknown", p.TTFTSE, p.TPSSE)
	}
	if p.Runs < 0 {
		return fmt.Errorf("standard errors from %d runs: want 0 or more, 0 where they are exact", p.Runs)
	}
	if p.Concurrency < 0 || p.RatePerSec < 0 || !finite(p.RatePerSec) {
		return fmt.Errorf("load of concurrency %d and %v requests/s: want finite numbers, 0 where one does not apply", p.Concurrency, p.RatePerSec)
	}
	for _, l := range limits {
		if v, ok := p.Metrics[l.Metric]; !ok || !finite(v) {
			return fmt.Errorf("metric %s, which has a limit, is %v (given: %t): want a finite number", l.Metric, v, ok)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func positive(x float64) bool { return finite(x) && x > 0 }
