package main

import (
	"fmt"

	"harness/harness/study"
	"harness/results/report"
	"harness/search"
)

// effectsOf asks a model of a study's measurements what each parameter does, and says
// what that rests on.
func effectsOf(s *study.Study, state study.State, f report.Front) ([]report.Effect, string, error) {
	found, told, err := s.Effects(state)
	if err != nil {
		return nil, "", err
	}
	if len(found) == 0 {
		return nil, fmt.Sprintf("Too little was measured to say: %s worked, and the model begins at six configs.", report.Plural(told, "launch")), nil
	}
	loads := map[search.Load]string{}
	for _, r := range f.Rows {
		loads[search.Load{Concurrency: r.Concurrency, RatePerSec: r.Rate}] = r.LoadPoint
	}
	var effects []report.Effect
	for _, e := range found {
		effect := report.Effect{Param: e.Param, Load: loads[e.Load], Objective: e.Objective, Factor: report.Span(e.Factor)}
		for _, v := range e.Values {
			effect.Values = append(effect.Values, report.ValueEffect{Value: v.Value.String(), Ratio: report.Span(v.Ratio), Configs: v.Measured,
				Standard: s.Lattice.IsDefault(e.Param, v.Value)})
		}
		effects = append(effects, effect)
	}
	return effects, fmt.Sprintf("From a model like the search's own, fitted to %d launches: not measured, but what the model believes of changing one parameter alone in configs from all over the lattice, with 95 %% of its belief. Hollow marks are values that no measured config had.", told), nil
}
