package space

import (
	"testing"
)

func TestLearn(t *testing.T) {
	d := Difference{"page_size", Int(1), Int(64)}
	launch := func(tp int64, policy string, differs bool) Observation {
		o := Observation{Config: Config{"tp_size": Int(tp), "schedule_policy": String(policy)}}
		if differs {
			o.Differences = []Difference{d}
		}
		return o
	}
	for _, tt := range []struct {
		name     string
		launches []Observation
		want     string
	}{
		{"all", []Observation{launch(1, "fcfs", true), launch(2, "lpm", true)}, "true"},
		{"one value", []Observation{launch(1, "fcfs", false), launch(2, "lpm", true), launch(2, "fcfs", true)}, "tp_size == 2"},
		{"two values", []Observation{launch(1, "lpm", false), launch(2, "lpm", true), launch(2, "fcfs", false)}, "schedule_policy == 'lpm' and tp_size == 2"},
		{"none", []Observation{launch(2, "lpm", false), launch(2, "lpm", true)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lessons := Learn(tt.launches)
			if len(lessons) != 1 || lessons[0].When != tt.want || lessons[0].Of != len(tt.launches) {
				t.Fatalf("%+v, want %q", lessons, tt.want)
			}
			rule := "schema: 1\nengine: e\nparameters:\n" +
				"  - {name: tp_size, flag: -t, kind: ordinal, values: [1, 2], default: 1}\n" +
				"  - {name: page_size, flag: -p, kind: ordinal, values: [1, 64], default: 1}\n" +
				"  - {name: schedule_policy, flag: -s, kind: categorical, values: [fcfs, lpm], default: lpm}\n" +
				"constraints:\n  " + lessons[0].Rule("study x") + "\n"
			if _, err := Parse("learned.yaml", []byte(rule)); err != nil {
				t.Errorf("%v\n%s", err, rule)
			}
		})
	}
	if got := Learn(nil); len(got) != 0 {
		t.Error(got)
	}
}
