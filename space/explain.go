package space

import (
	"maps"
	"slices"
)

// An Explanation is a verdict and what would mend it.
type Explanation struct {
	Verdict
	// Repair are the values to change, the fewest that lead to a member of the
	// lattice; nil where nothing is broken, or where the configuration has names or
	// values that the spec does not have.
	Repair Config `json:"repair,omitempty"`
}

// Explain is Check with the smallest repair: see [Lattice.Repair]. A parameter that
// c sets and the lattice does not tune is tuned for that.
func (l *Lattice) Explain(c Config) Explanation {
	e := Explanation{Verdict: l.Check(c)}
	if e.OK || e.Canonical == nil {
		return e
	}
	p, err := l.PointOf(c)
	if err != nil {
		if l, err = l.tuning(c); err != nil {
			return e
		}
		if p, err = l.PointOf(c); err != nil {
			return e
		}
	}
	mended := l.Repair(p)
	// A change that the server makes by itself, or that matters no more once the
	// rest is mended, need not be made.
	e.Repair = l.changes(p, mended)
	for _, name := range slices.Sorted(maps.Keys(e.Repair)) {
		tried := l.Config(p)
		maps.Copy(tried, e.Repair)
		tried[name] = c[name]
		if _, given := c[name]; !given {
			delete(tried, name)
		}
		if l.Check(tried).OK {
			delete(e.Repair, name)
		}
	}
	return e
}

// tuning is the lattice in which the parameters of c can have any value too.
func (l *Lattice) tuning(c Config) (*Lattice, error) {
	o := Options{Facts: l.judge().facts, Set: maps.Clone(l.options.Set), Tune: []string{}}
	for i, p := range l.params {
		if _, named := c[p.Name]; named {
			delete(o.Set, p.Name)
		}
		if _, named := c[p.Name]; named || l.tuned[i] {
			o.Tune = append(o.Tune, p.Name)
		}
	}
	return l.spec.Compile(o)
}

// changes are the values of q that p has not.
func (l *Lattice) changes(p, q Point) Config {
	c := Config{}
	for i := range p {
		if p[i] != q[i] {
			c[l.params[i].Name] = l.params[i].Values[q[i]]
		}
	}
	return c
}
