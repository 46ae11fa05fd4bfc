package search

import (
	"math"
	"math/rand/v2"
	"sync"

	"harness/search/gp"
	"harness/search/pareto"
)

// outlook is what a search expects of configurations that it has not measured:
// a model of each cost, of each metric that has a limit, of success, and of the
// seconds that a trial takes.
type outlook struct {
	encoder *encoder
	samples []sample
	loads   []Load       // at which a configuration is measured
	ref     pareto.Point // up to which dominated area counts
	costs   [2]surrogate
	limits  []limitModel
	success *successModel
	seconds surrogate // of the logarithm of a trial's seconds; nil = all alike
}

// limitModel is a limit with the model of its metric.
type limitModel struct {
	Limit
	metric surrogate
}

// newOutlook fits the models to a history in which something works. Each fit
// runs in a goroutine of its own.
func newOutlook(h *history, e *encoder, seed uint64) *outlook {
	o := h.observed(e)
	var fits sync.WaitGroup
	o.fitCosts(h, seed, &fits)
	o.limits = make([]limitModel, len(h.limits))
	for i, l := range h.limits {
		fits.Go(func() { o.limits[i] = limitModel{l, fitSurrogate(o.metricData(l.Metric), seed)} })
	}
	fits.Go(func() { o.success = newSuccessModel(h, e) })
	fits.Go(func() { o.seconds = newSecondsModel(h, e, seed) })
	fits.Wait()
	return o
}

// newCostOutlook is an outlook of costs alone.
func newCostOutlook(h *history, e *encoder, seed uint64) *outlook {
	o := h.observed(e)
	var fits sync.WaitGroup
	o.fitCosts(h, seed, &fits)
	fits.Wait()
	return o
}

func (o *outlook) fitCosts(h *history, seed uint64, fits *sync.WaitGroup) {
	for axis := range o.costs {
		fits.Go(func() { o.costs[axis] = fitCost(o.costData(axis), h.background.trendsOf(axis), seed) })
	}
}

// fitCost fits a model to the observations of a cost, along with what it follows.
func fitCost(d gp.Data, trends []surrogate, seed uint64) surrogate {
	if isConstant(d.Y) {
		return constant{d.Y[0], len(d.Y)}
	}
	return fitFollowing(d, trends, seed)
}

// observed is an outlook before its models are fitted.
func (h *history) observed(e *encoder) *outlook {
	o := &outlook{encoder: e, samples: append(h.samples(e), h.background.same...)}
	o.loads = loads(o.samples)
	counted := keptCosts(o.samples)
	if len(counted) == 0 { // then those that break a limit show at least how costs lie
		for _, s := range o.samples {
			counted = append(counted, s.costs)
		}
	}
	o.ref = reference(counted)
	return o
}

// costData are the observations of one cost.
func (o *outlook) costData(axis int) gp.Data {
	d := gp.Data{Categorical: o.encoder.categorical}
	for _, s := range o.samples {
		d.X = append(d.X, s.x)
		d.Y = append(d.Y, s.costs[axis])
		d.Noise = append(d.Noise, s.variance[axis])
	}
	d.Y = clipTail(d.Y, o.ref[axis])
	return d
}

// metricData are the observations of a metric.
func (o *outlook) metricData(name string) gp.Data {
	d := gp.Data{Categorical: o.encoder.categorical}
	for _, s := range o.samples {
		if v, ok := s.metrics[name]; ok { // another study may not have it
			d.X = append(d.X, s.x)
			d.Y = append(d.Y, v)
			d.Noise = append(d.Noise, 0)
		}
	}
	return d
}

// newSecondsModel models the logarithm of the seconds that trials took. It is nil
// where fewer than secondsLeast are known, or they differ too little to matter.
func newSecondsModel(h *history, e *encoder, seed uint64) surrogate {
	d := gp.Data{Categorical: e.categorical}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, r := range h.told.ascending() {
		x := e.encode(h.lattice.Unrank(r, nil), Load{})
		for _, l := range h.records[r].launches {
			if l.ok() && l.CostSeconds > 0 {
				d.X = append(d.X, x)
				d.Y = append(d.Y, math.Log(l.CostSeconds))
				d.Noise = append(d.Noise, 0)
				lo, hi = min(lo, l.CostSeconds), max(hi, l.CostSeconds)
			}
		}
	}
	if len(d.Y) < secondsLeast || hi < secondsRatio*lo {
		return nil
	}
	return fitSurrogate(d, seed)
}

const (
	secondsLeast = 6
	secondsRatio = 1.2
)

// view is an outlook given the values of the costs where they were measured, and
// at configurations that are being measured: by their mean, or by draws of them.
type view struct {
	*outlook
	costs  [2]posterior
	fronts [][]pareto.Point // by draw
	area   float64          // that the fronts dominate, on average
}

// mean is the view in which all is as expected.
func (o *outlook) mean(pending [][]float64) *view {
	return o.view(len(pending), func(s surrogate) posterior { return s.mean(pending) })
}

// draw is the view of draws of what the costs may be.
func (o *outlook) draw(pending [][]float64, draws int, rng *rand.Rand) *view {
	return o.view(len(pending), func(s surrogate) posterior { return s.draw(pending, draws, rng) })
}

// view computes the fronts of the costs given by post. The samples that break a
// limit are on none, and the pending configurations are, as if they kept them.
func (o *outlook) view(pending int, post func(surrogate) posterior) *view {
	v := &view{outlook: o}
	for axis, s := range o.costs {
		v.costs[axis] = post(s)
	}
	first, second := v.costs[0].values(), v.costs[1].values()
	for s := range first {
		var ps []pareto.Point
		for i := range first[s] {
			if i >= len(o.samples) || o.samples[i].kept {
				ps = append(ps, pareto.Point{first[s][i], second[s][i]})
			}
		}
		front := staircase(ps, o.ref)
		v.fronts = append(v.fronts, front)
		v.area += costGoals.Hypervolume(front, o.ref) / float64(len(first))
	}
	return v
}
