package results

import (
	"testing"
)

// A study's overhead between trials: one small part each.
func BenchmarkWriteTrial(b *testing.B) {
	s := Store{Dir: b.TempDir()}
	if err := s.Create(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.WriteTrial(testTrial()); err != nil {
			b.Fatal(err)
		}
	}
}

// A large run: 50,000 requests of 100 chunks each.
func BenchmarkWriteRun(b *testing.B) {
	s := Store{Dir: b.TempDir()}
	if err := s.Create(); err != nil {
		b.Fatal(err)
	}
	rows := make([]Request, 50_000)
	for i := range rows {
		rows[i] = Request{RunID: "t0001-c64-r1", Request: int32(i), ChunkNS: make([]int64, 100), ChunkTokens: make([]int32, 100)}
		for k := range rows[i].ChunkNS {
			rows[i].ChunkNS[k] = int64(i)*1e6 + int64(k)*7_003_001 + int64(i*k%50_021)
			rows[i].ChunkTokens[k] = 1
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.WriteRun(Run{RunID: "t0001-c64-r1"}, rows); err != nil {
			b.Fatal(err)
		}
	}
}
