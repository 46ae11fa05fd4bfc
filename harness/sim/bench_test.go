package sim

import "testing"

// BenchmarkMachine tells what one simulated token costs the scheduler, without HTTP.
func BenchmarkMachine(b *testing.B) {
	s := setupOf(b, "--sim-rules", "none", "--tp-size", "4", "--dp-size", "2")
	l := load{concurrency: 64, requests: 256, prompt: 512, output: 64}
	b.ReportAllocs()
	for b.Loop() {
		l.run(newMachine(s, 1, faults{slow: 1}))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*l.requests*l.output), "ns/token")
}
