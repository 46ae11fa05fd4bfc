//go:build !unix

package load

import "runtime/metrics"

// cpuSeconds is the CPU time that this process has used so far, as the runtime
// estimates it; it is brought up to date at each garbage collection only.
func cpuSeconds() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64() - s[1].Value.Float64()
}
