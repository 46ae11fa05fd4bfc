package space

import (
	"strings"
	"testing"
)

func TestCompareReport(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8()})
	s := l.Spec()
	expected := l.Check(Config{"tp_size": Int(2), "moe_a2a_backend": String("none_")}).Canonical
	for _, tt := range []struct {
		name, report, want string
	}{
		{"as expected", `{"/server_info": {"tp_size": 2, "page_size": 1, "attention_backend": "fa3", "moe_a2a_backend": "none", "hicache_ratio": 2.0}}`, ""},
		{"other values", `{"/server_info": {"tp_size": 4, "attention_backend": "triton"}}`, "attention_backend fa3 triton, tp_size 2 4"},
		{"the first path wins", `{"cuda_graph_config": {"decode": {"max_bs": 256}}, "cuda_graph_max_bs_decode": null}`, ""},
		{"the outermost key wins", `{"a": {"tp_size": 8}, "tp_size": 2}`, ""},
		{"no prediction, no difference", `{"max_running_requests": 4096}`, ""},
		{"not one value", `{"tp_size": [2]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.CompareReport(expected, []byte(tt.report))
			var texts []string
			for _, d := range got {
				texts = append(texts, d.Param+" "+d.Expected.String()+" "+d.Reported.String())
			}
			if err != nil || strings.Join(texts, ", ") != tt.want {
				t.Errorf("%v, %v: want %s", texts, err, tt.want)
			}
		})
	}
	if _, err := s.CompareReport(expected, []byte("<html>")); err == nil {
		t.Error("no error for what is no JSON")
	}
}

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
