// Package pareto compares sets of points that have two objectives.
//
// Goals says for each objective whether less or more is better; its methods are
// the operations: Dominates, Front and Ranks put points in order; Hypervolume
// and Contributions measure a set against a reference point; IGD, IGDPlus,
// EpsilonAdd and EpsilonMult measure it against a reference front; Attainment
// summarises several sets; DominanceProbability and FrontProbability say how sure
// dominance and membership of the front are when points are measured with error.
// Crowding needs no direction.
//
// The package works in the units that it is given. Where ratios matter more
// than differences, as with latency and throughput, give it logarithms.
//
// Non-finite coordinates: a point with a NaN is no point. It neither dominates
// nor is dominated, is on no front, has rank -1 and adds nothing to any measure.
// An infinite coordinate is the best or the worst there is, and keeps its place
// in the order; measures of distance leave points with one out. No function
// changes the slices that it is given.
package pareto

import "math"

// Point holds the values of the two objectives.
type Point [2]float64

// Direction says which values of an objective are better.
type Direction int8

// The zero value of Direction is Minimise.
const (
	Minimise Direction = iota
	Maximise
)

// Goals has the direction of each of the two objectives. The zero value
// minimises both.
type Goals [2]Direction

// Dominates reports whether a is at least as good as b in both objectives and
// better in one. It is false when either point has a NaN.
func (g Goals) Dominates(a, b Point) bool {
	return dominates(g.orient(a), g.orient(b))
}

// dominates is Dominates where less is better.
func dominates(a, b Point) bool {
	return a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1])
}

// orient turns a point so that less is better in both objectives, and back.
func (g Goals) orient(p Point) Point {
	for i, d := range g {
		if d == Maximise {
			p[i] = -p[i]
		}
	}
	return p
}

// finite returns the finite ones of ps, oriented.
func (g Goals) finite(ps []Point) []Point {
	out := make([]Point, 0, len(ps))
	for _, p := range ps {
		if isFinite(p) {
			out = append(out, g.orient(p))
		}
	}
	return out
}

func isFinite(p Point) bool {
	// x-x is 0 for finite x and NaN for the others.
	return p[0]-p[0] == 0 && p[1]-p[1] == 0
}

func hasNaN(p Point) bool { return math.IsNaN(p[0]) || math.IsNaN(p[1]) }
