package study

import (
	"cmp"
	"slices"

	"harness/harness/bench"
	"harness/harness/bench/stop"
	"harness/results"
	"harness/search/pareto"
)

// rivals are the points of other configs that are on the front now, and how many
// configs were measured to find them.
func (l *loop) rivals(rule *stop.Rule, config string) (front []stop.Config, chosenFrom int) {
	measured := results.Collect(l.state.Trials, l.state.Runs)
	configs := map[string]bool{}
	for _, m := range measured {
		configs[m.ConfigID] = true
	}
	measured = slices.DeleteFunc(measured, func(m results.Measurement) bool { return m.ConfigID == config })
	for _, m := range frontNow(measured, l.aim) {
		rival := stop.Config{ID: m.TrialID + " at " + m.LoadPoint}
		for _, t := range bench.Tries(rule, m.Runs) {
			if t.Values != nil {
				rival.Runs = append(rival.Runs, stop.Run{Launch: t.Launch, Block: t.Block, Values: t.Values})
			}
		}
		slices.SortFunc(rival.Runs, func(a, b stop.Run) int { return cmp.Or(cmp.Compare(a.Launch, b.Launch), cmp.Compare(a.Block, b.Block)) })
		front = append(front, rival)
	}
	return front, len(configs)
}

// frontNow are the measurements that keep the limits and that no other such one
// dominates, by medians.
func frontNow(measured []results.Measurement, aim results.Aim) []results.Measurement {
	var kept []results.Measurement
	var points []pareto.Point
	goals := pareto.Goals{pareto.Minimise, pareto.Maximise}
	for _, m := range measured {
		if !aim.Keeps(m) {
			continue
		}
		var p pareto.Point
		for slot, o := range aim.Objectives {
			p[slot] = scale(o, slot, m.Estimate(o).Value)
		}
		kept, points = append(kept, m), append(points, p)
	}
	var front []results.Measurement
	for _, i := range goals.Front(points) {
		front = append(front, kept[i])
	}
	return front
}
