package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SD is a standard deviation of logs with its 95 % interval: near 0.02 for a spread of
// 2 %.
type SD struct {
	Interval
	DF float64 // degrees of freedom; 0: not known
}

// Spread says at which level a metric varies, over all configs that were measured.
type Spread struct {
	Run    SD // runs of one launch
	Launch SD // launches of one config, beyond what their runs explain
	// Negative says that launches differ less than their runs alone would make them:
	// the estimate of the variance was below 0, and Launch.Value is 0.
	Negative bool
	// Uneven is the coefficient of variation of the true run variance between configs;
	// 0 where they are as alike as chance makes them.
	Uneven float64
}

// SpreadOf estimates the components of variance of runs in launches in configs, which
// may have unequal numbers of both: the analysis-of-variance estimator for unbalanced
// nested designs (Searle, Casella and McCulloch, Variance Components, 1992, 3.6), of
// logs. The interval of a launch's standard deviation is Williams's (Biometrika 49,
// 1962, 278), which is exact for neither end but conservative.
func SpreadOf(configs [][]Run) Spread {
	var a anova
	for _, runs := range configs {
		a.add(byLaunch(runs))
	}
	s := Spread{Run: a.run(), Uneven: a.uneven()}
	s.Launch, s.Negative = a.launch()
	return s
}

// anova gathers sums of squares over configs.
type anova struct {
	within, between     float64 // sums of squares: runs in launches, launches in configs
	withinDF, betweenDF float64
	size                float64 // becomes the runs a launch has, effectively, after division by betweenDF
	configs             []variance
	runs, launches      int
}

func (a *anova) add(launches [][]Run) {
	w := within(launches)
	a.configs = append(a.configs, w)
	a.within += w.value * w.df
	a.withinDF += w.df
	var all []float64
	squaredSizes := 0.0
	for _, l := range launches {
		all = append(all, logs(l)...)
		squaredSizes += float64(len(l) * len(l))
	}
	a.runs += len(all)
	a.launches += len(launches)
	if len(launches) < 2 {
		return
	}
	center := Mean(all)
	for _, l := range launches {
		d := Mean(logs(l)) - center
		a.between += float64(len(l)) * d * d
	}
	a.betweenDF += float64(len(launches) - 1)
	a.size += float64(len(all)) - squaredSizes/float64(len(all))
}

func (a *anova) run() SD {
	if a.withinDF == 0 {
		return SD{Interval: insufficient(math.NaN(), a.runs, 2, "runs of one launch")}
	}
	chi := distuv.ChiSquared{K: a.withinDF}
	return SD{DF: a.withinDF, Interval: Interval{N: a.runs, Value: math.Sqrt(a.within / a.withinDF),
		Low: math.Sqrt(a.within / chi.Quantile(1-alpha/2)), High: math.Sqrt(a.within / chi.Quantile(alpha/2))}}
}

func (a *anova) launch() (sd SD, negative bool) {
	if a.betweenDF == 0 || a.withinDF == 0 {
		return SD{Interval: insufficient(math.NaN(), a.launches, a.launches+1, "launches, with two runs in some")}, false
	}
	msWithin, size := a.within/a.withinDF, a.size/a.betweenDF
	v := (a.between/a.betweenDF - msWithin) / size
	chi := distuv.ChiSquared{K: a.betweenDF}
	f := distuv.F{D1: a.betweenDF, D2: a.withinDF}
	bound := func(p float64) float64 {
		return math.Sqrt(max(0, (a.between-a.betweenDF*msWithin*f.Quantile(p))/(size*chi.Quantile(p))))
	}
	return SD{DF: a.betweenDF, Interval: Interval{N: a.launches, Value: math.Sqrt(max(0, v)),
		Low: bound(1 - alpha/2), High: bound(alpha / 2)}}, v < 0
}

// uneven compares the variance of the configs' sample variances with what chance makes
// of equal ones: relative variance 2/df each.
func (a *anova) uneven() float64 {
	if a.withinDF == 0 {
		return 0
	}
	mean := a.within / a.withinDF
	excess, df := 0.0, 0.0
	for _, c := range a.configs {
		if c.df > 0 && mean > 0 {
			d := c.value/mean - 1
			excess += c.df * (d*d - 2/c.df)
			df += c.df
		}
	}
	return math.Sqrt(max(0, excess/df))
}

// Noise is what the spread says of a config that is yet to be measured. Where configs
// are uneven, the pooled run variance is worth fewer runs: no more degrees of freedom
// than make a variance that uneven, 2/Uneven^2 (Smyth 2004, with moments in place of
// its logs).
func (s Spread) Noise() Noise {
	n := Noise{}
	if s.Run.DF > 0 {
		n.RunSD, n.RunDF = s.Run.Value, s.Run.DF
		if s.Uneven > 0 {
			n.RunDF = min(n.RunDF, 2/(s.Uneven*s.Uneven))
		}
	}
	if s.Launch.DF > 0 {
		n.LaunchSD, n.LaunchDF = s.Launch.Value, s.Launch.DF
	}
	return n
}
