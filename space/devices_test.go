package space

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDevices(t *testing.T) {
	facts := llama8()
	facts["is_moe"], facts["dp_attention_ok"] = Bool(true), Bool(true)
	for _, tt := range []struct {
		spec   string
		tune   []string
		config Config
		want   int
	}{
		{"sglang18", nil, nil, 1},
		{"sglang18", nil, Config{"tp_size": Int(4), "dp_size": Int(2)}, 8},
		{"sglang", nil, nil, 1},
		{"sglang", []string{"tp_size", "pp_size", "dp_size"}, Config{"tp_size": Int(2), "pp_size": Int(2), "dp_size": Int(2)}, 8},
		{"sglang", []string{"tp_size", "dp_size", "enable_dp_attention"}, Config{"tp_size": Int(4), "dp_size": Int(4), "enable_dp_attention": Bool(true)}, 4}, // replicas lie inside tp
		{"vllm", []string{"tensor_parallel_size", "data_parallel_size"}, Config{"tensor_parallel_size": Int(2), "data_parallel_size": Int(4)}, 8},
		{"llamacpp-cpu", nil, nil, 0}, // does not say
	} {
		l := compile(t, tt.spec, Options{Facts: facts, Tune: tt.tune})
		p, err := l.PointOf(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Devices(p); got != tt.want {
			t.Errorf("%s %v takes %d devices, want %d", tt.spec, tt.config, got, tt.want)
		}
	}
}

// No member of a lattice needs more than there are, or none.
func TestDevicesOfMembers(t *testing.T) {
	for _, name := range []string{"sglang18", "sglang", "vllm"} {
		l := compile(t, name, Options{Facts: llama8()})
		rng := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			p := l.Unrank(l.Sample(rng), nil)
			if n := l.Devices(p); n < 1 || n > 8 {
				t.Fatalf("%s: %v takes %d devices of 8", name, l.Config(p), n)
			}
		}
	}
}

func TestDevicesMustBeANumber(t *testing.T) {
	const text = `
schema: 1
engine: fake
parameters:
  - {name: a, flag: --a, kind: bool, values: [false, true], default: false}
devices: "a == true"
`
	if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), "want a number, but this is a bool") {
		t.Errorf("got %v", err)
	}
}
