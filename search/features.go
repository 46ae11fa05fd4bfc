package search

import (
	"math"
	"slices"

	"harness/space"
)

// encoder turns configurations into inputs of a model: a coordinate for each
// parameter that has a choice, and the last one for the load.
type encoder struct {
	lattice     *space.Lattice
	tuned       []int       // parameters
	coordinate  [][]float64 // by position in tuned and value
	categorical []bool      // by coordinate

	memory func(space.Point) float64 // Options.Memory
}

func newEncoder(l *space.Lattice) *encoder {
	params := l.Params()
	e := &encoder{lattice: l, tuned: tunedParams(params)}
	for _, i := range e.tuned {
		e.coordinate = append(e.coordinate, coordinates(params[i]))
		e.categorical = append(e.categorical, params[i].Kind != space.Ordinal)
	}
	e.categorical = append(e.categorical, false)
	return e
}

// coordinates of the values of a parameter. Those of an ordinal lie in [0, 1]: by
// their ratios where all are numbers above 0, as sizes and counts are; else in
// equal steps. Those of a category are its index.
func coordinates(p space.Param) []float64 {
	at := make([]float64, len(p.Values))
	for v := range at {
		at[v] = float64(v)
	}
	if p.Kind != space.Ordinal {
		return at
	}
	logs := make([]float64, len(at))
	for v, value := range p.Values {
		x, ok := value.AsFloat()
		if !ok || x <= 0 {
			logs = at
			break
		}
		logs[v] = math.Log(x)
	}
	lo, hi := slices.Min(logs), slices.Max(logs)
	for v := range at {
		at[v] = (logs[v] - lo) / (hi - lo)
	}
	return at
}

// encode is the input for a configuration at a load.
func (e *encoder) encode(p space.Point, load Load) []float64 {
	x := make([]float64, len(e.tuned)+1)
	for k, i := range e.tuned {
		x[k] = e.coordinate[k][p[i]]
	}
	x[len(e.tuned)] = loadCoordinate(load)
	return x
}

// prospect is a configuration as one that might be asked for.
func (e *encoder) prospect(r space.Rank, p space.Point) prospect {
	return prospect{rank: r, x: e.encode(p, Load{})}
}

// at is the input x at another load.
func (e *encoder) at(x []float64, load Load) []float64 {
	c := loadCoordinate(load)
	last := len(e.tuned)
	if x[last] == c {
		return x
	}
	return append(append(make([]float64, 0, last+1), x[:last]...), c)
}

// loadCoordinate puts loads from 1 to 256 into [0, 1], by their ratios.
func loadCoordinate(l Load) float64 {
	if l.RatePerSec > 0 {
		return math.Log2(l.RatePerSec) / 8
	}
	return math.Log2(float64(max(l.Concurrency, 1))) / 8
}
