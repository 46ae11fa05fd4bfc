package search

import (
	"math/rand/v2"

	"harness/search/pareto"
)

// isControl reports whether the ask that follows n known configurations is a
// control: such that a share of all asks is.
func isControl(n int, share float64) bool {
	return int(float64(n+1)*share) > int(float64(n)*share)
}

// control is a uniform ask, against which the others can be held.
func control(h *history, rng *rand.Rand) (Ask, bool) {
	a, ok := uniform{}.propose(h, rng)
	a.Purpose, a.Reason = purposeControl, "control: a uniform sample, to hold the others against"
	return a, ok
}

// Benefit says whether choosing helped, against uniform draws and the default.
type Benefit struct {
	// Compared is how many trials of each kind are held against each other: as many
	// as there are of the fewer. 0 where there are none of one kind.
	Compared int

	// Chosen and Control are the hypervolumes, in logarithms, that so many trials
	// reach on average, up to the worst that any trial measured.
	Chosen, Control float64

	// PBetter is the share of resamples in which the chosen ones reach more; ties
	// count half.
	PBetter float64

	// TTFTRatio is the least TTFT of all that has no less TPS than the baseline, as a
	// share of its TTFT: 0.8 is 20 % less. TPSRatio is the most TPS with no more TTFT,
	// as a multiple of its TPS. Both are 1 where nothing is better, 0 where the
	// baseline failed.
	TTFTRatio, TPSRatio float64
}

// benefitDraws is the number of resamples.
const benefitDraws = 1000

// NewBenefit compares trials that a search chose with uniform ones (Ask.Purpose
// control), and all with the baseline. Each outcome is one trial; failures count
// as trials that reached nothing.
func NewBenefit(chosen, uniform []Outcome, baseline Outcome, seed uint64) Benefit {
	b := Benefit{Compared: min(len(chosen), len(uniform))}
	b.compareWith(append(append([]Outcome{baseline}, chosen...), uniform...), baseline)
	if b.Compared == 0 {
		return b
	}
	a, c := trialCosts(chosen), trialCosts(uniform)
	ref := pareto.Point{}
	for _, points := range append(append([][]pareto.Point{}, a...), c...) {
		for _, p := range points {
			if ref == (pareto.Point{}) {
				ref = p
			}
			ref = pareto.Point{max(ref[0], p[0]), max(ref[1], p[1])}
		}
	}
	rng := stream(seed, 0)
	for range benefitDraws {
		x, y := resampledArea(a, b.Compared, ref, rng), resampledArea(c, b.Compared, ref, rng)
		b.Chosen += x / benefitDraws
		b.Control += y / benefitDraws
		switch {
		case x > y:
			b.PBetter += 1. / benefitDraws
		case x == y:
			b.PBetter += 0.5 / benefitDraws
		}
	}
	return b
}

// compareWith fills in the ratios to the baseline.
func (b *Benefit) compareWith(all []Outcome, baseline Outcome) {
	if !baseline.ok() {
		return
	}
	b.TTFTRatio, b.TPSRatio = 1, 1
	for _, base := range baseline.Points {
		for _, o := range all {
			if !o.ok() {
				continue
			}
			for _, p := range o.Points {
				if p.TPS >= base.TPS {
					b.TTFTRatio = min(b.TTFTRatio, p.TTFT/base.TTFT)
				}
				if p.TTFT <= base.TTFT {
					b.TPSRatio = max(b.TPSRatio, p.TPS/base.TPS)
				}
			}
		}
	}
}

// trialCosts are the costs of each trial's points, none of a failure.
func trialCosts(trials []Outcome) [][]pareto.Point {
	costs := make([][]pareto.Point, len(trials))
	for i, o := range trials {
		if o.ok() {
			for _, p := range o.Points {
				costs[i] = append(costs[i], p.costs())
			}
		}
	}
	return costs
}

// resampledArea is what n of the trials, drawn with replacement, dominate.
func resampledArea(trials [][]pareto.Point, n int, ref pareto.Point, rng *rand.Rand) float64 {
	var points []pareto.Point
	for range n {
		points = append(points, trials[rng.IntN(len(trials))]...)
	}
	return costGoals.Hypervolume(points, ref)
}
