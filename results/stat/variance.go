package stat

import "math"

// variance is an estimate of one, with its degrees of freedom; 0: nothing is known.
type variance struct{ value, df float64 }

// varianceOf is the sample variance of xs.
func varianceOf(xs []float64) variance {
	if len(xs) < 2 {
		return variance{}
	}
	return variance{squares(xs) / float64(len(xs)-1), float64(len(xs) - 1)}
}

// squares is the sum of squared deviations from the mean.
func squares(xs []float64) float64 {
	mean, s := Mean(xs), 0.0
	for _, x := range xs {
		s += (x - mean) * (x - mean)
	}
	return s
}

// within is the variance of logs of runs around the means of their launches.
func within(launches [][]Run) variance {
	s, df := 0.0, 0.0
	for _, l := range launches {
		s += squares(logs(l))
		df += float64(len(l) - 1)
	}
	if df == 0 {
		return variance{}
	}
	return variance{s / df, df}
}

func (v variance) times(f float64) variance { return variance{v.value * f, v.df} }

// around makes it the squared standard error of a mean.
func (v variance) around(mean float64, n int) LogMean {
	if v.df == 0 {
		return LogMean{Mean: mean, SE: math.NaN(), N: n}
	}
	return LogMean{Mean: mean, SE: math.Sqrt(v.value), DF: v.df, N: n}
}

// sum adds independent variances, with Satterthwaite's degrees of freedom (Biometrics
// Bulletin 2, 1946, 110). Where one of them is not known, the sum is not.
func sum(vs ...variance) variance {
	total, spent := 0.0, 0.0
	for _, v := range vs {
		if v.df == 0 {
			return variance{}
		}
		total += v.value
		spent += v.value * v.value / v.df // 0 where it is certain
	}
	if spent == 0 {
		return variance{total, math.Inf(1)}
	}
	return variance{total, total * total / spent}
}

// run weighs a config's own run variance with the one known beforehand, by degrees of
// freedom (the moderated variance of Smyth, Statistical Applications in Genetics and
// Molecular Biology 3, 2004, article 3). own is of differences of two runs where times
// is 2.
func (n Noise) run(own variance, times float64) variance {
	prior := times * n.RunSD * n.RunSD
	switch {
	case n.RunDF == 0:
		return own
	case math.IsInf(n.RunDF, 1):
		return variance{prior, n.RunDF}
	}
	df := n.RunDF + own.df
	return variance{(n.RunDF*prior + own.df*own.value) / df, df}
}

// launch is the known variance between launches; certainly none where it is not known.
func (n Noise) launch(times float64) variance {
	if n.LaunchDF == 0 {
		return variance{0, math.Inf(1)}
	}
	return variance{times * n.LaunchSD * n.LaunchSD, n.LaunchDF}
}

func unitMean(xs []float64) LogMean {
	return varianceOf(xs).times(1/float64(len(xs))).around(Mean(xs), len(xs))
}

// welch compares two samples whose variances may differ; of a single value the variance
// is taken to be that of the other sample.
func welch(x, y []float64) LogMean {
	vx, vy := varianceOf(x), varianceOf(y)
	n, m := float64(len(x)), float64(len(y))
	v := sum(vx.times(1/n), vy.times(1/m))
	switch {
	case vx.df == 0:
		v = vy.times(1/n + 1/m)
	case vy.df == 0:
		v = vx.times(1/n + 1/m)
	}
	return v.around(Mean(x)-Mean(y), min(len(x), len(y)))
}
