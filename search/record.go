package search

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// record is what is known of one configuration: its launches, and what they come
// to together. Launches are kept in an order of their own, so that a record does
// not depend on which was told first.
type record struct {
	launches []Outcome
	points   []Point // of those that worked: one for each load, means over launches
	launched []int   // by point: launches that measured it
	works    int     // launches
	fails    int     // launches that failed by the configuration's own fault
}

// ok reports whether the configuration counts as one that works: no fewer of its
// launches did than failed.
func (r record) ok() bool { return r.works > 0 && r.works >= r.fails }

// with is the record with one more launch.
func (r record) with(o Outcome) record {
	o = o.clone()
	at, _ := slices.BinarySearchFunc(r.launches, o, compareOutcomes)
	all := record{launches: slices.Insert(slices.Clone(r.launches), at, o)}
	byLoad := make(map[Load][]Point)
	for _, l := range all.launches {
		switch {
		case l.ok():
			all.works++
			for _, p := range l.Points {
				byLoad[p.Load] = append(byLoad[p.Load], p)
			}
		case !transient[l.Failure]:
			all.fails++
		}
	}
	loads := slices.SortedFunc(maps.Keys(byLoad), Load.compare)
	for _, c := range loads {
		ps := measuredPoints(byLoad[c])
		all.points = append(all.points, meanPoint(ps))
		all.launched = append(all.launched, len(ps))
	}
	return all
}

// measuredPoints leaves out bounds, unless there is nothing else.
func measuredPoints(ps []Point) []Point {
	measured := slices.DeleteFunc(slices.Clone(ps), func(p Point) bool { return p.Bound })
	if len(measured) == 0 {
		return ps
	}
	return measured
}

// meanPoint is the geometric mean of measurements of one load point on several
// launches, each with the same weight: what differs from launch to launch is
// seldom less than what differs within one. A standard error that one of them
// does not have is unknown of the mean.
func meanPoint(ps []Point) Point {
	if len(ps) == 1 {
		return ps[0]
	}
	n := float64(len(ps))
	mean := Point{Load: ps[0].Load, Bound: ps[0].Bound, Metrics: make(map[string]float64)}
	var sum, variance [2]float64
	known := [2]bool{true, true}
	for _, p := range ps {
		mean.Runs += p.Runs
		for axis, se := range p.errors() {
			sum[axis] += p.costs()[axis] / n
			variance[axis] += se * se / (n * n)
			known[axis] = known[axis] && se > 0
		}
		for name, v := range p.Metrics {
			mean.Metrics[name] += v / n
		}
	}
	mean.TTFT, mean.TPS = math.Exp(sum[0]), math.Exp(-sum[1])
	if known[0] {
		mean.TTFTSE = math.Sqrt(variance[0])
	}
	if known[1] {
		mean.TPSSE = math.Sqrt(variance[1])
	}
	return mean
}

// compareOutcomes is some order of outcomes in which only equal ones are equal.
func compareOutcomes(a, b Outcome) int {
	return cmp.Or(
		strings.Compare(a.Failure, b.Failure),
		cmp.Compare(a.CostSeconds, b.CostSeconds),
		slices.CompareFunc(a.Points, b.Points, comparePoints),
	)
}

func comparePoints(a, b Point) int {
	return cmp.Or(
		a.Load.compare(b.Load),
		cmp.Compare(a.TTFT, b.TTFT), cmp.Compare(a.TPS, b.TPS),
		cmp.Compare(a.TTFTSE, b.TTFTSE), cmp.Compare(a.TPSSE, b.TPSSE),
		cmp.Compare(a.Runs, b.Runs), compareBounds(a.Bound, b.Bound),
		slices.Compare(sortedMetrics(a), sortedMetrics(b)),
	)
}

// compareBounds puts what was measured before what only bounds.
func compareBounds(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// sortedMetrics are the values of a point's metrics by name; all points of a
// search have the same names.
func sortedMetrics(p Point) []float64 {
	names := make([]string, 0, len(p.Metrics))
	for name := range p.Metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	values := make([]float64, len(names))
	for i, name := range names {
		values[i] = p.Metrics[name]
	}
	return values
}

// launchVariance estimates, for each objective, by how much the logarithm varies
// from launch to launch of one configuration beyond the error of each launch: the
// moment estimate over all configurations that were launched more than once, 0
// where there is none.
func (h *history) launchVariance() [2]float64 {
	var excess [2]float64
	freedom := 0.0
	for _, r := range h.told.ascending() {
		byLoad := make(map[Load][]Point)
		for _, l := range h.records[r].launches {
			if l.ok() {
				for _, p := range l.Points {
					byLoad[p.Load] = append(byLoad[p.Load], p)
				}
			}
		}
		for i, p := range h.records[r].points {
			ps := measuredPoints(byLoad[p.Load])
			n := float64(h.records[r].launched[i])
			freedom += n - 1
			for _, q := range ps {
				for axis, se := range q.errors() {
					d := q.costs()[axis] - p.costs()[axis]
					excess[axis] += d*d - se*se*(1-1/n)
				}
			}
		}
	}
	for axis := range excess {
		excess[axis] = max(0, excess[axis]) / max(1, freedom)
	}
	return excess
}
