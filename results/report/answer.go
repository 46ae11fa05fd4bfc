package report

import (
	"fmt"
	"math"

	"harness/results"
	"harness/results/stat"
)

// sameShare is how much worse an objective may be and still count as the same.
const sameShare = 0.02

// An Answer says what choosing a config gains at one load point, beside the default.
type Answer struct {
	Load  string // in words
	Base  Row    // the default
	Gains [2]*Gain
	// Gains[k] is best in objective k of the configs that are no worse in the other one
	// and keep the limits; nil: none is better than the default.
}

// A Gain is a config held against the default at the same load.
type Gain struct {
	Row
	Ratios [2]stat.Interval // of the objectives to the default's
	P      float64          // that the gain is one, by the spread of runs alone; NaN: not known
}

// Answers compares the measured configs with the default at each load point, the
// heaviest load first. There is none where the default was not measured.
func (f Front) Answers(base map[string]string) []Answer {
	noise, standard := f.noise(), f.standard(base)
	points := f.loadPoints()
	var all []Answer
	for i := range points {
		b, ok := standard[points[len(points)-1-i]]
		if !ok {
			continue
		}
		a := Answer{Load: loadText(b.Measurement), Base: b}
		for k := range a.Gains {
			if a.Gains[k] = f.best(b, k); a.Gains[k] != nil {
				a.Gains[k].P = f.hold(a.Gains[k], b, noise)[k]
			}
		}
		all = append(all, a)
	}
	return all
}

// best is the row at the default's load that is best in objective k and no worse in the
// other.
func (f Front) best(base Row, k int) *Gain {
	var g *Gain
	most := 1.0
	for _, r := range f.Rows {
		if r.LoadPoint != base.LoadPoint || !r.Kept || f.better(1-k, r, base) < 1-sameShare {
			continue
		}
		if s := f.better(k, r, base); s > most {
			most, g = s, &Gain{Row: r}
		}
	}
	return g
}

// better is the ratio of a row's objective to another's, above 1 where it is better.
func (f Front) better(k int, r, base Row) float64 {
	ratio := r.Values[k].Value / base.Values[k].Value
	if !f.Aim.Objectives[k].Higher {
		return 1 / ratio
	}
	return ratio
}

// hold fills in the ratios to the default, and returns the probabilities that each
// objective is better.
func (f Front) hold(g *Gain, base Row, noise [2]stat.Noise) (p [2]float64) {
	for k, o := range f.Aim.Objectives {
		d := stat.Compare(results.Values(g.Runs, o.Of), results.Values(base.Runs, o.Of), noise[k])
		g.Ratios[k] = d.Interval()
		if p[k] = d.Below(0); o.Higher {
			p[k] = 1 - p[k]
		}
	}
	return p
}

// standard is the default's row at each load point at which it was measured.
func (f Front) standard(base map[string]string) map[string]Row {
	rows := map[string]Row{}
	for _, r := range f.Rows {
		if isDefault(r, base) {
			rows[r.LoadPoint] = r
		}
	}
	return rows
}

// spreads says at which level the objectives vary, over all rows.
func (f Front) spreads() (s [2]stat.Spread) {
	for k, o := range f.Aim.Objectives {
		var groups [][]stat.Run
		for _, r := range f.Rows {
			groups = append(groups, results.Values(r.Runs, o.Of))
		}
		s[k] = stat.SpreadOf(positive(groups))
	}
	return s
}

func (f Front) noise() [2]stat.Noise {
	s := f.spreads()
	return [2]stat.Noise{s[0].Noise(), s[1].Noise()}
}

// loadText is a load point in words.
func loadText(m results.Measurement) string {
	switch {
	case m.Concurrency > 0:
		return Plural(m.Concurrency, "request") + " in flight"
	case m.Rate > 0:
		return Number(m.Rate) + " requests/s"
	default:
		return "the trace's load"
	}
}

// Percent writes a ratio as a signed change: "+38 %", "-4.1 %"; from 3 on as a multiple.
func Percent(ratio float64) string {
	p := 100 * (ratio - 1)
	switch {
	case math.IsNaN(p):
		return "?"
	case ratio >= 3:
		return Number(ratio) + "x"
	case math.Abs(p) < 9.95:
		return fmt.Sprintf("%+.1f %%", p)
	}
	return fmt.Sprintf("%+.0f %%", p)
}
