package space

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// Counts of the classic lattice, from two independent programs (see the head of
// specs/sglang18.yaml).
func TestClassicCounts(t *testing.T) {
	for _, tt := range []struct {
		devices int64
		want    string
	}{
		{1, "923400000"}, {2, "3693600000"}, {4, "8995050000"}, {8, "17410950000"}, {16, "27094500000"}, {64, "42772050000"},
	} {
		l := compile(t, "sglang18", Options{Facts: map[string]Value{"device_num": Int(tt.devices)}})
		if got := l.Count().String(); got != tt.want {
			t.Errorf("%d devices: %s valid configurations, want %s", tt.devices, got, tt.want)
		}
		if got, want := l.Raw().String(), "108864000000"; got != want {
			t.Errorf("raw = %s, want %s", got, want)
		}
		if l.Nodes() > 100 {
			t.Errorf("%d devices: %d nodes, want at most 100", tt.devices, l.Nodes())
		}
	}
}

func classic(tb testing.TB) *Lattice {
	tb.Helper()
	return compile(tb, "sglang18", Options{Facts: map[string]Value{"device_num": Int(8)}})
}

// latticeB is testdata/lattice_b.yaml, with the text appended to its rules.
func latticeB(tb testing.TB, rules string) *Spec {
	tb.Helper()
	data, err := os.ReadFile("testdata/lattice_b.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := Parse("lattice_b.yaml", append(data, rules...))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// A memory model over seven parameters, with the numbers of an invented model.
const memoryRule = `
  - {id: memory, class: memory, expr: "14000 * iff(quant == 0, 4, iff(quant == 1, 2, 1)) / (tp * pp) + max_running * 32 * iff(kv == 0, 2, 1) / (tp * pp) + 1.5 * max_prefill <= 24000 * mem / 100"}
`

func TestLatticeB(t *testing.T) {
	l, err := latticeB(t, "").Compile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.Count().String(), "2328144000"; got != want {
		t.Errorf("count = %s, want %s", got, want)
	}
	l, err = latticeB(t, memoryRule).Compile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("with the memory rule: %s valid, %d nodes", l.Count(), l.Nodes())
	if l.Nodes() > 1000 {
		t.Errorf("%d nodes with the memory rule, want at most 1000", l.Nodes())
	}
}

// The empty lattice names a set of rules of which none can be left out.
func TestEmpty(t *testing.T) {
	s, err := Parse("empty.yaml", []byte(`
schema: 1
engine: test
parameters:
  - {name: a, flag: --a, kind: ordinal, values: [1, 2, 3], default: 1}
  - {name: b, flag: --b, kind: ordinal, values: [1, 2, 3], default: 1}
constraints:
  - {id: harmless, class: hard, expr: "a + b > 2"}
  - {id: low, class: hard, expr: "a < 2"}
  - {id: sum, class: memory, expr: "a + b >= 5"}
  - {id: also_harmless, class: hard, expr: "b > 1"}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Compile(Options{})
	var empty *EmptyError
	if !errors.As(err, &empty) || !slices.Equal(empty.Rules, []string{"low", "sum"}) {
		t.Errorf("error %v, want one that names low and sum", err)
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want []string
	}{
		{"a missing fact", Options{}, []string{"fact device_num (from the machine)", "needed by devices", "--fact device_num=VALUE"}},
		{"an absurd fact", Options{Facts: map[string]Value{"device_num": Int(-1)}}, []string{"fact device_num: -1 is below 1"}},
		{"another", Options{Facts: map[string]Value{"device_num": Int(1 << 40)}}, []string{"fact device_num: 1099511627776 is above 65536"}},
		{"a fact of another type", Options{Facts: map[string]Value{"device_num": String("eight")}}, []string{"'eight' is no int"}},
		{"an unknown parameter", Options{Tune: []string{"tp_sise"}}, []string{"no parameter tp_sise", "did you mean tp_size?"}},
		{"an unknown value", Options{Set: map[string][]Value{"page_size": {Int(63)}}}, []string{"page_size cannot be 63", "values: none, 16"}},
		{"no value", Options{Set: map[string][]Value{"page_size": {}}}, []string{"no value given for page_size"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Load("sglang18")
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Compile(tt.o)
			for _, w := range tt.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %v, want %q in it", err, w)
				}
			}
		})
	}
}

// A rule that needs more nodes than the cap is named, with its parameters.
func TestTooLarge(t *testing.T) {
	var b strings.Builder
	b.WriteString("schema: 1\nengine: test\nparameters:\n")
	sum := "0"
	for i := range 8 {
		name := string(rune('a' + i))
		b.WriteString("  - {name: " + name + ", flag: --x, kind: ordinal, default: 1, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n")
		sum += " + " + strings.Repeat("3.7 * ", i) + name // distinct sums, so nothing is shared
	}
	b.WriteString("constraints:\n  - {id: wide, class: hard, expr: \"" + sum + " > 5\"}\n")
	s, err := Parse("large.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Compile(Options{})
	if err == nil || !strings.Contains(err.Error(), "rule wide") || !strings.Contains(err.Error(), "(a, b, c, d, e, f, g, h)") {
		t.Errorf("error %v, want one that names the rule and its parameters", err)
	}
}

// An expression that fails on some configuration is an error of the spec, with an
// example; a guard removes it.
func TestFailingRule(t *testing.T) {
	const text = `
schema: 1
engine: test
parameters:
  - {name: a, flag: --a, kind: ordinal, values: [none, 1, 2], default: none}
constraints:
  - {id: r, class: hard, expr: "RULE"}
`
	for _, tt := range []struct{ rule, want string }{
		{"a + 1 > 2", "+ cannot take none and 1 in a + 1, for example with a=none"},
		{"a == none or a + 1 > 2", ""},
		{"iff(a == none, true, a + 1 > 2)", ""},
		{"coalesce(a, 1) % (coalesce(a, 1) - 1) == 0", "% divides 1 by zero"},
	} {
		s, err := Parse("failing.yaml", []byte(strings.Replace(text, "RULE", tt.rule, 1)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Compile(Options{})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.rule, err, tt.want)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	bench := func(name string, s *Spec, o Options) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var l *Lattice
			for b.Loop() {
				var err error
				if l, err = s.Compile(o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(l.Nodes()), "nodes")
		})
	}
	load := func(name string) *Spec {
		s, err := Load(name)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	bench("classic", load("sglang18"), Options{Facts: llama8()})
	bench("b", latticeB(b, ""), Options{})
	bench("b_memory", latticeB(b, memoryRule), Options{})
	bench("sglang", load("sglang"), Options{Facts: llama8()})
	for _, set := range []string{"8xH100 dense", "8xH100 MoE", "8xH100 MLA", "8xB200 MLA"} {
		bench("sglang_all_"+set, load("sglang"), Options{Facts: factSets()[set], Tune: []string{"all"}})
	}
	bench("vllm_all", load("vllm"), Options{Facts: llama8(), Tune: []string{"all"}})
}

func BenchmarkLoad(b *testing.B) {
	for _, name := range Names() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Load(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
