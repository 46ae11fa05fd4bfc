package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"harness/harness/bench/stop"
	"harness/results"
	"harness/results/stat"
)

// Stopping is what decides when a load point of a trial has been measured enough: so
// many runs, or a rule, with all that it was known to look at when the trial was
// planned. A trial decides by its plan alone, here or far away, now or after an
// interruption.
type Stopping struct {
	Repeats    int                     `json:"repeats"`         // runs at each load point; the most of them where there is a rule
	Rule       *stop.Rule              `json:"rule,omitempty"`  // without noise; nil: all Repeats are made
	Noise      map[string][]stat.Noise `json:"noise,omitempty"` // by load point: of each metric of the rule; left out: not known
	Rivals     []stop.Config           `json:"rivals,omitempty"`
	ChosenFrom int                     `json:"chosen_from,omitempty"` // configs that were measured to find the rivals
}

// A Tried is what one try of a run came to, as far as it decides.
type Tried struct {
	Launch    string        `json:"launch"` // see results.Run.Launch
	LoadPoint string        `json:"load_point"`
	Repeat    int           `json:"repeat"`
	Block     int64         `json:"block"`
	Valid     bool          `json:"valid,omitempty"`
	Values    []float64     `json:"values,omitempty"` // of the rule's metrics; nil: none, or not all are positive
	Cut       stop.Decision `json:"cut,omitempty"`    // it was cut short for this
}

// Tries are rows of runs as a rule sees them; rule may be nil.
func Tries(rule *stop.Rule, rows []results.Run) []Tried {
	var metrics []results.Metric
	if rule != nil {
		for _, m := range rule.Metrics {
			metric, known := results.MetricOf(m.Name)
			if !known {
				panic("bench: a rule about " + m.Name + ", which is no column of runs")
			}
			metrics = append(metrics, metric)
		}
	}
	tries := make([]Tried, len(rows))
	for i, r := range rows {
		tries[i] = Tried{Launch: r.Launch(), LoadPoint: r.LoadPoint, Repeat: int(r.Repeat), Block: r.Block, Valid: r.Valid}
		if !r.Valid && len(r.Bounds) > 0 {
			tries[i].Cut = stop.Decision(r.Decision)
		}
		if r.Valid {
			tries[i].Values = positive(metrics, r)
		}
	}
	return tries
}

// positive are a run's values; nil where one of them has no logarithm. A rate of 0, such
// as goodput where no request was good, counts as half a thing in the run.
func positive(metrics []results.Metric, r results.Run) []float64 {
	values := make([]float64, len(metrics))
	for i, m := range metrics {
		values[i] = m.Of(r)
		if values[i] == 0 && m.Higher {
			values[i] = 0.5 / max(1, r.DurationS)
		}
		if !(values[i] > 0) || math.IsInf(values[i], 1) {
			return nil
		}
	}
	return values
}

// unusable is how many repeats of a load point may stay invalid, with none valid, until
// no more are made.
const unusable = 2

// Verdict says whether a load point has been measured enough by these tries of one
// config and replicate, of all its launches.
func (s Stopping) Verdict(loadPoint string, tries []Tried) stop.Verdict {
	at := slices.DeleteFunc(slices.Clone(tries), func(t Tried) bool { return t.LoadPoint != loadPoint })
	slices.SortStableFunc(at, func(a, b Tried) int {
		return cmp.Or(cmp.Compare(a.Launch, b.Launch), cmp.Compare(a.Repeat, b.Repeat))
	})
	settled, valid := 0, 0
	for repeat := 1; repeat <= s.Repeats; repeat++ {
		switch Settled(at, loadPoint, repeat) {
		case Usable:
			settled, valid = settled+1, valid+1
		case Given:
			settled++
		}
	}
	if s.Rule == nil {
		if settled == s.Repeats {
			return stop.Verdict{Decision: stop.Planned, Why: fmt.Sprintf("all of %d runs", s.Repeats)}
		}
		return stop.Verdict{Decision: stop.Continue, Why: fmt.Sprintf("%d of %d runs", settled, s.Repeats)}
	}
	if i := slices.IndexFunc(at, func(t Tried) bool { return t.Cut != "" }); i >= 0 {
		return stop.Verdict{Decision: at[i].Cut, Why: "a run of it was cut short"}
	}
	if valid == 0 && settled >= min(unusable, s.Repeats) {
		return stop.Verdict{Decision: stop.Unusable, Why: fmt.Sprintf("%d runs stayed invalid, and none is valid", settled)}
	}
	v := s.rule(loadPoint).Decide(stop.Config{Runs: usable(at)}, s.Rivals, s.ChosenFrom)
	if v.Decision == stop.Continue && settled == s.Repeats {
		return stop.Verdict{Decision: stop.Capped, Why: fmt.Sprintf("%d runs, the most that are made; %d of them are valid", settled, valid)}
	}
	return v
}

// How far a repeat of a load point is.
const (
	Due    = iota // it is to be measured
	Given         // it stayed invalid in as many tries as there are
	Usable        // there is a valid run
)

// Settled says how far a repeat is, by all tries that count for it. With fewer invalid
// ones than there may be it is due: it was interrupted, or a row was lost, which may have
// been the valid one.
func Settled(tries []Tried, loadPoint string, repeat int) int {
	for _, t := range tries {
		if t.LoadPoint == loadPoint && t.Repeat == repeat && t.Valid {
			return Usable
		}
	}
	if invalidTries(tries, loadPoint, repeat) >= MaxTries {
		return Given
	}
	return Due
}

// invalidTries counts those of a repeat.
func invalidTries(tries []Tried, loadPoint string, repeat int) int {
	n := 0
	for _, t := range tries {
		if t.LoadPoint == loadPoint && t.Repeat == repeat && !t.Valid {
			n++
		}
	}
	return n
}

// Counting are the tries of a launch and those before it that count for it. What stayed
// invalid before a passing fault does not: it may have been the fault's doing.
func Counting(tries []Tried, launchID string) []Tried {
	return slices.DeleteFunc(tries, func(t Tried) bool { return !t.Valid && t.Cut == "" && t.Launch != launchID })
}

// rule is the rule with what is known of the noise at a load point.
func (s Stopping) rule(loadPoint string) stop.Rule {
	rule := *s.Rule
	rule.Max = s.Repeats
	rule.Metrics = slices.Clone(rule.Metrics)
	for i, noise := range s.Noise[loadPoint] {
		rule.Metrics[i].Noise = noise
	}
	return rule
}

// usable are the runs that a rule can compare.
func usable(tries []Tried) []stop.Run {
	var runs []stop.Run
	for _, t := range tries {
		if t.Valid && t.Values != nil {
			runs = append(runs, stop.Run{Launch: t.Launch, Block: t.Block, Values: t.Values})
		}
	}
	return runs
}
