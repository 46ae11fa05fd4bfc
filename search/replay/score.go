package replay

import (
	"fmt"
	"math"

	"harness/search/pareto"
)

// goals are the directions of costs: less is better in both.
var goals = pareto.Goals{pareto.Minimise, pareto.Minimise}

// scorer measures sets of costs against the true front.
type scorer struct {
	costs     []pareto.Point // by rank, scaled; NaN where a configuration fails
	reference pareto.Point   // scaled
	all       float64        // hypervolume of the true front
	front     int            // its size
}

// defaultReference is 10 % of the front's width beyond its nadir.
var defaultReference = pareto.Point{1.1, 1.1}

func (p *Problem) newScorer(reference []float64) (scorer, error) {
	s := scorer{costs: p.costs(), reference: defaultReference}
	front := goals.Front(s.costs)
	if len(front) == 0 {
		return s, errNothingWorks
	}
	s.front = len(front)
	all := make([]int, len(s.costs))
	for i := range all {
		all[i] = i
	}
	var ideal, width pareto.Point
	for k := range ideal {
		least, most := span(s.costs, front, k)
		if least == most {
			_, most = span(s.costs, all, k)
		}
		if ideal[k], width[k] = least, most-least; width[k] == 0 {
			width[k] = 1
		}
	}
	scale := func(c pareto.Point) pareto.Point {
		return pareto.Point{(c[0] - ideal[0]) / width[0], (c[1] - ideal[1]) / width[1]}
	}
	for i, c := range s.costs {
		s.costs[i] = scale(c)
	}
	if reference != nil {
		point, err := p.readReference(reference)
		if err != nil {
			return s, err
		}
		s.reference = scale(point)
		if len(p.Objectives) == 1 {
			s.reference[1] = defaultReference[1]
		}
	}
	if s.all = goals.Hypervolume(s.costs, s.reference); s.all == 0 {
		return s, fmt.Errorf("reference %v: no config of the table is better than that in every objective", reference)
	}
	return s, nil
}

// readReference is a reference point given in the objectives' own units, as costs.
func (p *Problem) readReference(reference []float64) (pareto.Point, error) {
	var point pareto.Point
	if len(reference) != len(p.Objectives) {
		return point, fmt.Errorf("reference %v has %d values for %d objectives", reference, len(reference), len(p.Objectives))
	}
	for k, o := range p.Objectives {
		v := reference[k]
		if math.IsNaN(v) || math.IsInf(v, 0) || o.Log && v <= 0 {
			return point, fmt.Errorf("reference %v of %s: want a finite number, above 0 where the column is", v, o.Column)
		}
		point[k] = o.cost(v)
	}
	return point, nil
}

// span is the least and the most of one objective among some of the costs that are
// not NaN.
func span(costs []pareto.Point, of []int, axis int) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, i := range of {
		if c := costs[i][axis]; !math.IsNaN(c) {
			least, most = min(least, c), max(most, c)
		}
	}
	return least, most
}
