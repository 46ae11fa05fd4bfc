package stat

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	bootstrapDraws = 10_000 // a bound at 0.1 % rests on 10 draws still
	bootstrapUnits = 6      // fewer give too few different draws: measured, see the tests
)

// Bootstrap gives a statistic of pooled runs its interval. What is drawn, with
// replacement, is the launch with all its runs or, where there is one launch, the run
// with all its requests: drawing at the highest level alone reproduces the variance of
// all below it (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
// 3.8). runs holds the number of runs of each launch; statistic is told how often each
// run counts, runs being numbered through the launches. The percentiles are widened for
// few units as Student's t is (the expanded percentile interval of Hesterberg, The
// American Statistician 69, 2015, 371). Below six units there are no bounds.
func Bootstrap(runs []int, statistic func(times []int) float64, seed uint64) Interval {
	units := unitsOf(runs)
	times := make([]int, total(runs))
	for i := range times {
		times[i] = 1
	}
	value, n := statistic(times), len(units)
	if n < bootstrapUnits {
		return insufficient(value, n, bootstrapUnits, "launches")
	}
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	draws := make([]float64, bootstrapDraws)
	for i := range draws {
		clear(times)
		for range n {
			for _, r := range units[rng.IntN(n)] {
				times[r]++
			}
		}
		draws[i] = statistic(times)
	}
	t := math.Sqrt(float64(n)/float64(n-1)) * studentQuantile(1-alpha/2, float64(n-1))
	tail := distuv.UnitNormal.CDF(-t)
	return Interval{Value: value, Low: Quantile(draws, tail), High: Quantile(draws, 1-tail), N: n}
}

// unitsOf lists the runs of each unit: of each launch, or each run of a single one.
func unitsOf(runs []int) [][]int {
	var units [][]int
	r := 0
	for _, n := range runs {
		var unit []int
		for range n {
			unit = append(unit, r)
			r++
		}
		units = append(units, unit)
	}
	if len(units) == 1 {
		units = nil
		for i := range r {
			units = append(units, []int{i})
		}
	}
	return units
}

func total(xs []int) int {
	n := 0
	for _, x := range xs {
		n += x
	}
	return n
}

// PooledQuantile is the q quantile of all requests of a config, such as its p99 of
// TTFT; launches holds runs, which hold values. Its interval is the wider, on either
// side, of two: that of order statistics, which asks for MinValues values, and
// Bootstrap's, which knows that requests of a run are not independent. N counts values.
func PooledQuantile(launches [][][]float64, q float64, seed uint64) Interval {
	var p pool
	var runs []int
	var all []float64
	for _, l := range launches {
		runs = append(runs, len(l))
		for _, values := range l {
			p.add(values)
			all = append(all, values...)
		}
	}
	byOrder := QuantileInterval(all, q)
	if byOrder.Insufficient != "" {
		return byOrder
	}
	p.sort()
	byRun := Bootstrap(runs, func(times []int) float64 { return p.quantile(times, q) }, seed)
	byRun.N = len(all)
	if byRun.Insufficient != "" {
		if len(runs) == 1 {
			byRun.Insufficient = fmt.Sprintf("%d of %d runs", runs[0], bootstrapUnits)
		}
		return byRun
	}
	byRun.Low, byRun.High = min(byRun.Low, byOrder.Low), max(byRun.High, byOrder.High)
	return byRun
}

// pool finds quantiles of weighted runs without sorting anew: for each value in order
// it holds, for each run, how many of its values come no later.
type pool struct {
	values []float64
	run    []int
	runs   int
	upTo   [][]int32 // of a run: index of value -> count
}

func (p *pool) add(values []float64) {
	p.values = append(p.values, values...)
	for range values {
		p.run = append(p.run, p.runs)
	}
	p.runs++
}

func (p *pool) sort() {
	order := make([]int, len(p.values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p.values[a], p.values[b]) })
	sorted := make([]float64, len(order))
	p.upTo = make([][]int32, p.runs)
	for r := range p.upTo {
		p.upTo[r] = make([]int32, len(order))
	}
	for i, at := range order {
		sorted[i] = p.values[at]
		for r := range p.upTo {
			if i > 0 {
				p.upTo[r][i] = p.upTo[r][i-1]
			}
		}
		p.upTo[p.run[at]][i]++
	}
	p.values = sorted
}

// quantile is that of the multiset in which run r is there times[r] times.
func (p *pool) quantile(times []int, q float64) float64 {
	n := p.count(times, len(p.values)-1)
	at := q * float64(n-1)
	k := int(at)
	low := p.kth(times, k)
	if at == float64(k) {
		return low
	}
	return low + (at-float64(k))*(p.kth(times, k+1)-low)
}

// kth is the k-th value, from 0.
func (p *pool) kth(times []int, k int) float64 {
	low, high := 0, len(p.values)-1
	for low < high {
		middle := (low + high) / 2
		if p.count(times, middle) > k {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return p.values[low]
}

func (p *pool) count(times []int, i int) int {
	n := 0
	for r, t := range times {
		n += t * int(p.upTo[r][i])
	}
	return n
}
