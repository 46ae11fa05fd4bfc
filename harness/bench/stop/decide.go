package stop

import (
	"fmt"
	"math"
	"strings"

	"harness/results/stat"
)

// A Decision is what to do after a run.
type Decision string

// Decisions. All but Continue end the measuring of this load point.
const (
	Continue  Decision = "continue"
	Precise   Decision = "precise"    // another run of this launch would tell little
	Loses     Decision = "loses"      // a rival is no worse in any objective, and better in one
	Equal     Decision = "equal"      // a rival is the same within the band
	MissesSLO Decision = "misses slo" // a limit is exceeded
	Capped    Decision = "cap"        // Max runs, and none of the others
	Planned   Decision = "planned"    // there is no rule: all the runs that were planned are made
	Unusable  Decision = "invalid"    // run after run came out invalid
)

// A Verdict is a decision with its reason, for people.
type Verdict struct {
	Decision Decision
	Rival    string // ID of the config that decided; "" where none did
	Why      string
}

// Decide judges a config after a run. front holds the rivals: the configs that are on
// the front now, this one left out; chosenFrom is how many configs were measured to
// find them, and counts as no fewer than there are. Rivals may be from other load
// points; those of the same have blocks in common, which sharpens the comparison.
func (r Rule) Decide(c Config, front []Config, chosenFrom int) Verdict {
	r = r.withDefaults()
	if len(c.Runs) < r.Min {
		return Verdict{Decision: Continue, Why: fmt.Sprintf("run %d of at least %d", len(c.Runs), r.Min)}
	}
	claims := r.limits()
	if len(front) > 0 {
		claims += max(chosenFrom, len(front))
	}
	for i, m := range r.Metrics {
		if m.Limit == 0 {
			continue
		}
		if _, _, high := m.beyond(c.values(i), r.part(claims)); high < 0 {
			return Verdict{Decision: MissesSLO, Why: fmt.Sprintf("%s misses its limit of %.4g by %s at the least", m.Name, m.Limit, percent(high))}
		}
	}
	for _, rival := range front {
		if v := r.against(c, rival, r.part(claims)); v.Decision != Continue {
			return v
		}
	}
	if why, ok := r.precise(c); ok {
		return Verdict{Decision: Precise, Why: why}
	}
	if len(c.Runs) >= r.Max {
		return Verdict{Decision: Capped, Why: fmt.Sprintf("%d runs, the most that are made", r.Max)}
	}
	return Verdict{Decision: Continue, Why: "neither precise nor decided yet"}
}

// against compares with one rival: the config is decided where its advantage is within
// the band, or below it, in every objective.
func (r Rule) against(c, rival Config, tail float64) Verdict {
	band := math.Log1p(r.Band)
	equal, compared := true, false
	var found []string
	for i, m := range r.Metrics {
		if !m.Objective {
			continue
		}
		compared = true
		d := stat.Compare(c.values(i), rival.values(i), m.Noise)
		if m.Lower && d.Mean < -band || !m.Lower && d.Mean > band {
			return Verdict{Decision: Continue} // better as it stands: bounds would say no less
		}
		mean, low, high := m.better(d, tail)
		if !(high < band) {
			return Verdict{Decision: Continue}
		}
		equal = equal && low > -band
		found = append(found, fmt.Sprintf("%s %s, at best %s", m.Name, percent(mean), percent(high)))
	}
	switch {
	case !compared:
		return Verdict{Decision: Continue}
	case equal:
		return Verdict{Decision: Equal, Rival: rival.ID, Why: fmt.Sprintf("the same as %s within %s", rival.ID, percent(band))}
	}
	return Verdict{Decision: Loses, Rival: rival.ID, Why: fmt.Sprintf("better (+) or worse (-) than %s: %s", rival.ID, strings.Join(found, "; "))}
}

// enoughLaunches are the degrees of freedom from which on the spread of launches may say
// that a further run is of no use: of fewer, two that differ by chance would end all.
const enoughLaunches = 3

// precise reports whether another run of this launch is worth its time: not where the
// interval of each metric is narrow enough, nor where the run part of the error is half
// of what launches differ by, so that all further runs could make it an eighth smaller
// and another launch would tell more. Looking again and again costs no coverage here
// where the variance is known from other configs, since the mean of normal logs is
// independent of the variance that the decision rests on (Chow and Robbins, Annals of
// Mathematical Statistics 36, 1965, 457).
func (r Rule) precise(c Config) (why string, ok bool) {
	var found []string
	for i, m := range r.Metrics {
		if m.Precision == 0 {
			continue
		}
		noise := m.Noise
		noise.LaunchSD, noise.LaunchDF = 0, math.Inf(1)
		mean := stat.MeanOf(c.values(i), noise)
		low, high := mean.Bounds(r.Error / 2)
		half := strings.TrimPrefix(percent((high-low)/2), "+")
		switch {
		case (high-low)/2 <= math.Log1p(m.Precision):
			found = append(found, fmt.Sprintf("%s known to %s", m.Name, half))
		case m.Noise.LaunchDF >= enoughLaunches && mean.SE <= m.Noise.LaunchSD/2:
			found = append(found, fmt.Sprintf("%s known to %s for this launch, and launches differ by %s", m.Name, half, strings.TrimPrefix(percent(m.Noise.LaunchSD), "+")))
		default:
			return "", false
		}
	}
	return strings.Join(found, "; "), len(found) > 0
}

// percent writes a difference of logs as a change.
func percent(d float64) string { return fmt.Sprintf("%+.2g %%", 100*math.Expm1(d)) }
