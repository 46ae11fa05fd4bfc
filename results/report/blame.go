package report

import (
	"cmp"
	"math"
	"slices"

	"harness/results"
)

// Blame is how often trials with one value of a parameter failed.
type Blame struct {
	Param, Value string
	Failed       int
	Trials       int // with the value, cancelled ones aside
	Low, High    float64
	Classes      map[string]int
}

// Share of the trials that failed.
func (b Blame) Share() float64 { return float64(b.Failed) / float64(b.Trials) }

// Blames tells for each value that at least one failed trial had how many failed, the
// most suspect first: by the lower end of the 95 % interval of the share (Wilson, Journal
// of the American Statistical Association 22, 1927, 209). Values that all trials share
// say nothing, and are left out.
func Blames(trials []results.Trial) []Blame {
	type key struct{ param, value string }
	byValue := map[key]*Blame{}
	launched := 0
	for _, t := range trials {
		if t.Outcome == results.Cancelled {
			continue
		}
		launched++
		for _, p := range t.Params {
			k := key{p.Name, ValueText(p.Value)}
			b := byValue[k]
			if b == nil {
				b = &Blame{Param: k.param, Value: k.value, Classes: map[string]int{}}
				byValue[k] = b
			}
			b.Trials++
			if t.Outcome == results.Failed {
				b.Failed++
				b.Classes[t.FailureClass]++
			}
		}
	}
	var all []Blame
	for _, b := range byValue {
		if b.Failed > 0 && b.Trials < launched {
			b.Low, b.High = wilson(b.Failed, b.Trials)
			all = append(all, *b)
		}
	}
	slices.SortFunc(all, func(a, b Blame) int {
		return cmp.Or(cmp.Compare(b.Low, a.Low), cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Param, b.Param), cmp.Compare(a.Value, b.Value))
	})
	return all
}

// wilson is the 95 % interval of a share.
func wilson(k, n int) (low, high float64) {
	const z = 1.959963984540054
	share, m := float64(k)/float64(n), float64(n)
	center := (share + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(share*(1-share)/m+z*z/(4*m*m))
	return max(0, center-half), min(1, center+half)
}
