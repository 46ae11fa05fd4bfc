package search

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"harness/search/gp"
	"harness/search/pareto"
	"harness/space"
)

// leastSuccess is the probability of success that an ask should have. On a recorded
// table in which a third fails, 0.5 lets 7 % of the asks after the 20th fail, 0.75
// 5 %, 0.8 2 to 3 %.
const leastSuccess = 0.8

// prospect is a configuration that might be asked for.
type prospect struct {
	rank space.Rank
	x    []float64 // its input without a load
}

// appraisal is what an outlook expects of a prospect.
type appraisal struct {
	gain    float64 // expected growth of the dominated area, if it works
	success float64 // probability that it works
	seconds float64 // that its trial takes; 1 where that is not known
	spread  float64 // product of the standard deviations of the costs
}

// worth is what the acquisition maximises: expected gain per second.
func (a appraisal) worth() float64 { return a.ifTrusted(a.gain * a.success / a.seconds) }

// news is what an exploring ask maximises: how much is unknown of the costs. It
// counts success twice, since to learn that a configuration fails is not its aim.
func (a appraisal) news() float64 { return a.ifTrusted(a.spread * a.success * a.success) }

// ifTrusted is a value, at least 0, of a prospect that is likely to work. One that
// is not comes behind all that are, the likelier first: a failed launch costs as
// much as another, and teaches less.
func (a appraisal) ifTrusted(value float64) float64 {
	if a.success < leastSuccess {
		return a.success - 1
	}
	return value
}

// share is the expected gain, with failure allowed for, of an area; all of it where
// there is none yet.
func (a appraisal) share(area float64) float64 {
	if area == 0 {
		return a.success
	}
	return a.gain * a.success / area
}

// estimate is a way to fill in the gain of appraisals, or their spread.
type estimate func(v *view, cs []prospect, into []appraisal)

// appraise appraises prospects, in parallel, all but their success. Each result
// depends on its prospect alone.
func (v *view) appraise(cs []prospect, gain estimate) []appraisal {
	return inParts(cs, func(cs []prospect, into []appraisal) {
		for i := range into {
			into[i].success, into[i].seconds = 1, 1
		}
		if v.seconds != nil {
			mean, variance := v.seconds.predict(plain(cs))
			for i := range into {
				into[i].seconds = math.Exp(mean[i] + variance[i]/2)
			}
		}
		gain(v, cs, into)
	})
}

// inParts runs f on parts of prospects, each in a goroutine.
func inParts(cs []prospect, f func([]prospect, []appraisal)) []appraisal {
	all := make([]appraisal, len(cs))
	const least = 32 // a goroutine for fewer does not pay
	size := max(least, (len(cs)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var parts sync.WaitGroup
	for from := 0; from < len(cs); from += size {
		to := min(from+size, len(cs))
		parts.Go(func() { f(cs[from:to], all[from:to]) })
	}
	parts.Wait()
	return all
}

// plain are inputs without a load.
func plain(cs []prospect) [][]float64 {
	x := make([][]float64, len(cs))
	for i, c := range cs {
		x[i] = c.x
	}
	return x
}

// best returns the n prospects of the highest value, best first, with their
// success known, out of those that were appraised without it. It asks the model
// of success only about as many as it takes: success can but lower a value.
func (v *view) best(cs []prospect, as []appraisal, value func(appraisal) float64, n int) ([]prospect, []appraisal) {
	order := ranking(as, value)
	var chosen []prospect
	var known []appraisal
	for from := 0; from < len(order); from += successBlock {
		if len(chosen) == n && value(known[n-1]) >= value(as[order[from]]) {
			break
		}
		block := make([]prospect, 0, successBlock)
		for _, i := range order[from:min(from+successBlock, len(order))] {
			block = append(block, cs[i])
			known = append(known, as[i])
		}
		success := inParts(block, func(cs []prospect, into []appraisal) {
			for i, p := range v.success.probability(cs) {
				into[i].success = p
			}
		})
		for i, a := range success {
			known[len(chosen)+i].success = a.success
		}
		chosen = append(chosen, block...)
		keep := ranking(known, value)
		keep = keep[:min(n, len(keep))]
		chosen, known = pick(chosen, keep), pick(known, keep)
	}
	return chosen, known
}

// successBlock is how many prospects the model of success is asked about at once.
const successBlock = 2048

func pick[T any](from []T, at []int) []T {
	picked := make([]T, len(at))
	for k, i := range at {
		picked[k] = from[i]
	}
	return picked
}

// inputs are those of candidates at each load, one candidate after the other.
func (v *view) inputs(cs []prospect) [][]float64 {
	x := make([][]float64, 0, len(cs)*len(v.loads))
	for _, c := range cs {
		for _, load := range v.loads {
			x = append(x, v.encoder.at(c.x, load))
		}
	}
	return x
}

// sumGain takes as a candidate's gain the sum over its load points: exact where
// there is one. Where there are more it is an upper bound, since the area that
// several points add is at most the sum of what each adds.
func sumGain(v *view, cs []prospect, into []appraisal) {
	x := v.inputs(cs)
	first, variance0 := v.costs[0].predict(x)
	second, variance1 := v.costs[1].predict(x)
	keeps := v.keeps(x)
	for k := range x {
		b := belief{sd: [2]float64{math.Sqrt(variance0[k]), math.Sqrt(variance1[k])}}
		sum := 0.0
		for s, front := range v.fronts {
			b.mean = [2]float64{first[s][k], second[s][k]}
			sum += ehvi(front, v.ref, b)
		}
		into[k/len(v.loads)].gain += keeps[k] * sum / float64(len(v.fronts))
	}
}

// unknown fills in spread: the product of the standard deviations of the costs, at the
// load where it is the largest.
func unknown(v *view, cs []prospect, into []appraisal) {
	x := v.inputs(cs)
	_, variance0 := v.costs[0].predict(x)
	_, variance1 := v.costs[1].predict(x)
	for k := range x {
		a := &into[k/len(v.loads)]
		a.spread = max(a.spread, math.Sqrt(variance0[k]*variance1[k]))
	}
}

// keeps is the probability that inputs keep all limits.
func (v *view) keeps(x [][]float64) []float64 {
	p := slices.Repeat([]float64{1}, len(x))
	for _, l := range v.limits {
		mean, variance := l.metric.predict(x)
		for i := range x {
			p[i] *= cumulative(-l.excess(mean[i]) / math.Sqrt(variance[i]))
		}
	}
	return p
}

// setGain returns how to compute the expected growth by all load points of a
// candidate together: in each draw of the view their costs are drawn jointly,
// from normal numbers that are the same for all candidates, and the area that
// they add is taken exactly.
func setGain(loads, draws int, rng *rand.Rand) estimate {
	normal := make([][2][]float64, draws)
	uniform := make([][]float64, draws)
	for s := range draws {
		for range loads {
			normal[s][0] = append(normal[s][0], rng.NormFloat64())
			normal[s][1] = append(normal[s][1], rng.NormFloat64())
			uniform[s] = append(uniform[s], rng.Float64())
		}
	}
	return func(v *view, cs []prospect, into []appraisal) {
		for i := range cs {
			into[i].gain = v.jointGain(cs[i:i+1], normal, uniform)
		}
	}
}

// jointGain is the mean growth over draws by the load points of one candidate.
func (v *view) jointGain(c []prospect, normal [][2][]float64, uniform [][]float64) float64 {
	x := v.inputs(c)
	keeps := v.keeps(x)
	var means [2][][]float64
	var roots [2][][]float64
	for axis, post := range v.costs {
		means[axis], _ = post.predict(x)
		roots[axis] = gp.Root(post.covariance(x))
	}
	sum := 0.0
	for s, front := range v.fronts {
		ps := slices.Clone(front)
		for k := range x {
			if uniform[s][k] >= keeps[k] {
				continue
			}
			var p pareto.Point
			for axis := range p {
				p[axis] = means[axis][s][k]
				for j := range k + 1 {
					p[axis] += roots[axis][k][j] * normal[s][axis][j]
				}
			}
			ps = append(ps, p)
		}
		sum += costGoals.Hypervolume(ps, v.ref) - costGoals.Hypervolume(front, v.ref)
	}
	return sum / float64(len(v.fronts))
}
