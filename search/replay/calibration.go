package replay

import (
	"math"
	"slices"

	"harness/search"
	"harness/search/pareto"
)

// FrontPoint is one configuration that a run reports as perhaps on the front.
type FrontPoint struct {
	Rank     uint64
	Launches int
	P        float64 // probability, as the run says, that it is on the front of what was measured
	Sure     bool    // see search.FrontPoint
	OnFront  bool    // it is, by the true values
}

// judge holds what a search says of its front against the truth.
func (p *Problem) judge(f search.Front, asks []Ask) []FrontPoint {
	points := []FrontPoint{}
	var measured []uint64
	for _, a := range asks {
		if !a.Failed && !slices.Contains(measured, a.Rank) {
			measured = append(measured, a.Rank)
		}
	}
	truth := make([]pareto.Point, len(measured))
	for i, r := range measured {
		truth[i] = p.score.costs[r]
	}
	front := goals.Front(truth)
	for _, q := range f.Points {
		_, on := slices.BinarySearch(front, slices.Index(measured, q.Rank.Lo))
		points = append(points, FrontPoint{q.Rank.Lo, q.Launches, q.P, q.Sure, on})
	}
	return points
}

// FrontReport says how far the fronts can be trusted that runs with noise report.
type FrontReport struct {
	Points         float64 `json:"points"`          // that a run reports as sure (see search.FrontPoint); mean
	Dominated      float64 `json:"dominated"`       // of those, by the true values of something else measured; mean
	DominatedWorst int     `json:"dominated_worst"` // of one run
	// Confirmed is the number of launches that confirmed a front; mean.
	Confirmed float64 `json:"confirmed"`
	// Calibration compares the stated probabilities of being on the front with how
	// often it was so.
	Calibration []CalibrationBin `json:"calibration"`
	// CalibrationError is the largest distance of the two in a bin of at least 100
	// points; null where there is none.
	CalibrationError *float64 `json:"calibration_error"`
}

// CalibrationBin is the points whose stated probability lies in a tenth.
type CalibrationBin struct {
	From    float64 `json:"from"`
	Points  int     `json:"points"`
	Stated  float64 `json:"stated"`   // mean probability
	OnFront float64 `json:"on_front"` // share that is on the true front of what its run measured
}

// minBin is the least number of points of a bin that is held against its statement:
// the standard error of a share is then 0.05 at most, so that a distance of 0.1 is no
// chance. Of ten bins of 20 points one is as far off when all is right.
const minBin = 100

// reportFronts is nil where the runs had no noise.
func reportFronts(runs []Run) *FrontReport {
	var r FrontReport
	bins := make([]CalibrationBin, 10)
	measured := false
	for _, run := range runs {
		measured = measured || run.Front != nil
		dominated := 0
		r.Confirmed += float64(run.confirmed())
		for _, f := range run.Front {
			if f.Sure {
				r.Points++
				if !f.OnFront {
					dominated++
				}
			}
			b := &bins[min(9, int(10*f.P))]
			b.Points++
			b.Stated += f.P
			if f.OnFront {
				b.OnFront++
			}
		}
		r.Dominated += float64(dominated)
		r.DominatedWorst = max(r.DominatedWorst, dominated)
	}
	if !measured {
		return nil
	}
	r.Confirmed /= float64(len(runs))
	r.Points /= float64(len(runs))
	r.Dominated /= float64(len(runs))
	worst := math.Inf(-1)
	for i, b := range bins {
		if b.Points == 0 {
			continue
		}
		b.From = float64(i) / 10
		b.Stated /= float64(b.Points)
		b.OnFront /= float64(b.Points)
		if b.Points >= minBin {
			worst = max(worst, math.Abs(b.Stated-b.OnFront))
		}
		r.Calibration = append(r.Calibration, b)
	}
	r.CalibrationError = finite(worst)
	return &r
}
