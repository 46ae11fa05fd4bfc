package study

import (
	"reflect"
	"strings"
	"testing"

	"harness/results"
	"harness/space"
)

// No parameter of a built-in space has the name of a column of trials: nothing of such
// a space could be stored.
func TestParametersAreNoColumnsOfTrials(t *testing.T) {
	taken := map[string]bool{}
	row := reflect.TypeFor[results.Trial]()
	for i := range row.NumField() {
		name, _, _ := strings.Cut(row.Field(i).Tag.Get("parquet"), ",")
		taken[name] = true
	}
	for _, name := range space.Names() {
		spec, err := space.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range spec.Params {
			if taken[p.Name] {
				t.Errorf("space %s: parameter %s has the name of a column: name the column otherwise", name, p.Name)
			}
		}
	}
}
