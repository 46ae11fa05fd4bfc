package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// faults are the failures that --sim-fail asks for.
type faults struct {
	kind  string // crash, hang, oom or ""
	after int    // requests that are served first
	slow  float64
	swift int // requests that come before slow
}

// parseFaults reads a list such as "slow:4@10,crash@30".
func parseFaults(text string) (faults, error) {
	f := faults{slow: 1}
	for part := range strings.SplitSeq(text, ",") {
		kind, after, counted := strings.Cut(part, "@")
		name, factor, scaled := strings.Cut(kind, ":")
		var err error
		switch {
		case part == "":
			continue
		case scaled && name == "slow":
			if f.slow, err = strconv.ParseFloat(factor, 64); err == nil && !(f.slow > 0 && f.slow <= 1e6) {
				err = fmt.Errorf("must be in (0, 1e6]")
			}
			if err == nil && counted {
				f.swift, err = countOf(after)
			}
		case kind == "crash" || kind == "hang" || kind == "oom":
			f.kind = kind
			if counted {
				f.after, err = countOf(after)
			}
		default:
			err = fmt.Errorf("unknown")
		}
		if err != nil {
			return faults{}, fmt.Errorf("--sim-fail %q: %w; use crash, hang or oom, with @N to serve N requests first, or slow:FACTOR, likewise", part, err)
		}
	}
	return f, nil
}

func countOf(text string) (n int, err error) {
	if n, err = strconv.Atoi(text); err == nil && n < 0 {
		err = fmt.Errorf("must not be negative")
	}
	return n, err
}

// slowAt is the factor of all steps once the n-th request (from 1) is there.
func (f faults) slowAt(n int) float64 {
	if n > f.swift {
		return f.slow
	}
	return 1
}

// strikes reports whether the n-th request (from 1) meets the failure.
func (f faults) strikes(n int) bool { return f.kind != "" && n > f.after }

// message is how the scheduler dies.
func (f faults) message() string {
	if f.kind == "oom" {
		return "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.22 GiB. (simulated)"
	}
	return "RuntimeError: CUDA error: an illegal memory access was encountered (simulated)"
}

// outOfMemory is torch's message for a step that needs more than is left.
func outOfMemory(s *setup, needMiB float64) string {
	return fmt.Sprintf("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate %.2f GiB. GPU 0 has a total capacity of %.2f GiB of which %.2f GiB is free. (simulated)",
		needMiB/1024, float64(s.gpu.memMiB)/1024, s.mem.dynamicMiB/1024)
}
