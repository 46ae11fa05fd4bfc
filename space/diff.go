package space

import (
	"math/rand/v2"
	"slices"
)

// A Diff is what distinguishes one lattice from another.
type Diff struct {
	OnlyA        []string       `json:"only_a"` // parameters
	OnlyB        []string       `json:"only_b"`
	Params       []ParamDiff    `json:"params"` // parameters of both that differ
	RulesOnlyA   []string       `json:"rules_only_a"`
	RulesOnlyB   []string       `json:"rules_only_b"`
	RulesChanged []RuleDiff     `json:"rules_changed"`
	CountA       Rank           `json:"count_a"`
	CountB       Rank           `json:"count_b"`
	Sampled      int            `json:"sampled"` // members of each that the other judged
	RefusedByA   int            `json:"refused_by_a"`
	RefusedByB   int            `json:"refused_by_b"`
	ReasonsA     map[string]int `json:"reasons_a"` // rules by which A refuses members of B, and how many
	ReasonsB     map[string]int `json:"reasons_b"`
}

// A ParamDiff is what changed of one parameter; nil and "" for what did not.
type ParamDiff struct {
	Name        string  `json:"name"`
	ValuesOnlyA []Value `json:"values_only_a,omitempty"`
	ValuesOnlyB []Value `json:"values_only_b,omitempty"`
	Default     string  `json:"default,omitempty"` // "a -> b"
	Flag        string  `json:"flag,omitempty"`    // "a -> b"
}

// A RuleDiff is a rule that both have and that says other things.
type RuleDiff struct {
	ID string `json:"id"`
	A  string `json:"a"`
	B  string `json:"b"`
}

// Compare says how two lattices differ. It draws n members of each uniformly and
// asks the other for its verdict; a parameter that the other does not have is left
// out of the question.
func Compare(a, b *Lattice, n int, rng *rand.Rand) Diff {
	d := Diff{CountA: a.Count(), CountB: b.Count(), Sampled: n}
	for i := range a.params {
		p := &a.params[i]
		k := b.spec.index(p.Name)
		if k < 0 {
			d.OnlyA = append(d.OnlyA, p.Name)
		} else if diff, differs := compareParams(p, &b.params[k]); differs {
			d.Params = append(d.Params, diff)
		}
	}
	for i := range b.params {
		if a.spec.index(b.params[i].Name) < 0 {
			d.OnlyB = append(d.OnlyB, b.params[i].Name)
		}
	}
	rulesA, rulesB := ruleTexts(a.spec), ruleTexts(b.spec)
	for i := range a.spec.Rules {
		id := a.spec.Rules[i].ID
		switch other, has := rulesB[id]; {
		case !has:
			d.RulesOnlyA = append(d.RulesOnlyA, id)
		case other != rulesA[id]:
			d.RulesChanged = append(d.RulesChanged, RuleDiff{id, rulesA[id], other})
		}
	}
	for i := range b.spec.Rules {
		if id := b.spec.Rules[i].ID; rulesA[id] == "" {
			d.RulesOnlyB = append(d.RulesOnlyB, id)
		}
	}
	d.RefusedByB, d.ReasonsB = refused(a, b, n, rng)
	d.RefusedByA, d.ReasonsA = refused(b, a, n, rng)
	return d
}

func compareParams(a, b *Param) (ParamDiff, bool) {
	d := ParamDiff{Name: a.Name}
	for _, v := range a.Values {
		if !slices.Contains(b.Values, v) {
			d.ValuesOnlyA = append(d.ValuesOnlyA, v)
		}
	}
	for _, v := range b.Values {
		if !slices.Contains(a.Values, v) {
			d.ValuesOnlyB = append(d.ValuesOnlyB, v)
		}
	}
	if a.Default != b.Default {
		d.Default = a.Default.String() + " -> " + b.Default.String()
	}
	if a.Flag != b.Flag {
		d.Flag = a.Flag + " -> " + b.Flag
	}
	return d, d.ValuesOnlyA != nil || d.ValuesOnlyB != nil || d.Default != "" || d.Flag != ""
}

// ruleTexts are the rules of a spec by ID, each as one line.
func ruleTexts(s *Spec) map[string]string {
	texts := map[string]string{}
	for _, r := range s.Rules {
		if r.Expr != "" {
			texts[r.ID] = r.Class + ": " + r.Expr
		} else {
			texts[r.ID] = r.Class + ": " + r.Sets + " when " + r.When
		}
	}
	return texts
}

// refused counts which of n members of from the lattice by refuses, and why.
func refused(from, by *Lattice, n int, rng *rand.Rand) (int, map[string]int) {
	count, reasons := 0, map[string]int{}
	var p Point
	for range n {
		p = from.Unrank(from.Sample(rng), p)
		c := from.Config(p)
		for name := range c {
			if by.spec.index(name) < 0 {
				delete(c, name)
			}
		}
		v := by.Check(c)
		if v.OK {
			continue
		}
		count++
		for _, r := range v.Reasons {
			if r.Class == Hard || r.Class == Memory || r.Class == Domain {
				reasons[r.Rule]++
			}
		}
	}
	return count, reasons
}
