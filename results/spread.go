package results

import (
	"cmp"
	"math"
	"slices"

	"harness/results/stat"
)

// SpreadOf says how a metric varies between runs of a launch, and between launches of a
// config, over all valid runs at a load point.
func SpreadOf(runs []Run, loadPoint string, metric Metric) stat.Spread {
	byConfig := map[string][]stat.Run{}
	var order []string
	for _, r := range runs {
		if !r.Valid || r.LoadPoint != loadPoint {
			continue
		}
		v := metric.Of(r)
		if !(v > 0) || math.IsInf(v, 1) {
			continue
		}
		if byConfig[r.ConfigID] == nil {
			order = append(order, r.ConfigID)
		}
		byConfig[r.ConfigID] = append(byConfig[r.ConfigID], stat.Run{Launch: r.Launch(), Block: r.Block, Value: v})
	}
	slices.Sort(order) // sums in one order, whatever the rows were read in
	configs := make([][]stat.Run, len(order))
	for i, id := range order {
		configs[i] = byConfig[id]
		slices.SortFunc(configs[i], func(a, b stat.Run) int { return cmp.Or(cmp.Compare(a.Launch, b.Launch), cmp.Compare(a.Block, b.Block)) })
	}
	return stat.SpreadOf(configs)
}
