package space

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestHelpFlags(t *testing.T) {
	for _, tt := range []struct{ name, help, want string }{
		{"argparse", `usage: launch_server.py [-h] --model-path MODEL_PATH [--tp-size TP_SIZE]

options:
  -h, --help            show this help message and exit
  --tensor-parallel-size TP_SIZE, --tp-size TP_SIZE, --tp TP_SIZE
                        The tensor parallelism size. See
                        also --elsewhere, and
                        --this-too
  --kv-cache-dtype {auto,fp8_e5m2,fp8_e4m3}
                        Data type. "auto" will use model data type.
  --lora-paths [LORA_PATHS ...]
  --enable-x, --no-enable-x
  --max-num-seqs MAX_NUM_SEQS      at most this many, --no-flag
`, "--enable-x --help --kv-cache-dtype --lora-paths --max-num-seqs --no-enable-x --tensor-parallel-size --tp --tp-size -h"},
		{"llama.cpp", `----- common params -----

-h,    --help, --usage                  print usage and exit
-t,    --threads N                      number of CPU threads to use during generation (default: -1)
-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto', default: 'auto')
--mlock                                 force system to keep model in RAM rather than swapping
                                        (env: LLAMA_ARG_MLOCK)
-ctk,  --cache-type-k TYPE              KV cache data type for K
--numa TYPE                             attempt optimizations, --not-this
`, "--cache-type-k --flash-attn --help --mlock --numa --threads --usage -ctk -fa -h -t"},
		{"nothing", "no help here\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(slices.Sorted(maps.Keys(HelpFlags(tt.help))), " "); got != tt.want {
				t.Errorf("%s, want\n%s", got, tt.want)
			}
		})
	}
}

const flaggedSpec = `
schema: 1
engine: e
parameters:
  - {name: a, flag: --a-new, legacy_flag: --a-old, legacy_before: v2, kind: ordinal, values: [1, 2], default: 1}
  - {name: b, flag: --b, aliases: [-b], kind: ordinal, values: [1, 2], default: 2}
  - {name: c, flag: --c, kind: bool, values: [false, true], default: false}
`

// An engine that does not know a flag gets the older spelling, else the parameter
// stays at its default.
func TestFlagsOfAnEngine(t *testing.T) {
	s, err := Parse("flags.yaml", []byte(flaggedSpec))
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Params[0]; p.LegacyFlag != "--a-old" || p.LegacyBefore != "v2" {
		t.Errorf("%+v", p)
	}
	for _, tt := range []struct {
		flags         string
		args, dropped string
		count         uint64
	}{
		{"--a-new --b --c", "--a-new 2 --b 1 --c", "", 8},
		{"--a-old -b --c", "--a-old 2 -b 1 --c", "", 8},
		{"--a-new", "--a-new 2", "--b --c", 2},
	} {
		flags := map[string]bool{}
		for _, f := range strings.Fields(tt.flags) {
			flags[f] = true
		}
		l, err := s.Compile(Options{Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		p := make(Point, 3)
		for i, v := range []Value{Int(2), Int(1), Bool(true)} {
			p[i] = uint8(max(0, slices.Index(l.Params()[i].Values, v)))
		}
		if got := strings.Join(l.Args(p), " "); got != tt.args || strings.Join(l.Dropped(), " ") != tt.dropped || l.Count() != RankOf(tt.count) {
			t.Errorf("%s: args %s, dropped %v, count %s", tt.flags, got, l.Dropped(), l.Count())
		}
	}
	if _, err := s.Compile(Options{Flags: map[string]bool{"--b": true}, Set: map[string][]Value{"c": {Bool(true)}}}); err == nil || !strings.Contains(err.Error(), "--c") {
		t.Error(err)
	}
}

// The option lines of what the real engines print on --help: they know all that the
// spaces pass.
func TestRealHelp(t *testing.T) {
	for file, names := range map[string][]string{
		"vllm-0.32.0.txt":         {"vllm"},
		"llama-server-b11549.txt": {"llamacpp", "llamacpp-cpu"},
	} {
		text, err := os.ReadFile("testdata/help/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			l := compile(t, name, Options{Facts: llama8(), Tune: []string{"all"}, Flags: HelpFlags(string(text))})
			if dropped := l.Dropped(); len(dropped) > 0 {
				t.Errorf("%s: space %s passes %v", file, name, dropped)
			}
		}
	}
}

// What the spec always passes is dropped with its value where the engine does not know it.
func TestFixedArgsDropped(t *testing.T) {
	s, err := Parse("s.yaml", []byte("schema: 1\nengine: e\nfixed_args: [--fit, \"off\", --metrics, --no-ui=1]\nparameters:\n"+
		"  - {name: a, flag: --a, off_flag: --no-a, kind: bool, values: [true, false], default: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Compile(Options{Flags: map[string]bool{"--a": true, "--metrics": true}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(l.Args(l.Unrank(Rank{}, nil)), " "); got != "--metrics" {
		t.Error(got)
	}
	if got := strings.Join(l.Dropped(), " "); got != "--a --fit --no-ui=1" {
		t.Error(got)
	}
}
