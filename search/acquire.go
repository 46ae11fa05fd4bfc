package search

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"harness/search/gp"
	"harness/search/pareto"
	"harness/space"
)

// prospect is a configuration that might be asked for.
type prospect struct {
	rank space.Rank
	x    []float64 // its input without a load
}

// appraisal is what an outlook expects of a candidate.
type appraisal struct {
	gain    float64 // expected growth of the dominated area, if it works
	success float64 // probability that it works
	seconds float64 // that its trial takes; 1 where that is not known
	spread  float64 // product of the standard deviations of the costs
}

// worth is what the acquisition maximises: expected gain per second.
func (a appraisal) worth() float64 { return a.gain * a.success / a.seconds }

// news is what an exploring ask maximises: how much is unknown of the costs. It
// counts success twice, since to learn that a configuration fails is not its aim.
func (a appraisal) news() float64 { return a.spread * a.success * a.success }

// appraise appraises candidates, in parallel. Each result depends on its
// candidate alone.
func (v *view) appraise(cs []prospect, gain func(*view, []prospect, []appraisal)) []appraisal {
	all := make([]appraisal, len(cs))
	const least = 64 // a goroutine for fewer does not pay
	size := max(least, (len(cs)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var parts sync.WaitGroup
	for from := 0; from < len(cs); from += size {
		to := min(from+size, len(cs))
		parts.Go(func() {
			v.chances(cs[from:to], all[from:to])
			gain(v, cs[from:to], all[from:to])
		})
	}
	parts.Wait()
	return all
}

// chances fills in success and seconds.
func (v *view) chances(cs []prospect, into []appraisal) {
	x := make([][]float64, len(cs))
	for i, c := range cs {
		x[i] = c.x
		into[i].seconds = 1
	}
	for i, p := range v.success.probability(x) {
		into[i].success = p
	}
	if v.seconds != nil {
		mean, variance := v.seconds.predict(x)
		for i := range cs {
			into[i].seconds = math.Exp(mean[i] + variance[i]/2)
		}
	}
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
		a := &into[k/len(v.loads)]
		a.gain += keeps[k] * sum / float64(len(v.fronts))
		a.spread = max(a.spread, b.sd[0]*b.sd[1])
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
func setGain(loads, draws int, seed, decision uint64) func(*view, []prospect, []appraisal) {
	rng := stream(seed, decision)
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
