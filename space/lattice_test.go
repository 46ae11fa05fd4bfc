package space

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A million ranks of the classic lattice and of the whole of SGLang's, for a dense
// model and a mixture of experts.
func TestRoundTrips(t *testing.T) {
	trips := 1_000_000
	if testing.Short() {
		trips = 50_000
	}
	all := []string{"all"}
	for name, l := range map[string]*Lattice{
		"classic": classic(t),
		"dense":   compile(t, "sglang", Options{Facts: llama8(), Tune: all}),
		"MoE":     compile(t, "sglang", Options{Facts: factSets()["8xH100 MoE"], Tune: all}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(3, 4))
			var p Point
			for range trips {
				r := l.Sample(rng)
				p = l.Unrank(r, p)
				if got, ok := l.Rank(p); !ok || got != r {
					t.Fatalf("rank(unrank(%s)) = %s, %v", r, got, ok)
				}
			}
			first, last := RankOf(0), l.Count().sub(RankOf(1))
			for _, r := range []Rank{first, last} {
				if got, ok := l.Rank(l.Unrank(r, nil)); !ok || got != r {
					t.Errorf("rank(unrank(%s)) = %s, %v", r, got, ok)
				}
			}
		})
	}
}

// Samples are uniform: over 100 equal parts of the ranks, and over the valid
// combinations of three coupled parameters, each weighted by its count. The seeds
// are fixed, so this does not fail by chance.
func TestSampleUniform(t *testing.T) {
	l := classic(t)
	const n = 200_000
	rng := rand.New(rand.NewPCG(5, 6))
	count, _ := l.Count().Uint64()
	var parts [100]float64
	groups := map[string]float64{}
	names := []string{"tp_size", "dp_size", "pp_size"}
	var p Point
	for range n {
		r := l.Sample(rng)
		v, _ := r.Uint64()
		parts[v*100/count]++
		p = l.Unrank(r, p)
		c := l.Config(p)
		groups[c[names[0]].String()+" "+c[names[1]].String()+" "+c[names[2]].String()]++
	}
	chi := 0.0
	for _, seen := range parts {
		chi += (seen - n/100) * (seen - n/100) / (n / 100)
	}
	if chi > 148.2 { // 99 degrees of freedom, 0.1 %
		t.Errorf("parts of the ranks: chi-square %.1f with 99 degrees of freedom", chi)
	}
	s := l.Spec()
	total, want := 0.0, l.Count().Float64()
	chi = 0
	for _, tp := range []int64{1, 2, 4, 8} {
		for _, dp := range []int64{1, 2, 4, 8} {
			for _, pp := range []int64{1, 2, 4, 8} {
				if tp*dp*pp > 8 {
					continue
				}
				part, err := s.Compile(Options{Facts: l.Facts(), Set: map[string][]Value{names[0]: {Int(tp)}, names[1]: {Int(dp)}, names[2]: {Int(pp)}}})
				if err != nil {
					t.Fatal(err)
				}
				total += part.Count().Float64()
				expect := n * part.Count().Float64() / want
				seen := groups[Int(tp).String()+" "+Int(dp).String()+" "+Int(pp).String()]
				chi += (seen - expect) * (seen - expect) / expect
			}
		}
	}
	if total != want {
		t.Errorf("the parts count %.0f, the whole %.0f", total, want)
	}
	if chi > 43.8 { // 20 groups, 19 degrees of freedom, 0.1 %
		t.Errorf("groups: chi-square %.1f with 19 degrees of freedom", chi)
	}
}

// Samples of the whole of SGLang are uniform too: each value of each parameter comes
// as often as members have it. The seed is fixed; the limit is about 0.1 % for all
// parameters together (Wilson and Hilferty's approximation, at 4.3 sigma each).
func TestSampleUniformSGLang(t *testing.T) {
	l := compile(t, "sglang", Options{Facts: llama8(), Tune: []string{"all"}})
	const n = 100_000
	rng := rand.New(rand.NewPCG(8, 9))
	seen := make([][]float64, len(l.Params()))
	for i, p := range l.Params() {
		seen[i] = make([]float64, len(p.Values))
	}
	var p Point
	for range n {
		p = l.Unrank(l.Sample(rng), p)
		for i, v := range p {
			seen[i][v]++
		}
	}
	for i, param := range l.Params() {
		chi, freedom := 0.0, -1.0
		for v, m := range l.Marginals(param.Name) {
			expect := n * m.Valid.Float64() / l.Count().Float64()
			if expect < 5 { // too few for the approximation
				continue
			}
			chi += (seen[i][v] - expect) * (seen[i][v] - expect) / expect
			freedom++
		}
		spread := 2 / (9 * freedom)
		if limit := freedom * math.Pow(1-spread+4.3*math.Sqrt(spread), 3); freedom > 0 && chi > limit {
			t.Errorf("%s: chi-square %.1f with %.0f degrees of freedom, want at most %.1f", param.Name, chi, freedom, limit)
		}
	}
}

func TestRankArithmetic(t *testing.T) {
	big := Rank{Hi: 1 << 40, Lo: 12345}
	for _, s := range []string{"0", "1", "18446744073709551615", "18446744073709551616", "340282366920938463463374607431768211455"} {
		r, err := ParseRank(s)
		if err != nil || r.String() != s {
			t.Errorf("ParseRank(%s) = %s, %v", s, r, err)
		}
	}
	for _, s := range []string{"", "-1", "1e3", " 1", "340282366920938463463374607431768211456"} {
		if r, err := ParseRank(s); err == nil {
			t.Errorf("ParseRank(%q) = %s, want an error", s, r)
		}
	}
	if sum, over := big.add(big); over || sum.sub(big) != big {
		t.Errorf("%s + itself = %s, %v", big, sum, over)
	}
	if _, over := (Rank{Hi: 1 << 63}).mul64(2); !over {
		t.Error("2^127 * 2 does not overflow")
	}
	if got, want := (Rank{Hi: 1}).Float64(), math.Pow(2, 64); got != want {
		t.Errorf("2^64 as float = %g", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	n := Rank{Hi: 5, Lo: 0}
	for range 1000 {
		if r := randBelow(rng, n); !r.less(n) {
			t.Fatalf("%s is not below %s", r, n)
		}
	}
	seen := map[Rank]int{}
	for range 600 {
		seen[randBelow(rng, RankOf(3))]++
	}
	if len(seen) != 3 || randBelow(rng, RankOf(1)) != RankOf(0) {
		t.Errorf("draws below 3: %v", seen)
	}
}

// The default is the engine's own in canonical form, and the nearest member where
// the machine cannot run that.
func TestDefault(t *testing.T) {
	for _, name := range Names() {
		for set, facts := range factSets() {
			if name != "sglang" && set != "8xH100 dense" {
				continue
			}
			l := compile(t, name, Options{Facts: facts})
			p, err := l.PointOf(Config{})
			if err != nil {
				t.Fatal(err)
			}
			if !l.Contains(l.Default()) {
				t.Errorf("%s, %s: the default is no member", name, set)
			}
			if !slices.Equal(l.Default(), l.Canon(p)) && set == "8xH100 dense" {
				t.Errorf("%s, %s: the default is %s", name, set, l.Config(l.Default()))
			}
		}
	}
}

// One Spec and one Lattice serve any number of goroutines; the race detector looks.
func TestConcurrentUse(t *testing.T) {
	s, err := Load("llamacpp-cpu")
	if err != nil {
		t.Fatal(err)
	}
	shared := compile(t, "llamacpp-cpu", Options{Facts: llama8()})
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			own, err := s.Compile(Options{Facts: llama8()})
			if err != nil || own.ID() != shared.ID() || own.Count() != shared.Count() {
				t.Errorf("compiled to %v, %v", own, err)
				return
			}
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 100 {
				p := shared.Unrank(shared.Sample(rng), nil)
				p[rng.IntN(2)] = 0
				shared.Check(shared.Config(shared.Repair(p)))
				shared.Neighbors(p)
				shared.Rules()
			}
		})
	}
	wg.Wait()
}

// A restriction narrows the values, and the first left is the default where the
// engine's own is gone.
func TestSet(t *testing.T) {
	l := compile(t, "sglang18", Options{Facts: llama8(), Set: map[string][]Value{"tp_size": {Int(8), Int(4)}, "page_size": {Int(64)}}})
	c := l.Config(l.Default())
	if c["tp_size"] != Int(4) || c["page_size"] != Int(64) {
		t.Errorf("default = %s", c)
	}
	if args := strings.Join(l.Args(l.Default()), " "); !strings.Contains(args, "--page-size 64") {
		t.Errorf("args %s: a parameter that was set must be passed", args)
	}
	l = compile(t, "sglang18", Options{Facts: llama8(), Tune: []string{"tp_size"}})
	if got, want := strings.Join(l.Args(l.Default()), " "), "--enable-metrics --tp-size 1"; got != want {
		t.Errorf("args %q, want %q", got, want)
	}
	if n := l.Count().String(); n != "4" {
		t.Errorf("count = %s, want 4", n)
	}
}

func TestPointOf(t *testing.T) {
	l := classic(t)
	for _, tt := range []struct {
		c    Config
		want string
	}{
		{Config{"tp_size": Int(2)}, ""},
		{Config{"tp_sizes": Int(2)}, "did you mean tp_size?"},
		{Config{"tp_size": Int(3)}, "tp_size cannot be 3"},
		{Config{"attention_backend": String("flashinfr")}, "did you mean flashinfer?"},
	} {
		_, err := l.PointOf(tt.c)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.c, err, tt.want)
		}
	}
	for _, r := range []uint64{0, 123456789} { // a point and its config are the same thing
		p := l.Unrank(RankOf(r), nil)
		if q, err := l.PointOf(l.Config(p)); err != nil || !slices.Equal(p, q) {
			t.Errorf("%v, %v: want %v", q, err, p)
		}
	}
}

// onEach runs a benchmark on the classic lattice and on the whole of SGLang's, for
// each kind of model.
func onEach(b *testing.B, bench func(b *testing.B, l *Lattice)) {
	b.Run("classic", func(b *testing.B) { bench(b, classic(b)) })
	for _, set := range []string{"dense", "MoE", "MLA"} {
		l := compile(b, "sglang", Options{Facts: factSets()["8xH100 "+set], Tune: []string{"all"}})
		b.Run(set, func(b *testing.B) { bench(b, l) })
	}
}

func BenchmarkUnrank(b *testing.B) {
	onEach(b, func(b *testing.B, l *Lattice) {
		rng := rand.New(rand.NewPCG(1, 1))
		ranks := make([]Rank, 1024)
		for i := range ranks {
			ranks[i] = l.Sample(rng)
		}
		p, i := make(Point, len(l.Params())), 0
		b.ReportAllocs()
		for b.Loop() {
			p = l.Unrank(ranks[i%len(ranks)], p)
			i++
		}
	})
}

func BenchmarkRank(b *testing.B) {
	onEach(b, func(b *testing.B, l *Lattice) {
		p := l.Unrank(l.Sample(rand.New(rand.NewPCG(1, 1))), nil)
		b.ReportAllocs()
		for b.Loop() {
			l.Rank(p)
		}
	})
}

func BenchmarkRepair(b *testing.B) {
	l := compile(b, "sglang", Options{Facts: llama8(), Tune: []string{"all"}})
	rng := rand.New(rand.NewPCG(1, 1))
	p := l.Unrank(l.Sample(rng), nil)
	for b.Loop() {
		i := rng.IntN(len(p))
		p[i] = uint8(rng.IntN(len(l.Params()[i].Values)))
		p = l.Repair(p)
	}
}

func BenchmarkNeighbors(b *testing.B) {
	l := classic(b)
	p := l.Unrank(RankOf(12345678901), nil)
	for b.Loop() {
		l.Neighbors(p)
	}
}

func BenchmarkCheck(b *testing.B) {
	onEach(b, func(b *testing.B, l *Lattice) {
		rng := rand.New(rand.NewPCG(1, 1))
		var configs []Config
		for range 200 {
			p := l.Unrank(l.Sample(rng), nil)
			i := rng.IntN(len(p))
			p[i] = uint8(rng.IntN(len(l.Params()[i].Values)))
			configs = append(configs, l.Config(p))
		}
		i := 0
		for b.Loop() {
			l.Check(configs[i%len(configs)])
			i++
		}
	})
}
