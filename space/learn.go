package space

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
