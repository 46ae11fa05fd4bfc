package space

import (
	"testing"
)

// Counts of the classic lattice, from two independent programs (see the head of
// specs/sglang18.yaml).
func TestClassicCounts(t *testing.T) {
	s, err := Load("sglang18")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		devices int64
		want    string
	}{
		{1, "923400000"}, {2, "3693600000"}, {4, "8995050000"}, {8, "17410950000"}, {16, "27094500000"}, {64, "42772050000"},
	} {
		l, err := s.Compile(Options{Facts: map[string]Value{"device_num": Int(tt.devices)}})
		if err != nil {
			t.Fatal(err)
		}
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
	s, err := Load("sglang18")
	if err != nil {
		tb.Fatal(err)
	}
	l, err := s.Compile(Options{Facts: map[string]Value{"device_num": Int(8)}})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func BenchmarkCompileClassic(b *testing.B) {
	s, err := Load("sglang18")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Compile(Options{Facts: map[string]Value{"device_num": Int(8)}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnrank(b *testing.B) {
	l := classic(b)
	p := make(Point, len(l.Params()))
	n, _ := l.Count().Uint64()
	r := uint64(12345)
	b.ReportAllocs()
	for b.Loop() {
		r = r*6364136223846793005 + 1
		p = l.Unrank(RankOf(r%n), p)
	}
}

func BenchmarkRank(b *testing.B) {
	l := classic(b)
	p := l.Unrank(RankOf(12345678901), nil)
	b.ReportAllocs()
	for b.Loop() {
		l.Rank(p)
	}
}

func TestTmp(t *testing.T) {
	for _, name := range Names() {
		s, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := map[string]Value{"cpu_physical": Int(2), "cpu_logical": Int(2), "device_num": Int(8), "ram_free_mib": Int(22000), "weight_mib": Int(15317),
		"num_layers": Int(32), "num_attention_heads": Int(32), "num_kv_heads": Int(8), "head_dim": Int(128), "v_head_dim": Int(128), "hidden_size": Int(4096),
		"gpu_sm": Int(90), "gpu_mem_mib": Int(81559), "gpu_free_mib": Int(81000), "kv_elem_bytes": Int(2), "tokens_per_request": Int(512), "target_concurrency": Int(64), "is_mla": Bool(false), "is_moe": Bool(false), "context_len": Int(131072), "architecture": String("LlamaForCausalLM"), "is_a100": Bool(false), "pp_supported": Bool(true)}
		for _, tune := range [][]string{nil, {"all"}} {
			l, err := s.Compile(Options{Facts: f, Tune: tune})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			t.Logf("%s %v: raw %s, valid %s, %d nodes, %d layer slots, default %v", name, tune, l.Raw(), l.Count(), l.Nodes(), len(l.layers.next), l.Args(l.Default()))
			for _, r := range l.Rules() {
				t.Logf("   %-20s %-8s %s", r.ID, r.Class, r.RemovesAlone)
			}
		}
	}
}
