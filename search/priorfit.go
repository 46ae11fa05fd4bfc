package search

import "math"

// PriorFit is what a search makes of one of its priors.
type PriorFit struct {
	Same   bool // its values count as observations; what follows is about the others
	Usable int  // points of it that this lattice can read

	// Compared is how many points of this search it was held against; below five
	// nothing is concluded, and Correlation is NaN.
	Compared    int
	Correlation [2]float64 // of ranks, of TTFT and of TPS
	Kept        [2]bool    // the model of TTFT, of TPS, follows it
}

// Priors tells, in the order of Options.Prior, what became of each: one of another
// lattice is kept, for each objective, where what was told correlates with it by 0.3
// or more, and with no other more.
func (s *Searcher) Priors() []PriorFit {
	b := s.history.background
	fits := make([]PriorFit, len(b.usable))
	for i := range fits {
		fits[i] = PriorFit{Same: b.sames[i], Usable: b.usable[i], Correlation: [2]float64{math.NaN(), math.NaN()}}
	}
	if len(b.trends) == 0 || s.history.working() == 0 {
		return fits
	}
	o := s.history.observed(s.encoder)
	for axis := range o.costs {
		d := o.costData(axis)
		if len(d.Y) == 0 {
			continue
		}
		followed, _ := best(d, b.trendsOf(axis))
		for k, t := range b.trends {
			at, _ := t.costs[axis].predict(d.X)
			f := &fits[t.prior]
			f.Compared, f.Correlation[axis], f.Kept[axis] = len(d.Y), rankCorrelation(d.Y, at), k == followed
		}
	}
	return fits
}

// trendsOf are those of one cost.
func (b background) trendsOf(axis int) []surrogate {
	var list []surrogate
	for _, t := range b.trends {
		list = append(list, t.costs[axis])
	}
	return list
}
