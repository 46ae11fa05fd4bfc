package search

import "math"

// moderate draws the variances of samples that were estimated from few runs towards
// the usual one at their load, and gives that to samples of a single run. Two runs may
// agree by chance; taken at its word, such an error would make its point's place on the
// front certain.
//
// It is the moderated variance of Smyth (Stat. Appl. Genet. Mol. Biol. 3(1), 2004,
// article 3): the usual variance counts as much as so many degrees of freedom do. They
// are those of configurations whose own standard deviations lie within a factor of
// about 1.5 of each other.
func moderate(all []sample) {
	const weight = 4
	for axis := range 2 {
		usual := make(map[Load]float64)
		for _, l := range loads(all) {
			usual[l] = usualVariance(all, l, axis)
		}
		for i := range all {
			s := &all[i]
			u := usual[s.load]
			if s.runs == 0 || !(u > 0) {
				continue
			}
			n, free := float64(s.runs), s.freedom()
			if s.variance[axis] == 0 { // unknown
				free = 0
			}
			s.variance[axis] = (weight*u/n + free*s.variance[axis]) / (weight + free)
		}
	}
}

// freedom are the degrees of freedom of its variances.
func (s sample) freedom() float64 { return float64(max(0, s.runs-s.launches)) }

// usualLeast is how many samples tell what is usual.
const usualLeast = 4

// usualVariance is the median over samples at a load of the variance of one run, 0 where
// too few are known. Each is divided by the median of its distribution, chi-squared over
// its degrees of freedom, by the approximation of Wilson and Hilferty (1931).
func usualVariance(all []sample, l Load, axis int) float64 {
	var ofRun []float64
	for _, s := range all {
		if free := s.freedom(); s.load == l && free > 0 && s.variance[axis] > 0 {
			ofRun = append(ofRun, s.variance[axis]*float64(s.runs)/math.Pow(1-2/(9*free), 3))
		}
	}
	if len(ofRun) < usualLeast {
		return 0
	}
	return quantile(ofRun, 0.5)
}
