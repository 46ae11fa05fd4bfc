package space

import "testing"

func TestExplainRepair(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8()})
	for _, tt := range []struct {
		name   string
		c      Config
		repair string
	}{
		{"nothing to mend", Config{"tp_size": Int(8)}, ""},
		{"one value", Config{"tp_size": Int(8), "dp_size": Int(2)}, "dp_size=1"},
		{"one that is not tuned", Config{"enable_hierarchical_cache": Bool(true), "disable_radix_cache": Bool(true)}, "disable_radix_cache=false"},
		{"a name that is none", Config{"tp": Int(8)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if e := l.Explain(tt.c); e.Repair.String() != tt.repair {
				t.Errorf("repair %v, want %s: %v", e.Repair, tt.repair, e.Reasons)
			}
		})
	}
}
