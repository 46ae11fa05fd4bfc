package space

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// One file with many faults: each is told, with its line and what stands there.
func TestParseReportsAllFaults(t *testing.T) {
	_, err := Parse("bad.yaml", []byte(strings.TrimSpace(`
schema: 1
engine: test
colour: red
facts:
  devices: {type: integer}
  model: {type: string, default: 3}
parameters:
  - {name: a, flag: --a, kind: ordinal, values: [1, 2, 2], default: 1}
  - {name: b, flag: --b, kind: ordinal, values: [1, 2], default: 3}
  - {name: a, flag: --c, kind: sorted, values: [1], default: 1}
  - {name: d, flag: --d, kind: bool, values: [false, 1], default: false, valeus: 3}
  - {flag: --e, kind: ordinal, values: [], default: 1}
derived:
  x: "y + 1"
  y: "x * 2"
  max: "1"
constraints:
  - {id: one, class: hard, expr: "a + devces > 1"}
  - {id: two, class: hard, expr: "a + "}
  - {id: three, class: hard, expr: "a + 1"}
  - {id: one, class: rewrite, when: "a > 1"}
  - {id: four, class: inactive, when: "a > 1", param: bb}
  - {id: five, class: firm, expr: "true"}
  - {id: six, class: hard, expr: "a == 'one'"}
tune: [a, z]
server:
  binaries: [x]
  argv: ["{bin}", "{modle}", "x{flags}"]
  ready: {path: health}
  api: generated
  start_timeout_s: 5
  stop_grace_s: 1
  failures:
    - {class: oom, pattern: '(', evidence: none}
`)))
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, want := range []string{
		"bad.yaml:3:1: unknown key colour in a spec",
		`bad.yaml:5:12: type "integer" of fact devices`,
		"bad.yaml:6:10: default of fact model: 3 is no string",
		"bad.yaml:8:5: a has the value 2 twice",
		"bad.yaml:9:5: default 3 of b is not one of its values [1, 2]",
		"bad.yaml:10:12: duplicate name a",
		`bad.yaml:10:5: kind "sorted" of a`,
		"bad.yaml:11:74: unknown key valeus in a parameter: did you mean values?",
		"bad.yaml:11:5: d is a bool and cannot be 1",
		"bad.yaml:12:5: a parameter needs the key name",
		"bad.yaml:12:5:  has 0 values",
		"derived values need each other: x -> y -> x",
		"bad.yaml:16:3: name max is a word of the expression language",
		"bad.yaml:18:39: unknown name devces: did you mean devices?",
		"bad.yaml:19:39: want a value, found end of the expression",
		"bad.yaml:20:37: want a bool, but this is a number",
		"bad.yaml:21:5: duplicate constraint one",
		"bad.yaml:21:5: rewrite constraint one needs the key set",
		"unknown parameter bb",
		`bad.yaml:23:5: class "firm" of five`,
		"a number never equals a string",
		"bad.yaml:25:11: unknown parameter z",
		"unknown placeholder {modle}",
		"{flags} must stand alone",
		`path "health" must begin with /`,
		`unknown api "generated"`,
		`unknown class "oom"`,
		"bad regexp",
		"\n      - {id: one, class: hard, expr: \"a + devces > 1\"}\n" + strings.Repeat(" ", 4+38) + "^",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestParseSyntaxError(t *testing.T) {
	for _, yaml := range []string{"a: [1", "", "- 1\n", "schema: 2\nengine: x\nparameters: []\n", "schema: 1\nschema: 1\n", "a: b: c"} {
		if _, err := Parse("syntax.yaml", []byte(yaml)); err == nil || !strings.HasPrefix(err.Error(), "syntax.yaml:") {
			t.Errorf("%q: error %v, want one with file and line", yaml, err)
		}
	}
}

func TestLoad(t *testing.T) {
	for name, want := range map[string]string{
		"sglnag":       "did you mean sglang?",
		"none.yaml":    "no such file",
		"testdata/../": "directory",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	s, err := Load("testdata/lattice_b.yaml")
	if err != nil || s.Name != "lattice_b" || len(s.Params) != 18 {
		t.Errorf("loading a file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		data, err := builtin.ReadFile("specs/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("schema: 1\nengine: x\nparameters:\n  - {name: a, flag: f, kind: ordinal, values: [1], default: 1}\nderived: {a: b, b: a, c: [1]}\n"))
	f.Add([]byte("&a [*a, !!int x, |\n  text\n]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := Parse("fuzz.yaml", data); err == nil {
			s.Compile(Options{Tune: []string{}})
		}
	})
}

// Every built-in spec says how to run its engine, and where each rule and flag
// comes from.
func TestBuiltinSpecs(t *testing.T) {
	for _, name := range Names() {
		s, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name != name || s.About == "" {
			t.Errorf("%s: name %q, about %q", name, s.Name, s.About)
		}
		v := &s.Server
		if len(v.Binaries) == 0 || !slices.Contains(v.Argv, "{flags}") || v.Ready.Path == "" || v.Version.Pattern == "" || !v.TokenIDs || v.Metrics == nil || len(v.Failures) < 5 {
			t.Errorf("%s: the server section lacks something: %+v", name, v)
		}
		if name == "sglang18" {
			continue // kept as it is known, folklore and all
		}
		for _, r := range s.Rules {
			if r.Evidence == "" {
				t.Errorf("%s: rule %s has no evidence", name, r.ID)
			}
		}
		for _, p := range s.Params {
			if p.Evidence == "" && p.Note == "" {
				t.Errorf("%s: parameter %s has no evidence", name, p.Name)
			}
		}
	}
}

func TestArgs(t *testing.T) {
	s, err := Load("vllm")
	if err != nil {
		t.Fatal(err)
	}
	all := func(string) bool { return true }
	got := strings.Join(s.Args(Config{
		"tensor_parallel_size": Int(2), "enable_prefix_caching": Bool(false), "enforce_eager": Bool(false), "async_scheduling": Bool(true),
		"block_size": None(), "gpu_memory_utilization": Float(0.85), "cudagraph_mode": String("NONE"),
	}, all), " ")
	want := "--enable-prompt-tokens-details --tensor-parallel-size 2 --gpu-memory-utilization 0.85 --compilation-config.cudagraph_mode NONE --no-enable-prefix-caching --async-scheduling"
	if got != want {
		t.Errorf("args\n%s, want\n%s", got, want)
	}
	s, err = Load("sglang")
	if err != nil {
		t.Fatal(err)
	}
	got = strings.Join(s.Args(Config{"moe_a2a_backend": String("none_"), "tp_size": Int(4)}, func(n string) bool { return n != "tp_size" }), " ")
	if want := "--enable-metrics --moe-a2a-backend none"; got != want {
		t.Errorf("args %s, want %s", got, want)
	}
}

func TestValueJSON(t *testing.T) {
	in := `{"a":null,"b":true,"c":4,"d":0.9,"e":"fcfs","f":9007199254740993}`
	var c Config
	if err := json.Unmarshal([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	want := Config{"a": None(), "b": Bool(true), "c": Int(4), "d": Float(0.9), "e": String("fcfs"), "f": Int(9007199254740993)}
	for k, v := range want {
		if c[k] != v {
			t.Errorf("%s = %s, want %s", k, c[k], v)
		}
	}
	out, err := json.Marshal(c)
	if err != nil || string(out) != in {
		t.Errorf("%s, %v: want %s", out, err, in)
	}
	for _, bad := range []string{`[1]`, `{}`, `1e999`} {
		var v Value
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is read as %s", bad, v)
		}
	}
	if Float(2) != Int(2) || ParseValue("2.0") != Int(2) {
		t.Error("2.0 and 2 differ")
	}
	if a, b := (Config{"x": Int(1)}).ID("e"), (Config{"x": String("1")}).ID("e"); a == b || len(a) != 12 {
		t.Errorf("ids %s and %s", a, b)
	}
}
