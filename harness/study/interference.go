package study

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"harness/results"
	"harness/results/stat"
)

// Interference is what a study found before it let trials run beside each other: one
// config was measured alone, and again in several launches at the same time. It is in
// the lockfile, and follows from the rows of purpose interference.
type Interference struct {
	Allowed  bool            `json:"allowed"`
	Why      string          `json:"why"`
	ConfigID string          `json:"config_id"`
	Together int             `json:"together"` // launches at a time
	Alone    int             `json:"alone"`    // launches, each alone
	Beside   int             `json:"beside"`   // launches that had neighbours
	Ratios   []results.Ratio `json:"ratios"`   // beside by alone; none of a metric without valid runs
	At       time.Time       `json:"at"`
}

// tolerated is what neighbours may change of each objective: about what two launches of
// one config differ by.
const tolerated = 0.03

func launchesOf(runs []results.Run) int {
	trials := map[string]bool{}
	for _, r := range runs {
		trials[r.TrialID] = true
	}
	return len(trials)
}

// ratios compares each metric beside neighbours with alone, launch by launch. Only runs
// that all launches made count, so that a launch's mean is of the same loads.
func ratios(alone, beside []results.Run, metrics []results.Metric) []results.Ratio {
	n := launchesOf(alone) + launchesOf(beside)
	made := map[string]int{}
	key := func(r results.Run) string { return fmt.Sprintf("%s/%d", r.LoadPoint, r.Repeat) }
	for _, r := range slices.Concat(alone, beside) {
		made[key(r)]++
	}
	pick := func(runs []results.Run) []results.Run {
		return slices.DeleteFunc(slices.Clone(runs), func(r results.Run) bool { return made[key(r)] != n })
	}
	var list []results.Ratio
	for _, m := range metrics {
		i := stat.Ratio(results.Values(pick(beside), m.Of), results.Values(pick(alone), m.Of))
		list = append(list, results.Ratio{Metric: m.Name, Value: i.Value, Low: i.Low, High: i.High})
	}
	return list
}

// verdict weighs the ratios: decided is whether more launches could hardly change it.
// Where they do not decide, what cannot be told from no effect is allowed.
func verdict(ratios []results.Ratio) (decided, allowed bool, why string) {
	within, beyond, unclear := 0, 0, 0
	var texts []string
	for _, r := range ratios {
		low, high := 1/(1+tolerated), 1+tolerated
		switch {
		case math.IsNaN(r.Low) || math.IsNaN(r.High):
			return false, false, "no run was valid both alone and beside neighbours"
		case r.Low >= low && r.High <= high:
			within++
		case r.Low > high || r.High < low:
			beyond++
		case r.Value < low || r.Value > high || r.Low > 1 || r.High < 1:
			unclear++
		}
		texts = append(texts, fmt.Sprintf("%s %+.1f %% [%+.1f, %+.1f]", r.Metric, 100*(r.Value-1), 100*(r.Low-1), 100*(r.High-1)))
	}
	text := "beside neighbours " + strings.Join(texts, ", ")
	switch {
	case beyond > 0:
		return true, false, fmt.Sprintf("%s: more than %.0f %%", text, 100*tolerated)
	case within == len(ratios):
		return true, true, fmt.Sprintf("%s: within %.0f %%", text, 100*tolerated)
	case unclear > 0:
		return false, false, fmt.Sprintf("%s: not shown to be within %.0f %%", text, 100*tolerated)
	}
	return false, true, text + ": not to be told from none"
}

// Text says what may run at a time of wanted trials, and why.
func (v *Interference) Text(wanted int) string {
	if v.Allowed {
		return fmt.Sprintf("up to %d trials at a time: %s (%d launches together, %d alone)", wanted, v.Why, v.Beside, v.Alone)
	}
	return fmt.Sprintf("one trial at a time: %s (%d launches together, %d alone)", v.Why, v.Beside, v.Alone)
}
