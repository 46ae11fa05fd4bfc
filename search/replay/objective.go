package replay

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"harness/search"
	"harness/space"
)

// Objective is a column that is to be small, or large.
type Objective struct {
	Column string `json:"column"` // "": there is no second objective
	Goal   string `json:"goal"`   // min or max
	Log    bool   `json:"log"`    // compared as a logarithm: all of the column is positive

	scale float64 // largest magnitude of the column, where it is not compared so
}

// The goals of an Objective.
const (
	Min = "min"
	Max = "max"
)

// objectives lists those to minimise, then those to maximise. The first plays the
// part of TTFT and the second that of TPS: see outcome.
func objectives(minimise, maximise []string) ([]Objective, error) {
	var all []Objective
	for _, c := range minimise {
		all = append(all, Objective{Column: c, Goal: Min})
	}
	for _, c := range maximise {
		all = append(all, Objective{Column: c, Goal: Max})
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("no objective: name a column to minimise or to maximise")
	case len(all) > 2:
		return nil, fmt.Errorf("%d objectives: two at most are compared", len(all))
	case len(all) == 2 && all[0].Column == all[1].Column:
		return nil, fmt.Errorf("column %s is named as two objectives", all[0].Column)
	}
	return all, nil
}

// cost is a value as it is compared: less is better, in log10 where ratios count.
func (o Objective) cost(v float64) float64 {
	if o.Log {
		v = math.Log10(v)
	}
	if o.Goal == Max {
		return -v
	}
	return v
}

// positive is a positive number that orders and spaces as the objective does, once
// its logarithm is taken: of a positive column the value or, where the other
// direction is wanted, its reciprocal; of another one exp(v/scale), or its reciprocal.
func (o Objective) positive(v float64, goal string) float64 {
	if o.Column == "" {
		return 1
	}
	if !o.Log {
		v = math.Exp(v / o.scale)
	}
	if o.Goal != goal {
		v = 1 / v
	}
	return v
}

// outcome is what a search is told of two values: the first objective as TTFT, where
// less is better, and the second as TPS, where more is. Objectives of the other
// direction are told as their reciprocals, which in logarithms only turns them round.
func outcome(objectives [2]Objective, v [2]float64) search.Point {
	return search.Point{TTFT: objectives[0].positive(v[0], Min), TPS: objectives[1].positive(v[1], Max)}
}

// value reads a cell as an objective: NaN where there is none, and an error where it
// is no number at all.
func value(c space.Value) (float64, error) {
	if c.IsNone() {
		return math.NaN(), nil
	}
	if x, ok := c.AsFloat(); ok {
		return x, nil
	}
	if s, ok := c.AsString(); ok {
		x, err := strconv.ParseFloat(s, 64)
		if err == nil || errors.Is(err, strconv.ErrRange) {
			return x, nil
		}
	}
	return 0, fmt.Errorf("%q is no number", c)
}
