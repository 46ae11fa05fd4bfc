package main

import (
	"fmt"

	"harness/harness/study"
	"harness/results/report"
	"harness/search"
)

// foundEffects is what a model of a study's measurements says of each parameter.
type foundEffects struct {
	effects []search.Effect
	points  int // that it was fitted to
	err     error
}

func findEffects(s *study.Study, state study.State) (found foundEffects) {
	found.effects, found.points, found.err = s.Effects(state)
	return found
}

// page gives the effects as the page takes them, and says what they rest on.
func (found foundEffects) page(s *study.Study, f report.Front) ([]report.Effect, string) {
	if len(found.effects) == 0 {
		return nil, "Too little was measured to say: the model begins at six configs that work."
	}
	loads := map[search.Load]string{}
	for _, r := range f.Rows {
		loads[search.Load{Concurrency: r.Concurrency, RatePerSec: r.Rate}] = r.LoadPoint
	}
	var effects []report.Effect
	for _, e := range found.effects {
		effect := report.Effect{Param: e.Param, Load: loads[e.Load], Objective: e.Objective, Factor: report.Span(e.Factor)}
		for _, v := range e.Values {
			effect.Values = append(effect.Values, report.ValueEffect{Value: v.Value.String(), Ratio: report.Span(v.Ratio), Configs: v.Measured,
				Standard: s.Lattice.IsDefault(e.Param, v.Value)})
		}
		effects = append(effects, effect)
	}
	return effects, fmt.Sprintf("From a model like the search's own, fitted to %s of the %s: not measured, but what the model believes of changing one parameter alone in configs from all over the lattice, with 95 %% of its belief. Hollow marks are values that no measured config had.", report.Plural(found.points, "point"), report.Plural(len(f.Rows), "measured one"))
}
