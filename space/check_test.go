package space

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8(), Tune: []string{"all"}})
	for _, tt := range []struct {
		name    string
		c       Config
		ok      bool
		reasons []Reason // rule, class, and a part of the message
		changed Config   // part of the canonical form
	}{
		{"the default", Config{}, true, nil, Config{"attention_backend": String("fa3"), "attn_dp_size": Int(1), "mem_fraction_static": Float(0.83)}},
		{"too many GPUs", Config{"tp_size": Int(8), "dp_size": Int(2)}, false,
			[]Reason{{"GPUS", Hard, "gpus_needed <= device_num is false: gpus_needed=16, device_num=8 (from tp_size=8, dp_size=2)"}}, nil},
		{"two faults", Config{"enable_two_batch_overlap": Bool(true), "decode_attention_backend": String("torch_native")}, false,
			[]Reason{{"TBO_NEEDS_EP_OR_DPA", Hard, "enable_two_batch_overlap=true"}, {"NATIVE_DECODE_GRAPH", Hard, "attn_decode=torch_native"}}, nil},
		{"a rewrite", Config{"pp_size": Int(2)}, true,
			[]Reason{{"PP_NO_OVERLAP", Rewrite, "disable_overlap_schedule false becomes true because pp_size > 1"}}, Config{"disable_overlap_schedule": Bool(true)}},
		{"an idle value", Config{"num_continuous_decode_steps": Int(4), "hicache_ratio": Int(4)}, true,
			[]Reason{{"DEAD_FLAG", Inactive, "num_continuous_decode_steps 4 becomes 1"}, {"hicache_ratio.active_if", Inactive, "because enable_hierarchical_cache is false"}},
			nil},
		{"a prior", Config{"max_running_requests": Int(16)}, true, []Reason{{"GRAPHS_COVER", Soft, "eff_cg_bs=16"}}, nil},
		{"an unknown name and value", Config{"tp_sizes": Int(2), "page_size": Int(65)}, false,
			[]Reason{{"page_size", Domain, "page_size cannot be 65"}, {"tp_sizes", Domain, "did you mean tp_size?"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := l.Check(tt.c)
			if v.OK != tt.ok || (v.Rank != nil) != tt.ok {
				t.Errorf("ok = %v, rank %v, want %v: %v", v.OK, v.Rank, tt.ok, v.Reasons)
			}
			for _, want := range tt.reasons {
				if !slices.ContainsFunc(v.Reasons, func(r Reason) bool {
					return r.Rule == want.Rule && r.Class == want.Class && strings.Contains(r.Message, want.Message)
				}) {
					t.Errorf("no reason %v in %v", want, v.Reasons)
				}
			}
			for name, value := range tt.changed {
				if v.Canonical[name] != value {
					t.Errorf("canonical %s = %s, want %s", name, v.Canonical[name], value)
				}
			}
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
		})
	}
}

// The shape that scripts read.
func TestVerdictJSON(t *testing.T) {
	l := compile(t, "sglang18", Options{Facts: llama8(), Tune: []string{"tp_size"}})
	data, err := json.Marshal(l.Check(Config{"tp_size": Int(16)}))
	want := `{"ok":false,"rank":null,"reasons":[{"rule":"tp_size","class":"domain","message":"tp_size cannot be 16 (values: 1, 2, 4, 8)"}],"canonical":null}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v: want\n%s", data, err, want)
	}
	data, err = json.Marshal(l.Check(Config{"tp_size": Int(2)}))
	if err != nil || !strings.HasPrefix(string(data), `{"ok":true,"rank":"1","reasons":[],"canonical":{`) {
		t.Errorf("%s, %v", data, err)
	}
	data, _ = json.Marshal(l.Rules()[0])
	if want := `{"id":"devices","class":"hard","removes_alone":"0"}`; string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
}
