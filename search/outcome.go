package search

import (
	"errors"
	"fmt"
	"math"

	"harness/search/pareto"
)

// Point is what one load point of a configuration measured.
type Point struct {
	TTFT float64 // time to first token in seconds, above 0; less is better
	TPS  float64 // output tokens per second, above 0; more is better

	// Standard errors of ln TTFT and ln TPS, so nearly the relative errors; 0 = unknown.
	TTFTSE, TPSSE float64

	Concurrency int // the offered load; 0 = unknown
}

// Outcome is what came of measuring one configuration: its points, one for each
// load point, or a failure.
type Outcome struct {
	Points []Point

	// Failure is the class of the failure; "" means that the configuration
	// works. A failed one counts as such, whatever points it still measured.
	Failure string

	CostSeconds float64 // time that the trial took, launch included; 0 = unknown
}

// goals are the directions of the two objectives of an oriented point.
var goals = pareto.Goals{pareto.Minimise, pareto.Maximise}

// logs has the objectives as logarithms: the search compares ratios, so that
// twice as fast weighs the same at any speed.
func (p Point) logs() pareto.Point {
	return pareto.Point{math.Log(p.TTFT), math.Log(p.TPS)}
}

func (o Outcome) ok() bool { return o.Failure == "" }

// validate reports what is wrong with an outcome. Points of a failed one are
// not looked at.
func (o Outcome) validate() error {
	if !finite(o.CostSeconds) || o.CostSeconds < 0 {
		return fmt.Errorf("cost of %v s: want a finite number, 0 where it is unknown", o.CostSeconds)
	}
	if !o.ok() {
		return nil
	}
	if len(o.Points) == 0 {
		return errors.New("an outcome without points: give at least one, or the class of the failure")
	}
	for _, p := range o.Points {
		if !positive(p.TTFT) || !positive(p.TPS) {
			return fmt.Errorf("TTFT of %v s at %v tokens/s: want both finite and above 0; a trial that measured none is a failure", p.TTFT, p.TPS)
		}
		if !finite(p.TTFTSE) || !finite(p.TPSSE) || p.TTFTSE < 0 || p.TPSSE < 0 {
			return fmt.Errorf("standard errors of %v and %v: want finite numbers, 0 where one is unknown", p.TTFTSE, p.TPSSE)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func positive(x float64) bool { return finite(x) && x > 0 }
