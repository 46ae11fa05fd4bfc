package search

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"harness/search/gp"
	"harness/space"

	"gonum.org/v1/gonum/stat"
)

// Prior is what another study measured.
//
// One of the same lattice counts as observations of the models, as if it had been
// measured here; but its configurations are not told: they may be asked for again,
// and are on no front until they are. One of another lattice is a model of its own,
// of which this search takes the shape as far as it fits: see trend.
type Prior struct {
	Lattice *space.Lattice
	Told    []Told

	// Elsewhere: under other conditions, such as another machine or workload. Its
	// values say nothing here, though the lattice may be the same; its shape may.
	Elsewhere bool
}

// Told is a configuration and what came of one launch of it.
type Told struct {
	Rank    space.Rank // in the Prior's lattice
	Outcome Outcome
}

// validate reports what is wrong with a prior.
func (p Prior) validate() error {
	if p.Lattice == nil {
		return errors.New("a prior without a lattice: its ranks mean nothing")
	}
	h := newHistory(p.Lattice, nil)
	for _, t := range p.Told {
		if err := h.check(t.Rank); err != nil {
			return fmt.Errorf("prior: %w", err)
		}
		if err := t.Outcome.validate(nil); err != nil {
			return fmt.Errorf("prior: configuration %s: %w", t.Rank, err)
		}
	}
	return nil
}

// background is what all priors of a search come to.
type background struct {
	same   []sample    // from the same lattice
	inputs [][]float64 // from the same lattice: what worked or failed
	works  []bool      // by inputs
	trends []trend     // of the others, one for each that has enough to say
	usable []int       // by prior: points that can be read here
	sames  []bool      // by prior: it is of the same lattice
}

// trend is what one study of another lattice says of the costs: their shape there.
type trend struct {
	prior int
	costs [2]surrogate
}

// newBackground encodes priors for the models of a search.
func newBackground(priors []Prior, e *encoder, seed uint64) background {
	b := background{usable: make([]int, len(priors)), sames: make([]bool, len(priors))}
	for i, p := range priors {
		h := newHistory(p.Lattice, nil)
		for _, t := range p.Told {
			h.tell(t.Rank, t.Outcome)
		}
		if b.sames[i] = p.same(e.lattice); b.sames[i] {
			all := h.samples(e)
			b.usable[i] = len(all)
			b.same = append(b.same, all...)
			x, works := h.labels(e)
			b.inputs, b.works = append(b.inputs, x...), append(b.works, works...)
			continue
		}
		var read []sample
		for _, s := range h.samples(newEncoder(p.Lattice)) {
			if x, ok := e.translate(p.Lattice.Config(p.Lattice.Unrank(s.rank, nil)), s.load); ok {
				s.x = x
				read = append(read, s)
			}
		}
		if b.usable[i] = len(read); len(read) >= trendLeast {
			b.trends = append(b.trends, trend{i, fitTrend(read, e, seed)})
		}
	}
	for i := range b.same {
		b.same[i].kept = false // not of this study, hence on no front of it
	}
	return b
}

// same reports whether a prior's values count as observations in a lattice.
func (p Prior) same(l *space.Lattice) bool { return !p.Elsewhere && p.Lattice.ID() == l.ID() }

func fitTrend(all []sample, e *encoder, seed uint64) (costs [2]surrogate) {
	for axis := range costs {
		d := gp.Data{Categorical: e.categorical}
		for _, s := range all {
			d.X, d.Y, d.Noise = append(d.X, s.x), append(d.Y, s.costs[axis]), append(d.Noise, s.variance[axis])
		}
		costs[axis] = fitSurrogate(d, seed)
	}
	return costs
}

// translate is the input for a configuration of another lattice: by the names of
// parameters, a parameter that it lacks at the default. It is false where a value
// is not among those of this lattice.
func (e *encoder) translate(c space.Config, load Load) (x []float64, ok bool) {
	params := e.lattice.Params()
	point := e.lattice.Default()
	for _, i := range e.tuned {
		value, given := c[params[i].Name]
		if !given {
			continue
		}
		at := slices.Index(params[i].Values, value)
		if at < 0 {
			return nil, false
		}
		point[i] = uint8(at)
	}
	return e.encode(point, load), true
}

const (
	// trendLeast is how many observations of another lattice, and how many of this
	// one, it takes to compare them.
	trendLeast = 5

	// trendCorrelation is the least rank correlation of a trend that is followed.
	trendCorrelation = 0.3
)

// rankCorrelation is Spearman's, NaN where there are fewer than trendLeast values, or
// all of one kind are equal.
func rankCorrelation(y, trend []float64) float64 {
	if len(y) < trendLeast {
		return math.NaN()
	}
	return stat.Correlation(ranks(y), ranks(trend), nil)
}

// follow returns the slope with which values follow a trend at the same inputs:
// that of least squares, so their correlation in the scale of the values. It is 0
// where there are too few to tell, or their ranks correlate by less than 0.3.
func follow(y, trend []float64) float64 {
	if !(rankCorrelation(y, trend) >= trendCorrelation) {
		return 0
	}
	_, slope := stat.LinearRegression(trend, y, nil, false)
	if !finite(slope) {
		return 0
	}
	return max(slope, 0)
}

// ranks of values from the least, 0, on; equal ones share the mean of theirs.
func ranks(y []float64) []float64 {
	r := make([]float64, len(y))
	for i, v := range y {
		for _, w := range y {
			switch {
			case w < v:
				r[i]++
			case w == v:
				r[i] += 0.5
			}
		}
	}
	return r
}

// following is a surrogate of what is left of a function without its trend.
type following struct {
	rest  surrogate
	trend surrogate
	slope float64
	at    []float64 // the trend where the function was observed
}

// fitFollowing fits a surrogate to observations, along with the trend that they
// follow best, where they follow one.
func fitFollowing(d gp.Data, trends []surrogate, seed uint64) surrogate {
	i, at := best(d, trends)
	if i < 0 {
		return fitSurrogate(d, seed)
	}
	slope := follow(d.Y, at)
	rest := d
	rest.Y = make([]float64, len(d.Y))
	for i, y := range d.Y {
		rest.Y[i] = y - slope*at[i]
		at[i] *= slope
	}
	return following{rest: fitSurrogate(rest, seed), trend: trends[i], slope: slope, at: at}
}

// best is the trend of the highest rank correlation with observations, and its
// values there; -1 where they follow none.
func best(d gp.Data, trends []surrogate) (i int, at []float64) {
	i, highest := -1, 0.0
	for k, t := range trends {
		values, _ := t.predict(d.X)
		if c := rankCorrelation(d.Y, values); follow(d.Y, values) > 0 && c > highest {
			i, at, highest = k, values, c
		}
	}
	return i, at
}

// of is the trend at inputs.
func (f following) of(x [][]float64) []float64 {
	at, _ := f.trend.predict(x)
	for i := range at {
		at[i] *= f.slope
	}
	return at
}

func (f following) predict(x [][]float64) (mean, variance []float64) {
	mean, variance = f.rest.predict(x)
	add(mean, f.of(x))
	return mean, variance
}

func (f following) mean(extra [][]float64) posterior { return f.lift(f.rest.mean(extra), extra) }

func (f following) draw(extra [][]float64, draws int, rng *rand.Rand) posterior {
	return f.lift(f.rest.draw(extra, draws, rng), extra)
}

func (f following) surprises() (z, share []float64) { return f.rest.surprises() }

func (f following) truth(normal [][]float64, rng *rand.Rand) [][]float64 {
	values := f.rest.truth(normal, rng)
	for _, v := range values {
		add(v, f.at)
	}
	return values
}

// lift adds the trend to a posterior of the rest.
func (f following) lift(p posterior, extra [][]float64) posterior {
	at := slices.Concat(f.at, f.of(extra))
	l := lifted{posterior: p, following: f}
	for _, v := range p.values() {
		v = slices.Clone(v)
		add(v, at)
		l.sums = append(l.sums, v)
	}
	return l
}

// lifted is a posterior of what is left of a function, with its trend.
type lifted struct {
	posterior
	following following
	sums      [][]float64
}

func (l lifted) values() [][]float64 { return l.sums }

func (l lifted) predict(x [][]float64) (means [][]float64, variance []float64) {
	means, variance = l.posterior.predict(x)
	at := l.following.of(x)
	for s, m := range means {
		means[s] = slices.Clone(m) // of some posteriors all draws share one
		add(means[s], at)
	}
	return means, variance
}

// add adds b to a.
func add(a, b []float64) {
	for i, v := range b {
		a[i] += v
	}
}
