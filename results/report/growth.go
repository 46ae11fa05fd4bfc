package report

import (
	"math/rand/v2"

	"harness/results"
	"harness/results/stat"
	"harness/search/pareto"
)

// Growth is how the hypervolume of the front grew, in log10 of both objectives against
// the front's reference.
type Growth struct {
	All     []Step // by trial, in the order of launches
	Chosen  []Step // of the configs that the search chose, alone
	Control []Band // of as many uniform draws, alone; empty: there are none
}

// A Step is the hypervolume after a trial.
type Step struct {
	TrialID string
	HV      float64
}

// Band is the mean over orders of the same trials, and the range of 90 % of them.
type Band struct{ Mean, Low, High float64 }

// growthOrders is how many orders of the uniform draws are averaged: their order means
// nothing, that of the chosen ones does.
const growthOrders = 100

// Growth follows the front over the trials.
func (f Front) Growth(trials []results.Trial) Growth {
	points := map[string][]pareto.Point{}
	for _, r := range f.Rows {
		if r.Kept {
			points[r.ConfigID] = append(points[r.ConfigID], r.point())
		}
	}
	ref := logs([]pareto.Point{f.Reference})[0]
	var g Growth
	all, chosen := climb{goals: f.goals()}, climb{goals: f.goals()}
	var uniform [][]pareto.Point
	seen := map[string]bool{}
	for _, t := range trials {
		var own []pareto.Point
		if !seen[t.ConfigID] {
			own = logs(points[t.ConfigID])
		}
		seen[t.ConfigID] = true
		g.All = append(g.All, Step{t.TrialID, all.add(own, ref)})
		switch t.Purpose {
		case "ask":
			g.Chosen = append(g.Chosen, Step{t.TrialID, chosen.add(own, ref)})
		case "control":
			uniform = append(uniform, own)
		}
	}
	g.Control = shuffled(uniform, f.goals(), ref)
	return g
}

// climb is a front that points are added to.
type climb struct {
	goals pareto.Goals
	front []pareto.Point
}

// add returns the hypervolume with further points.
func (c *climb) add(points []pareto.Point, ref pareto.Point) float64 {
	c.front = append(c.front, points...)
	var on []pareto.Point
	for _, i := range c.goals.Front(c.front) {
		on = append(on, c.front[i])
	}
	c.front = on
	if len(on) == 0 {
		return 0
	}
	return c.goals.Hypervolume(on, ref)
}

// shuffled is the growth of trials in a random order.
func shuffled(trials [][]pareto.Point, goals pareto.Goals, ref pareto.Point) []Band {
	if len(trials) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	heights := make([][]float64, len(trials)) // by trials, then order
	for range growthOrders {
		c := climb{goals: goals}
		for k, i := range rng.Perm(len(trials)) {
			heights[k] = append(heights[k], c.add(trials[i], ref))
		}
	}
	bands := make([]Band, len(trials))
	for k, h := range heights {
		bands[k] = Band{stat.Mean(h), stat.Quantile(h, 0.05), stat.Quantile(h, 0.95)}
	}
	return bands
}
