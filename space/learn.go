package space

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Difference is a parameter of which the server reports another value than the
// spec expects.
type Difference struct {
	Param    string `json:"param"`
	Expected Value  `json:"expected"`
	Reported Value  `json:"reported"`
}

// CompareReport holds what a server reports of itself against the effective values that
// Check expects (Verdict.Canonical). The report is JSON of any shape: the section
// reported of the spec says under which keys a parameter's value stands, wherever
// in the report these begin. What is not reported, or expected to be none (the
// spec does not say what the server takes by itself), is not compared.
func (s *Spec) CompareReport(expected Config, report []byte) ([]Difference, error) {
	var doc any
	if err := json.Unmarshal(report, &doc); err != nil {
		return nil, fmt.Errorf("the server's report is no JSON: %w", err)
	}
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(s.reported)) {
		want, known := expected[name]
		var found any
		there := false
		for _, keys := range s.reported[name] {
			if found, there = dig(doc, keys); there {
				break
			}
		}
		if !known || want.IsNone() || !there {
			continue
		}
		got, ok := s.reportedValue(name, found)
		if ok && got != want {
			all = append(all, Difference{name, want, got})
		}
	}
	return all, nil
}

// dig finds the keys one below the other, beginning at any depth: the outermost
// first, and of its like the first by name.
func dig(doc any, keys []string) (any, bool) {
	object, ok := doc.(map[string]any)
	if !ok {
		return nil, false
	}
	at, found := any(object), true
	for _, key := range keys {
		inner, ok := at.(map[string]any)
		if !ok {
			found = false
			break
		}
		if at, found = inner[key]; !found {
			break
		}
	}
	if found {
		return at, true
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if v, ok := dig(object[name], keys); ok {
			return v, true
		}
	}
	return nil, false
}

// reportedValue is a value of a report as one of the spec.
func (s *Spec) reportedValue(name string, found any) (Value, bool) {
	text, err := json.Marshal(found)
	if err != nil {
		return Value{}, false
	}
	var v Value
	if v.UnmarshalJSON(text) != nil {
		return Value{}, false
	}
	for value, spelled := range s.Params[s.index(name)].ValueMap {
		if spelled == v.String() {
			v = ParseValue(value)
		}
	}
	return v, true
}

// An Observation is one launch: what was asked for, and where the server differed
// from what the spec expects.
type Observation struct {
	Config      Config
	Differences []Difference
}

// A Lesson is one difference, how often it was seen, and the rule that would
// explain it.
type Lesson struct {
	Difference
	Seen int `json:"seen"` // launches with this difference
	Of   int `json:"of"`   // launches that were compared
	// When holds for all launches with the difference and for none without it;
	// "" where no one or two values tell them apart.
	When string `json:"when,omitempty"`
}

// Learn sums up what launches showed, the most frequent difference first.
func Learn(launches []Observation) []Lesson {
	seen := map[Difference][]int{}
	for i, o := range launches {
		for _, d := range o.Differences {
			seen[d] = append(seen[d], i)
		}
	}
	var lessons []Lesson
	for d, with := range seen {
		lessons = append(lessons, Lesson{Difference: d, Seen: len(with), Of: len(launches), When: condition(launches, with)})
	}
	slices.SortFunc(lessons, func(a, b Lesson) int {
		if a.Seen != b.Seen {
			return b.Seen - a.Seen
		}
		return strings.Compare(a.Param+" "+a.Expected.String()+" "+a.Reported.String(), b.Param+" "+b.Expected.String()+" "+b.Reported.String())
	})
	return lessons
}

// condition finds one or two values that all launches of with have and no other
// launch has, "true" where with is all of them, or "".
func condition(launches []Observation, with []int) string {
	if len(with) == len(launches) {
		return "true"
	}
	var atoms []string // values that all of with have
	first := launches[with[0]].Config
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if !slices.ContainsFunc(with, func(i int) bool { return launches[i].Config[name] != first[name] }) {
			atoms = append(atoms, name)
		}
	}
	apart := func(names ...string) bool { // do these values exclude every launch without the difference?
		for i, o := range launches {
			same := !slices.ContainsFunc(names, func(name string) bool { return o.Config[name] != first[name] })
			if same && !slices.Contains(with, i) {
				return false
			}
		}
		return true
	}
	text := func(name string) string { return name + " == " + first[name].quoted() }
	for _, a := range atoms {
		if apart(a) {
			return text(a)
		}
	}
	for i, a := range atoms {
		for _, b := range atoms[i+1:] {
			if apart(a, b) {
				return text(a) + " and " + text(b)
			}
		}
	}
	return ""
}

// Rule is the lesson as a rule for the section constraints of a spec; where
// condition is not known, it says that a person must find it.
func (l Lesson) Rule(evidence string) string {
	when, note := l.When, ""
	if when == "" {
		when, note = "false", `, note: "when is not known: no one or two values tell these launches from the others"`
	}
	id := "LEARNED_" + strings.ToUpper(l.Param)
	return fmt.Sprintf("- {id: %s, class: rewrite, when: \"%s\", set: {%s: \"%s\"}, evidence: %q%s}",
		id, when, l.Param, l.Reported.quoted(), fmt.Sprintf("%s: %d of %d launches reported %s, %s was expected", evidence, l.Seen, l.Of, l.Reported, l.Expected), note)
}
