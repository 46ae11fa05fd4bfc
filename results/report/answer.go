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
	Load   string // in words
	Base   Row    // the default
	Faster *Gain  // the most throughput at no more TTFT; nil: no config has more
	Sooner *Gain  // the least TTFT at no less throughput; nil: no config has less
}

// A Gain is a config held against the default at the same load.
type Gain struct {
	Row
	TTFT, TPS stat.Interval // ratios to the default
	P         float64       // that the gain is one, by the spread of runs alone; NaN: not known
	Among     int           // configs that it was chosen from
}

// Answers compares the measured configs with the default at each load point, the
// heaviest load first. There is none where the default was not measured.
func (f Front) Answers(base map[string]string) []Answer {
	noise := f.noise()
	points := f.loadPoints()
	var all []Answer
	standard := f.standard(base)
	for i := range points {
		b, ok := standard[points[len(points)-1-i]]
		if !ok {
			continue
		}
		rows := f.at(b.LoadPoint)
		a := Answer{Load: loadText(b.Measurement), Base: b}
		a.Faster = best(rows, func(r Row) float64 {
			if r.TTFT.Value > b.TTFT.Value*(1+sameShare) {
				return 0
			}
			return r.TPS.Value / b.TPS.Value
		})
		a.Sooner = best(rows, func(r Row) float64 {
			if r.TPS.Value < b.TPS.Value*(1-sameShare) {
				return 0
			}
			return b.TTFT.Value / r.TTFT.Value
		})
		if a.Faster != nil {
			_, a.Faster.P = a.Faster.hold(b, noise)
		}
		if a.Sooner != nil {
			a.Sooner.P, _ = a.Sooner.hold(b, noise)
		}
		all = append(all, a)
	}
	return all
}

// best is the row of the highest score above 1, which is the default's.
func best(rows []Row, score func(Row) float64) *Gain {
	var g *Gain
	most := 1.0
	for _, r := range rows {
		if s := score(r); s > most {
			most, g = s, &Gain{Row: r, Among: len(rows) - 1}
		}
	}
	return g
}

// hold fills in the ratios to the default, and returns the probabilities that the TTFT is
// lower and the throughput higher.
func (g *Gain) hold(base Row, noise [2]stat.Noise) (sooner, faster float64) {
	ttft := stat.Compare(results.Values(g.Runs, ttftOf), results.Values(base.Runs, ttftOf), noise[0])
	tps := stat.Compare(results.Values(g.Runs, tpsOf), results.Values(base.Runs, tpsOf), noise[1])
	g.TTFT, g.TPS = ttft.Interval(), tps.Interval()
	return ttft.Below(0), 1 - tps.Below(0)
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

func ttftOf(r results.Run) float64 { return r.TTFTP50S }
func tpsOf(r results.Run) float64  { return r.OutputTPS }

// at are the rows of a load point.
func (f Front) at(load string) []Row {
	var rows []Row
	for _, r := range f.Rows {
		if r.LoadPoint == load {
			rows = append(rows, r)
		}
	}
	return rows
}

// spreads says at which level TTFT and throughput vary, over all rows.
func (f Front) spreads() [2]stat.Spread {
	var groups [2][][]stat.Run
	for _, r := range f.Rows {
		groups[0] = append(groups[0], results.Values(r.Runs, ttftOf))
		groups[1] = append(groups[1], results.Values(r.Runs, tpsOf))
	}
	return [2]stat.Spread{stat.SpreadOf(groups[0]), stat.SpreadOf(groups[1])}
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

// Percent writes a ratio as a signed change: "+38 %", "-4.1 %".
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
