package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"harness/space"
)

// Front is what a search says of the best of what was measured, errors allowed for.
type Front struct {
	Points []FrontPoint // by TTFT; all that are on the front with a probability of 0.05 or more
	Rest   []FrontPoint // likewise; what keeps the limits and is on it with less

	// HV is the median of the hypervolume of the front, in logarithms of both
	// objectives up to the reference; between HVLow and HVHigh it is with a
	// probability of 0.9.
	HV, HVLow, HVHigh float64

	RefTTFT, RefTPS float64 // the reference point: Options.Reference, or inferred from what was measured
}

// Reference is a point up to which dominated area counts: no worse TTFT in seconds,
// no fewer tokens per second.
type Reference struct{ TTFT, TPS float64 }

// FrontPoint is one load point of a measured configuration.
type FrontPoint struct {
	Rank space.Rank
	Load Load

	// TTFT and TPS are what is expected of further measurements: nearer to what like
	// configurations do than what was measured, the more so the less sure that is.
	// So the luck that brings one to the front does not count as its merit.
	TTFT, TPS     float64
	TTFTSE, TPSSE float64 // standard errors of their logarithms

	Launches int
	P        float64 // probability that no other measured point dominates it

	// Sure points are the likeliest of a front, each with a P of 0.5 or more: as many as
	// have no more than one among them that is dominated, with a probability of 0.9.
	Sure bool
}

// reportedLeast is the probability from which a point is reported.
const reportedLeast = 0.05

// Front reports on what was told. It has no points where nothing worked and kept
// the limits. It depends on the same as the next ask does.
func (s *Searcher) Front() Front {
	d := s.doubt()
	if d == nil {
		return Front{}
	}
	f := Front{
		HV: d.quantileOfArea(0.5), HVLow: d.quantileOfArea(0.05), HVHigh: d.quantileOfArea(0.95),
		RefTTFT: math.Exp(d.ref[0]), RefTPS: math.Exp(-d.ref[1]),
	}
	sure := d.sure()
	for i, q := range d.samples {
		p := FrontPoint{Rank: q.rank, Load: q.load, Launches: q.launches, P: min(1, d.p[i]), Sure: sure[i]}
		p.TTFT, p.TPS = math.Exp(d.mean[0][i]), math.Exp(-d.mean[1][i])
		p.TTFTSE, p.TPSSE = math.Sqrt(d.variance[0][i]), math.Sqrt(d.variance[1][i])
		if p.P < reportedLeast {
			f.Rest = append(f.Rest, p)
		} else {
			f.Points = append(f.Points, p)
		}
	}
	for _, points := range [][]FrontPoint{f.Points, f.Rest} {
		slices.SortStableFunc(points, func(a, b FrontPoint) int { return cmp.Compare(a.TTFT, b.TTFT) })
	}
	return f
}

// Confirm returns up to n configurations that were measured before, whose next
// launch settles most doubts of the front, and makes them pending. It returns
// none where no point's place is in doubt: each is on the front, or off it, with a
// probability of 0.9 or more. Told again, a launch counts beside the earlier ones.
func (s *Searcher) Confirm(n int) []Ask {
	d := s.doubt()
	if d == nil {
		return nil
	}
	var asks []Ask
	for len(asks) < n {
		i, ok := d.worst(func(r space.Rank) bool { return !slices.Contains(s.history.pending, r) })
		if !ok {
			break
		}
		q := d.samples[i]
		s.history.hold(q.rank)
		asks = append(asks, Ask{
			Rank: q.rank, Purpose: purposeConfirm, Source: SourceDoubt,
			Reason: fmt.Sprintf("confirm: on the front with probability %.2f; launch %d", d.p[i], q.launches+1),
		})
	}
	return asks
}

// doubt is that of the history; nil where nothing that was told can be on a front.
func (s *Searcher) doubt() *doubt {
	if s.doubts != nil && s.doubted == s.history.version {
		return s.doubts
	}
	s.doubts = nil
	if s.history.working() > 0 {
		o := newCostOutlook(s.history, s.encoder, s.seed)
		if r := s.reference; r != (Reference{}) {
			o.ref = Point{TTFT: r.TTFT, TPS: r.TPS}.costs()
		}
		if slices.ContainsFunc(o.samples, func(q sample) bool { return q.kept }) {
			s.doubts = newDoubt(o, s.seed)
		}
	}
	s.doubted = s.history.version
	return s.doubts
}
