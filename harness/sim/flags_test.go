package sim

import (
	"maps"
	"strings"
	"testing"

	"harness/space"
)

func TestParseFlags(t *testing.T) {
	for _, tt := range []struct {
		args string
		want flagValues
	}{
		{"", flagValues{}},
		{"--tp-size 4", flagValues{"tp_size": "4"}},
		{"--tp-size=4", flagValues{"tp_size": "4"}},
		{"--tensor-parallel-size 4", flagValues{"tp_size": "4"}},
		{"--tp 2 --tp-size 4", flagValues{"tp_size": "4"}},
		{"--chunked-prefill-size -1", flagValues{"chunked_prefill_size": "-1"}},
		{"--cuda-graph-max-bs 8", flagValues{"cuda_graph_max_bs": "8"}},
		{"--cuda-graph-max-bs-decode 8", flagValues{"cuda_graph_max_bs": "8"}},
		{"--enable-mixed", flagValues{"enable_mixed_chunk": "true"}},
	} {
		if got, err := parseFlags(strings.Fields(tt.args)); err != nil || !maps.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v, want %v", tt.args, got, err, tt.want)
		}
	}
}

// Every flag that the specs of SGLang can pass is taken, with every value that they list.
func TestFlagsOfTheSpecs(t *testing.T) {
	for _, name := range []string{"sglang", "sglang18"} {
		spec, err := space.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range spec.Params {
			for _, v := range p.Values {
				only := func(param string) bool { return param == p.Name }
				args := spec.Args(space.Config{p.Name: v}, only)
				got, err := parseFlags(args)
				if err != nil {
					t.Errorf("%s: %v: %v", name, args, err)
					continue
				}
				if _, taken := got[p.Name]; len(args) > 0 && !v.IsNone() && v != space.Bool(false) && !taken {
					t.Errorf("%s: %v gives %v", name, args, got)
				}
			}
			for _, spelling := range append([]string{p.Flag}, p.Aliases...) {
				if f, err := findFlag(spelling); err != nil || f == nil || f.name != p.Name {
					t.Errorf("%s: flag %s is not that of %s: %v", name, spelling, p.Name, err)
				}
			}
		}
	}
}

// Whatever is given, parsing ends with values of the right kind or a message.
func FuzzParseFlags(f *testing.F) {
	f.Add("--tp-size\n4")
	f.Add("--enable-mixed-chunk\n--port=30000")
	f.Add("--cuda")
	f.Add("--=\n--\n-")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseFlags(strings.Split(text, "\n"))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a message")
			}
			return
		}
		for name := range values {
			if f, _ := findFlag("--" + strings.ReplaceAll(name, "_", "-")); f == nil && name != "cuda_graph_max_bs" {
				t.Errorf("%q was taken", name)
			}
		}
	})
}
