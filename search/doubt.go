package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"harness/search/pareto"
	"harness/space"
)

const (
	doubtDraws  = 1000
	doubtParts  = 8       // that the draws are settled in, side by side
	doubtStream = 1 << 60 // numbers the random streams of doubts, away from those of asks
)

// doubt is what can be said of the front of what was measured, when the errors
// of the measurements are allowed for: draws of what the true costs may be.
type doubt struct {
	samples        []sample       // those that keep all limits
	costs          [2][][]float64 // by draw and sample
	on             [][]bool       // by sample and draw: on the front
	mean, variance [2][]float64   // of the costs, by sample
	noise          [2][]float64   // by sample: variance of the error of one more launch
	p              []float64      // by sample: share of draws on the front
	areas          []float64      // by draw, in order: dominated up to ref
	ref            pareto.Point
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
	normal := jointNormals(doubtDraws, len(o.samples), togetherness(o.costs), stream(seed, doubtStream))
	for axis, model := range o.costs {
		drawn := model.truth(normal[axis], stream(seed, doubtStream+1+uint64(axis)))
		d.costs[axis] = make([][]float64, doubtDraws)
		for s, all := range drawn {
			d.costs[axis][s] = pick(all, own)
		}
		for _, s := range d.samples {
			d.noise[axis] = append(d.noise[axis], s.variance[axis]*float64(s.launches))
		}
	}
	d.describe()
	d.settle()
	return d
}

// togetherness is the correlation with which the costs of a configuration deviate from
// what all others let expect, errors taken off. A server that is quicker to the first
// token than its like is often quicker to the others too: then one of two that are
// nearly alike dominates, where independent deviations would put both on the front. On
// recorded tables it is 0.1 to 0.8, 0.5 in the middle: so it is taken to be, until the
// data say more than so many observations.
func togetherness(costs [2]surrogate) float64 {
	z0, share0 := costs[0].surprises()
	z1, share1 := costs[1].surprises()
	if len(z0) != len(z1) {
		return 0
	}
	sum, weight := usualTogetherness*usualWeight, usualWeight
	for i := range z0 {
		sum += z0[i] * z1[i]
		weight += math.Sqrt(share0[i] * share1[i])
	}
	return min(max(sum/weight, -mostTogether), mostTogether)
}

const (
	usualTogetherness = 0.5
	usualWeight       = 10.0
	mostTogether      = 0.95 // of a few observations
)

// jointNormals are rows of n standard normals for each draw of the two costs, which
// correlate by r.
func jointNormals(draws, n int, r float64, rng *rand.Rand) (rows [2][][]float64) {
	own := math.Sqrt(1 - r*r)
	for range draws {
		first, second := make([]float64, n), make([]float64, n)
		for i := range n {
			first[i] = rng.NormFloat64()
			second[i] = r*first[i] + own*rng.NormFloat64()
		}
		rows[0], rows[1] = append(rows[0], first), append(rows[1], second)
	}
	return rows
}

// settle finds out who is on the front in each draw.
func (d *doubt) settle() {
	d.on = make([][]bool, len(d.samples))
	for i := range d.on {
		d.on[i] = make([]bool, doubtDraws)
	}
	d.areas = make([]float64, doubtDraws)
	var parts sync.WaitGroup
	for from := 0; from < doubtDraws; from += doubtDraws / doubtParts {
		parts.Go(func() { d.settleDraws(from, min(from+doubtDraws/doubtParts, doubtDraws)) })
	}
	parts.Wait()
	d.p = make([]float64, len(d.samples))
	for i, on := range d.on {
		for _, is := range on {
			if is {
				d.p[i] += 1. / doubtDraws
			}
		}
	}
	slices.Sort(d.areas)
}

// settleDraws does so for some of the draws.
func (d *doubt) settleDraws(from, to int) {
	points := make([]pareto.Point, len(d.samples))
	for s := from; s < to; s++ {
		for i := range points {
			points[i] = pareto.Point{d.costs[0][s][i], d.costs[1][s][i]}
		}
		for _, i := range costGoals.Front(points) {
			d.on[i][s] = true
		}
		d.areas[s] = costGoals.Hypervolume(points, d.ref)
	}
}

// sure are the samples of FrontPoint.Sure. All of a draw count together: points that
// exclude each other are not wrong at the same time.
func (d *doubt) sure() []bool {
	likeliest := make([]int, len(d.samples))
	for i := range likeliest {
		likeliest[i] = i
	}
	slices.SortStableFunc(likeliest, func(a, b int) int { return cmp.Compare(d.p[b], d.p[a]) })
	sure := make([]bool, len(d.samples))
	dominated := make([]int, doubtDraws) // of the sure, by draw
	for _, i := range likeliest {
		right := 0
		for s, on := range d.on[i] {
			if !on {
				dominated[s]++
			}
			if dominated[s] <= 1 {
				right++
			}
		}
		if d.p[i] < 0.5 || float64(right) < sureShare*doubtDraws {
			break
		}
		sure[i] = true
	}
	return sure
}

// sureShare is the probability of FrontPoint.Sure.
const sureShare = 0.9

// describe fills in the moments of each cost over the draws.
func (d *doubt) describe() {
	for axis, drawn := range d.costs {
		mean, variance := make([]float64, len(d.samples)), make([]float64, len(d.samples))
		for _, values := range drawn {
			for i, v := range values {
				mean[i] += v / doubtDraws
			}
		}
		for _, values := range drawn {
			for i, v := range values {
				variance[i] += (v - mean[i]) * (v - mean[i]) / doubtDraws
			}
		}
		d.mean[axis], d.variance[axis] = mean, variance
	}
}

// settles is, for each sample, by how much one more launch of its configuration is
// expected to lessen the doubts: the variance of who is on the front that its
// result would explain, summed over all, each taken as linear in the result. That
// counts what the launch says of the sample and of all that it may dominate.
func (d *doubt) settles() []float64 {
	sum := make([]float64, len(d.samples))
	cov := make([]float64, len(d.samples))
	for axis, drawn := range d.costs {
		for j, p := range d.p {
			if p*(1-p) == 0 {
				continue
			}
			clear(cov)
			for s, values := range drawn {
				if !d.on[j][s] {
					continue
				}
				for i, v := range values {
					cov[i] += (v - d.mean[axis][i]) / doubtDraws
				}
			}
			for i, c := range cov {
				if v := d.variance[axis][i]; v > 0 {
					// What chance makes of a covariance in so many draws is taken off.
					explained := c*c - p*(1-p)*v/doubtDraws
					sum[i] += max(0, explained) / (v + d.noise[axis][i])
				}
			}
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
	settles := d.settles()
	byRank := make(map[space.Rank]float64)
	most := 0.0
	for k, s := range d.samples {
		if !may(s.rank) {
			continue
		}
		byRank[s.rank] += settles[k]
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
