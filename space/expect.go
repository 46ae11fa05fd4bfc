package space

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// An Expectation is one effective value that a spec expects of a launched server, and
// where the server tells the one that it took. It is plain data, so that it can be
// part of a trial's plan. None of Keys and Log need to lead anywhere: what a server
// does not tell is not compared.
type Expectation struct {
	Param string `json:"param"`
	Value Value  `json:"value"`
	// Keys lead to the value in the server's report, one below the other, beginning at
	// any depth; the first that is there counts.
	Keys [][]string `json:"keys,omitempty"`
	// Log is a regexp on the server's log whose one group is the value; its first match
	// counts, and only where the report has none.
	Log string `json:"log,omitempty"`
	// Spelled gives what the server calls a value, by the spec's name for it.
	Spelled map[string]string `json:"spelled,omitempty"`
}

// A Difference is a parameter of which the server reports another value than the
// spec expects.
type Difference struct {
	Param    string `json:"param"`
	Expected Value  `json:"expected"`
	Reported Value  `json:"reported"`
}

// Expectations are what can be compared after a launch of a configuration, in the
// order of the parameters' names: canonical holds its effective values
// (Verdict.Canonical), and the spec's sections reported and logged say where the
// server tells its own. A value that is none is not expected: the spec does not say
// what the server takes by itself.
func (s *Spec) Expectations(canonical Config) []Expectation {
	var all []Expectation
	for _, name := range slices.Sorted(maps.Keys(canonical)) {
		keys, log := s.reported[name], s.logged[name]
		if canonical[name].IsNone() || keys == nil && log.pattern == "" {
			continue
		}
		e := Expectation{Param: name, Value: canonical[name], Keys: keys, Log: log.pattern}
		if i := s.index(name); i >= 0 && s.Params[i].ValueMap != nil || log.spelled != nil {
			e.Spelled = map[string]string{}
			if i >= 0 {
				maps.Copy(e.Spelled, s.Params[i].ValueMap)
			}
			maps.Copy(e.Spelled, log.spelled)
		}
		all = append(all, e)
	}
	return all
}

// CompareReport holds what a server tells of itself, a JSON document of any shape
// ("" is none) and its log, against what was expected. compared is how many values the
// server told.
func CompareReport(expected []Expectation, report, log []byte) (differ []Difference, compared int, err error) {
	var doc any
	if len(report) > 0 {
		if err := json.Unmarshal(report, &doc); err != nil {
			return nil, 0, fmt.Errorf("the server's report is no JSON: %w", err)
		}
	}
	for _, e := range expected {
		got, told := e.told(doc, log)
		if !told {
			continue
		}
		compared++
		if got != e.Value && !sameNumber(got, e.Value) {
			differ = append(differ, Difference{e.Param, e.Value, got})
		}
	}
	return differ, compared, nil
}

// sameNumber reports whether two values are one number: servers write 1 for 1.0, and
// logs 1.0 for 1.
func sameNumber(a, b Value) bool {
	x, xok := a.AsFloat()
	y, yok := b.AsFloat()
	return xok && yok && x == y
}

// told finds the value that the server says it took.
func (e *Expectation) told(doc any, log []byte) (Value, bool) {
	for _, keys := range e.Keys {
		found, ok := dig(doc, keys)
		if !ok {
			continue
		}
		text, err := json.Marshal(found)
		var v Value
		if err != nil || v.UnmarshalJSON(text) != nil {
			return Value{}, false
		}
		return e.named(v), true
	}
	if e.Log == "" || len(log) == 0 {
		return Value{}, false
	}
	re, err := regexp.Compile(e.Log)
	if err != nil { // the spec's loader refuses such a pattern
		return Value{}, false
	}
	m := re.FindSubmatch(log)
	if len(m) != 2 {
		return Value{}, false
	}
	return e.named(ParseValue(string(m[1]))), true
}

// named is a value by the spec's name for it.
func (e *Expectation) named(v Value) Value {
	for _, name := range slices.Sorted(maps.Keys(e.Spelled)) {
		if e.Spelled[name] == v.String() {
			return ParseValue(name)
		}
	}
	return v
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
