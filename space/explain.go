package space

// An Explanation is a verdict and what would mend it.
type Explanation struct {
	Verdict
	// Repair are the values to change, the fewest that lead to a member of the
	// lattice; nil where nothing is broken, or where the configuration has names,
	// values or parameters that the lattice does not have.
	Repair Config `json:"repair,omitempty"`
}

// Explain is Check with the smallest repair: see [Lattice.Repair].
func (l *Lattice) Explain(c Config) Explanation {
	e := Explanation{Verdict: l.Check(c)}
	p, err := l.PointOf(c)
	if e.OK || err != nil {
		return e
	}
	mended := l.Repair(p)
	// What the server would change by itself need not be changed too, unless it
	// matters once the rest is mended.
	e.Repair = l.changes(l.Canon(p), mended)
	tried := l.Config(p)
	for name, v := range e.Repair {
		tried[name] = v
	}
	if !l.Check(tried).OK {
		e.Repair = l.changes(p, mended)
	}
	return e
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
