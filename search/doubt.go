package search

import (
	"math"
	"slices"

	"harness/search/pareto"
	"harness/space"
)

const (
	doubtDraws  = 2000
	doubtStream = 1 << 60 // numbers the random streams of doubts, away from those of asks
)

// doubt is what can be said of the front of what was measured, when the errors
// of the measurements are allowed for: draws of what the true costs may be.
type doubt struct {
	samples []sample       // those that keep all limits
	costs   [2][][]float64 // by draw and sample
	on      [][]bool       // by sample and draw: on the front
	noise   [2][]float64   // by sample: variance of the error of one more launch
	p       []float64      // by sample: share of draws on the front
	areas   []float64      // by draw, in order: dominated up to ref
	ref     pareto.Point
}

// newDoubt draws from the models of an outlook. The costs that they expect are
// shrunk towards what the rest of the lattice says, which takes off what chance
// added to the best of many noisy values.
func newDoubt(o *outlook, seed uint64) *doubt {
	d := &doubt{ref: o.ref}
	var own []int // of the outlook's samples
	for i, s := range o.samples {
		if s.kept {
			own = append(own, i)
			d.samples = append(d.samples, s)
		}
	}
	for axis, model := range o.costs {
		drawn := model.truth(doubtDraws, stream(seed, doubtStream+uint64(axis)))
		d.costs[axis] = make([][]float64, doubtDraws)
		for s, all := range drawn {
			d.costs[axis][s] = pick(all, own)
		}
		for _, s := range d.samples {
			d.noise[axis] = append(d.noise[axis], s.variance[axis]*float64(s.launches))
		}
	}
	d.settle()
	return d
}

// settle finds out who is on the front in each draw.
func (d *doubt) settle() {
	d.on = make([][]bool, len(d.samples))
	for i := range d.on {
		d.on[i] = make([]bool, doubtDraws)
	}
	d.p = make([]float64, len(d.samples))
	points := make([]pareto.Point, len(d.samples))
	for s := range doubtDraws {
		for i := range points {
			points[i] = pareto.Point{d.costs[0][s][i], d.costs[1][s][i]}
		}
		for _, i := range costGoals.Front(points) {
			d.on[i][s] = true
			d.p[i] += 1. / doubtDraws
		}
		d.areas = append(d.areas, costGoals.Hypervolume(points, d.ref))
	}
	slices.Sort(d.areas)
}

// moments of one cost of a sample over the draws.
func (d *doubt) moments(axis, i int) (mean, variance float64) {
	for _, values := range d.costs[axis] {
		mean += values[i] / doubtDraws
	}
	for _, values := range d.costs[axis] {
		variance += (values[i] - mean) * (values[i] - mean) / doubtDraws
	}
	return mean, variance
}

// settles is by how much one more launch of a sample's configuration is expected
// to lessen the doubts: the variance of who is on the front that its result would
// explain, summed over all, each taken as linear in the result. That counts what
// the launch says of the sample and of all that it may dominate.
func (d *doubt) settles(i int) float64 {
	sum := 0.0
	for axis := range d.costs {
		mean, variance := d.moments(axis, i)
		if variance == 0 {
			continue
		}
		for j, p := range d.p {
			if p*(1-p) == 0 {
				continue
			}
			cov := 0.0
			for s, values := range d.costs[axis] {
				if d.on[j][s] {
					cov += (values[i] - mean) / doubtDraws
				}
			}
			// What chance makes of cov in so many draws is taken off.
			explained := cov*cov - p*(1-p)*variance/doubtDraws
			sum += max(0, explained) / (variance + d.noise[axis][i])
		}
	}
	return sum
}

// worst is the configuration whose launch settles most, out of those that may be
// launched, and a sample of it; false where no sample's membership is in doubt.
func (d *doubt) worst(may func(space.Rank) bool) (i int, ok bool) {
	inDoubt := func(p float64) bool { return p > doubtful && p < 1-doubtful }
	if !slices.ContainsFunc(d.p, inDoubt) {
		return 0, false
	}
	byRank := make(map[space.Rank]float64)
	most := 0.0
	for k, s := range d.samples {
		if !may(s.rank) {
			continue
		}
		byRank[s.rank] += d.settles(k)
		if total := byRank[s.rank]; total > most {
			i, ok, most = k, true, total
		}
	}
	return i, ok
}

// doubtful: a point that is on the front with a probability between this and its
// complement is worth another launch.
const doubtful = 0.1

// quantileOfArea is the area that is not exceeded in a share q of the draws.
func (d *doubt) quantileOfArea(q float64) float64 {
	return d.areas[int(math.Round(q*float64(len(d.areas)-1)))]
}
