package load

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	server "harness/harness/load/mock"
)

// BenchmarkMemory is the most memory that a process of its own takes for so many streams
// that are open at once. The goals are 50 MB for 256 and 1 GiB for 10,000.
func BenchmarkMemory(b *testing.B) {
	for _, streams := range []int{256, 1024, 10000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			m := server.Start(b, server.Options{Plan: server.Plan{First: 2*time.Second + time.Duration(streams)*300*time.Microsecond, Gap: 100 * time.Millisecond}})
			for range b.N {
				child := exec.Command(os.Args[0], "-test.run=^TestMemoryChild$")
				child.Env = append(os.Environ(), "LOAD_TEST_ROLE=memory", "LOAD_TEST_URL="+m.URL, fmt.Sprint("LOAD_TEST_STREAMS=", streams))
				out, err := child.Output()
				var inFlight, bytes float64
				if _, scan := fmt.Sscan(string(out), &inFlight, &bytes); err != nil || scan != nil {
					b.Fatalf("%v, %v: %s", err, scan, out)
				}
				b.ReportMetric(inFlight, "in-flight")
				b.ReportMetric(bytes/1e6, "peak-MB")
				m.Reset()
			}
		})
	}
}

// TestMemoryChild is the other side of BenchmarkMemory.
func TestMemoryChild(t *testing.T) {
	if os.Getenv("LOAD_TEST_ROLE") != "memory" {
		t.Skip("not a child")
	}
	n, err := strconv.Atoi(os.Getenv("LOAD_TEST_STREAMS"))
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(mustRun(t, Target{URL: os.Getenv("LOAD_TEST_URL"), API: Completions}, Options{Prompts: prompts(n, 64), Concurrency: n}))
	if s.Failed > 0 {
		t.Fatalf("failed: %v", s.ByClass)
	}
	fmt.Println(s.InFlight, 1024*peakKiB(t))
}

// peakKiB is this process's highest resident memory.
func peakKiB(t *testing.T) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
