//go:build unix

package gpu

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// A driver from before 535 does not know clocks_event_reasons, and has the older name.
const loopScript = `case "$*" in
*clocks_event_reasons*) echo 'Field "clocks_event_reasons.active" is not a valid field to query.'; exit 2 ;;
*compute-apps*) echo 'GPU-a, 77, 1024, python3' ;;
*loop-ms*) echo 'GPU-a, 310.50, 98, 40, 70000, 1410, 1593, 62, 0x0000000000000024, 0, 1'
           echo 'GPU-other, 1.00, 98, 40, 70000, 1410, 1593, 62, 0x0000000000000024, 0, 1'
           echo 'GPU-b, [N/A], [N/A], [N/A], 3, 210, 1593, 30, 0x0000000000000001, [N/A], [N/A]'
           %s ;;
*) echo 'GPU-a, 60.00, 0, 0, 4, 210, 1593, 31, 0x0000000000000001, 0, 0' ;;
esac`

func openFake(t *testing.T, then string) Source {
	t.Helper()
	fake(t, strings.Replace(loopScript, "%s", then, 1))
	source, err := openSMI([]Device{{UUID: "GPU-a", PCIBusID: "00000000:3D:00.0"}, {UUID: "GPU-b", PCIBusID: "00000000:3E:00.0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source
}

// readUntil reads until a reading satisfies, or what no test here needs has passed.
func readUntil(t *testing.T, s Source, satisfies func(rs []Reading, err error) bool) ([]Reading, error) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := waiting(t); ; {
		rs := []Reading{unread("GPU-a"), unread("GPU-b")}
		err := s.Read(rs)
		if satisfies(rs, err) {
			return rs, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("read %+v, %v", rs, err)
		}
	}
}

func TestReadSMI(t *testing.T) {
	s := openFake(t, "exec /bin/sleep 1000")
	seen := map[float64]bool{}
	rs, err := readUntil(t, s, func(rs []Reading, _ error) bool {
		seen[rs[0].Values[Power]] = true
		return rs[0].Values[Power] == 310.5
	})
	if v := rs[0].Values; err != nil || v[Utilization] != 0.98 || v[MemoryUsed] != 70000<<20 || v[Throttle] != 0x24 || v[ECCCorrected] != 1 || !math.IsNaN(v[Energy]) {
		t.Errorf("%+v %v", rs, err)
	}
	rs, err = readUntil(t, s, func(rs []Reading, _ error) bool { return true })
	if err != nil || !math.IsNaN(rs[0].Values[Power]) {
		t.Errorf("a line is given twice: %+v %v", rs, err)
	}
	ps, err := s.Processes(t.Context())
	if err != nil || len(ps["GPU-a"]) != 1 || ps["GPU-a"][0] != (Process{PID: 77, Name: "python3", MemoryBytes: 1 << 30}) {
		t.Errorf("%v %v", ps, err)
	}
}

func TestReadSMIFaults(t *testing.T) {
	const hold = "; exec /bin/sleep 1000"
	for name, tt := range map[string]struct{ then, want, lost string }{
		"ends":                    {"exit 3", "nvidia-smi has ended, and the GPUs are read no more: exit status 3", ""},
		"loses one":               {"echo 'Unable to determine the device handle for GPU0000:3E:00.0: GPU is lost.'" + hold, "GPU is lost", "GPU-b"},
		"loses one, in its row":   {"echo 'GPU-b, [GPU is lost], [GPU is lost], [GPU is lost], 3, 210, 1593, 30, 0x0, 0, 0'" + hold, "GPU is lost", "GPU-b"},
		"needs a reset":           {"echo 'GPU-a, 60.00, 0, 0, 3, 210, 1593, [GPU requires reset], 0x0, 0, 0'" + hold, "requires reset", "GPU-a"},
		"loses one, and not says": {"echo 'GPU is lost.'" + hold, "GPU is lost", "GPU-a or GPU-b"},
		"says much in one":        {"printf '%100000s'; exit 4", "nvidia-smi has ended", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readUntil(t, openFake(t, tt.then), func(_ []Reading, err error) bool { return err != nil })
			var lost *LostError
			if !strings.Contains(err.Error(), tt.want) || errors.As(err, &lost) != (tt.lost != "") || lost != nil && lost.Device != tt.lost {
				t.Errorf("%v", err)
			}
		})
	}
	fake(t, "")
	if _, err := openSMI([]Device{{UUID: "GPU-a"}}); err == nil || !strings.Contains(err.Error(), "not on PATH") {
		t.Errorf("%v", err)
	}
}

func FuzzParseReading(f *testing.F) {
	fields := []string{"uuid", "power.draw", "memory.used", "clocks_throttle_reasons.active"}
	f.Add("GPU-a, 310.50, 70000, 0x0000000000000024")
	f.Add("GPU-a, [N/A], ERR!, 0xffffffffffffffff")
	f.Add("No devices were found")
	f.Fuzz(func(t *testing.T, line string) {
		r, _, ok := parseReading(line, fields)
		if ok && !strings.HasPrefix(r.Device, "GPU-") {
			t.Errorf("%q is a reading of %q", line, r.Device)
		}
		for m, v := range r.Values {
			if ok && (math.IsInf(v, 0) || v < 0) {
				t.Errorf("%q: %s is %v", line, Metric(m), v)
			}
		}
	})
}
