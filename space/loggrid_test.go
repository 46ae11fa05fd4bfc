package space

import (
	"strings"
	"testing"
)

func TestLogInteger(t *testing.T) {
	for _, tt := range []struct{ keys, want, fault string }{
		{"min: 8, max: 64, default: 16", "8 16 32 64", ""},
		{"min: 8, max: 50, default: 50", "8 16 32 50", ""},
		{"min: 1, max: 8, per_octave: 2, default: 1", "1 2 3 4 6 8", ""},
		{"values: [none], min: 3, max: 3, default: none", "none 3", ""},
		{"min: 0, max: 8, default: 1", "", "want 1 <= min <= max"},
		{"min: 1, max: 8, per_octave: 65, default: 1", "", "per_octave 65"},
		{"min: 8, max: 64, default: 17", "", "default 17 of p is not one of its values"},
	} {
		s, err := Parse("log.yaml", []byte("schema: 1\nengine: e\nparameters:\n  - {name: p, flag: --p, kind: log_integer, "+tt.keys+"}\n"))
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: %v, want %s", tt.keys, err, tt.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.keys, err)
		} else if got := strings.Join(valueTexts(s.Params[0].Values), " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.keys, got, tt.want)
		}
	}
	_, err := Parse("log.yaml", []byte("schema: 1\nengine: e\nparameters:\n  - {name: p, flag: --p, kind: ordinal, values: [1], max: 3, default: 1}\n"))
	if err == nil || !strings.Contains(err.Error(), "are for kind log_integer") {
		t.Error(err)
	}
}
