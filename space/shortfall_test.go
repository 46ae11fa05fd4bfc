package space

import (
	"math/rand/v2"
	"testing"
)

const shortfallSpec = `
schema: 1
engine: fake
about: memory rules of each form
parameters:
  - {name: slots, flag: --slots, kind: ordinal, values: [1, 2, 4, 8], default: 1}
  - {name: share, flag: --share, kind: ordinal, values: [none, 0.5, 0.75], default: none}
  - {name: free, flag: --free, kind: bool, values: [false, true], default: false}
facts:
  mem: {type: int}
derived:
  need: "slots * 100"
constraints:
  - {id: FITS, class: memory, expr: "free or need <= mem", evidence: "made up"}
  - {id: ROOM, class: memory, expr: "share == none or mem * (1 - coalesce(share, 0)) >= 200", evidence: "made up"}
  - {id: OTHER, class: hard, expr: "slots < 8 or free", evidence: "made up"}
`

func TestMemoryShortfall(t *testing.T) {
	spec, err := Parse("fake", []byte(shortfallSpec))
	if err != nil {
		t.Fatal(err)
	}
	l, err := spec.Compile(Options{Facts: map[string]Value{"mem": Int(1000)}})
	if err != nil {
		t.Fatal(err)
	}
	shortfall := l.MemoryShortfall()
	for _, tt := range []struct {
		cfg  Config
		want float64
	}{
		{Config{"slots": Int(4)}, -600},                      // 400 of 1000; ROOM asks for nothing
		{Config{"slots": Int(4), "share": Float(0.75)}, -50}, // 250 left, 200 wanted
		{Config{"slots": Int(1), "share": Float(0.5)}, -300}, // 500 left
		{Config{"slots": Int(8), "free": Bool(true)}, slack}, // nothing is asked for
		{Config{"slots": Int(8), "free": Bool(true), "share": Float(0.5)}, -300},
	} {
		p, err := l.PointOf(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := shortfall(p); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.cfg, got, tt.want)
		}
	}
}

// No member of a built-in lattice misses a bound, and they differ in how near they are.
func TestMemoryShortfallOfMembers(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8()})
	shortfall := l.MemoryShortfall()
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[float64]bool{}
	for range 500 {
		v := shortfall(l.Unrank(l.Sample(rng), nil))
		if !(v <= 0) {
			t.Fatalf("a member misses a bound by %v", v)
		}
		seen[v] = true
	}
	if len(seen) < 20 || seen[slack] {
		t.Errorf("%d different values: %v", len(seen), seen)
	}
}

func TestNoMemoryRules(t *testing.T) {
	spec, err := Parse("fake", []byte("schema: 1\nengine: fake\nabout: none\nparameters:\n  - {name: a, flag: -a, kind: ordinal, values: [1, 2], default: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := spec.Compile(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l.MemoryShortfall() != nil {
		t.Error("an estimate without a rule")
	}
}

func BenchmarkMemoryShortfall(b *testing.B) {
	l := compile(b, "sglang", Options{Facts: llama8()})
	shortfall := l.MemoryShortfall()
	rng := rand.New(rand.NewPCG(1, 1))
	points := make([]Point, 256)
	for i := range points {
		points[i] = l.Unrank(l.Sample(rng), nil)
	}
	i := 0
	for b.Loop() {
		shortfall(points[i%len(points)])
		i++
	}
}
