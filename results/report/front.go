// Package report turns rows into what people read: the Pareto front with intervals
// and probabilities, the failures by class, and the same as JSON for scripts.
//
// The flow is NewFront and NewFailures (pure), then Text or JSON. Every number
// stands with its interval and the runs that it rests on; simulated ones say so.
package report

import (
	"math"
	"math/rand/v2"

	"harness/results"
	"harness/results/stat"
	"harness/search/pareto"
)

// Goals are the objectives of a front: TTFT p50 (s) down, output tokens/s up.
var Goals = pareto.Goals{pareto.Minimise, pareto.Maximise}

// Objectives names them, as columns of runs.
var Objectives = []string{"ttft_p50_s", "output_tps"}

// Row is one measured config at one load point.
type Row struct {
	results.Measurement
	Params  []results.Param
	Purpose string
	OnFront bool
	PFront  float64 // probability that no other row dominates it; NaN: no repeats, so no spread is known
}

// Front is the state of a study: every measured row, the front marked.
type Front struct {
	Rows      []Row        // by trial and load
	Reference pareto.Point // TTFT p50 (s) and output tokens/s
	HV        float64      // of the front against Reference, both objectives as log10; 0 without rows
	Simulated bool
}

// frontDraws gives P(front) a standard error of at most 0.011.
const frontDraws = 2000

// referenceMargin widens the reference point, so that the ends of a front count.
const referenceMargin = 1.1

// NewFront finds the front over (config, load point). The reference point is 10 %
// worse, in both objectives, than the worst of the seed trials: it stays where it is
// while a refinement goes on, so that the hypervolume can be compared.
func NewFront(trials []results.Trial, runs []results.Run) Front {
	byID := map[string]results.Trial{}
	seeds := map[string]bool{} // configs of the seed design
	for _, t := range trials {
		byID[t.TrialID] = t
		if t.Purpose == "seed" {
			seeds[t.ConfigID] = true
		}
	}
	var f Front
	var points []pareto.Point
	for _, m := range results.Collect(trials, runs) {
		t := byID[m.TrialID]
		f.Rows = append(f.Rows, Row{Measurement: m, Params: t.Params, Purpose: t.Purpose})
		f.Simulated = f.Simulated || m.Simulated
		points = append(points, pareto.Point{m.TTFT.Value, m.TPS.Value})
	}
	for _, i := range Goals.Front(points) {
		f.Rows[i].OnFront = true
	}
	for i, p := range frontProbability(f.Rows, points) {
		f.Rows[i].PFront = p
	}
	f.Reference = reference(f.Rows, seeds)
	f.HV = Goals.Hypervolume(logs(points), logs([]pareto.Point{f.Reference})[0])
	if len(points) == 0 {
		f.HV = 0
	}
	return f
}

// Points are the rows on the front.
func (f Front) Points() []Row {
	var on []Row
	for _, r := range f.Rows {
		if r.OnFront {
			on = append(on, r)
		}
	}
	return on
}

func reference(rows []Row, seeds map[string]bool) pareto.Point {
	worst := func(only bool) (ref pareto.Point, n int) {
		ref = pareto.Point{0, math.Inf(1)}
		for _, r := range rows {
			if !only || seeds[r.ConfigID] {
				ref = pareto.Point{max(ref[0], r.TTFT.Value), min(ref[1], r.TPS.Value)}
				n++
			}
		}
		return ref, n
	}
	ref, n := worst(true)
	if n == 0 {
		if ref, n = worst(false); n == 0 {
			return pareto.Point{math.NaN(), math.NaN()}
		}
	}
	return pareto.Point{ref[0] * referenceMargin, ref[1] / referenceMargin}
}

func logs(ps []pareto.Point) []pareto.Point {
	out := make([]pareto.Point, len(ps))
	for i, p := range ps {
		out[i] = pareto.Point{math.Log10(p[0]), math.Log10(p[1])}
	}
	return out
}

// frontProbability draws every row around its value at once. Two or three runs say
// little of their own spread, so the run-to-run variance of the logs is pooled over
// all rows, weighted by degrees of freedom.
func frontProbability(rows []Row, points []pareto.Point) []float64 {
	p := make([]float64, len(rows))
	sd, known := pooledSD(rows)
	if !known {
		for i := range p {
			p[i] = math.NaN()
		}
		return p
	}
	measured := make([]pareto.Measured, len(rows))
	for i, r := range rows {
		root := math.Sqrt(float64(r.TTFT.N))
		measured[i] = pareto.Measured{Value: points[i], LogSE: [2]float64{sd[0] / root, sd[1] / root}}
	}
	return Goals.FrontProbability(measured, frontDraws, rand.New(rand.NewPCG(1, 1)))
}

// pooledSD is the standard deviation of one run's log objectives.
func pooledSD(rows []Row) (sd [2]float64, known bool) {
	var ttft, tps []stat.Estimate
	for _, r := range rows {
		ttft, tps = append(ttft, r.TTFT), append(tps, r.TPS)
	}
	sd = [2]float64{stat.PooledSD(ttft), stat.PooledSD(tps)}
	return sd, !math.IsNaN(sd[0])
}
