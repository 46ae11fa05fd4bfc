package space

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	a := compile(t, "sglang18", Options{Facts: llama8()})
	same := Compare(a, a, 50, rand.New(rand.NewPCG(1, 1)))
	if same.Params != nil || same.RulesChanged != nil || same.RefusedByA+same.RefusedByB != 0 || same.CountA != same.CountB {
		t.Errorf("a lattice differs from itself: %+v", same)
	}
	changed := strings.Replace(string(a.Spec().Source), "tp_size*pp_size*dp_size <= device_num", "tp_size*pp_size*dp_size < device_num", 1)
	if changed == string(a.Spec().Source) {
		t.Fatal("the rule has another text now: mend the test")
	}
	s, err := Parse("other.yaml", []byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Compile(Options{Facts: llama8(), Set: map[string][]Value{"page_size": {None(), Int(16)}}})
	if err != nil {
		t.Fatal(err)
	}
	d := Compare(a, b, 200, rand.New(rand.NewPCG(1, 1)))
	if len(d.RulesChanged) != 1 || d.RulesChanged[0].ID != "devices" || d.RefusedByB == 0 || d.RefusedByA != 0 || d.ReasonsB["devices"] != d.RefusedByB {
		t.Errorf("%+v", d)
	}
	if len(d.Params) != 1 || d.Params[0].Name != "page_size" || !slices.Contains(d.Params[0].ValuesOnlyA, Int(256)) {
		t.Errorf("%+v", d.Params)
	}
	full := Compare(a, compile(t, "sglang", Options{Facts: llama8()}), 20, rand.New(rand.NewPCG(1, 1)))
	if !slices.Contains(full.OnlyB, "quantization") || full.OnlyA != nil || len(full.RulesOnlyA) != 7 {
		t.Errorf("%+v", full)
	}
}
