package engine

import (
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"harness/space"
)

// Failure classes (the words of results and of the specs' patterns).
const (
	BadFlag         = "bad_flag"         // the engine's argument parser refused a flag
	IllegalConfig   = "illegal_config"   // the engine refused the combination
	ModelUnreadable = "model_unreadable" // missing, cut off, or of a kind that the engine does not know
	OOMLoad         = "oom_load"         // no memory before the server was ready
	OOMCapture      = "oom_capture"      // no memory while graphs were captured
	OOMServing      = "oom_serving"      // no memory from the first generation on
	NoKVMemory      = "no_kv_memory"     // the weights fit, and leave no room for a KV cache
	Port            = "port"             // another process had the port
	Crash           = "crash"            // the server ended by itself
	HangStart       = "hang_start"       // it runs, and is not ready in time
	HangServing     = "hang_serving"     // it runs, and no token comes
	Slow            = "slow"             // it answers, and far slower than it did before
	WrongOutput     = "wrong_output"     // no tokens, or another number than was asked for
	RequestErrors   = "request_errors"   // it runs, and refuses or breaks requests
	ClientOverload  = "client_overload"  // this machine could not offer the load, or not measure it
	GPUFault        = "gpu_fault"        // the device or its driver, not what ran on it
	Killed          = "killed"           // ended from outside, by a signal that was not ours
	Cancelled       = "cancelled"        // ended by us, before all was measured
	HarnessError    = "harness_error"    // our own trouble
)

// Phases of a trial.
const (
	PhaseStart  = "start"       // up to readiness
	PhaseFirst  = "first_token" // one real generation
	PhaseWarmup = "warmup"
	PhaseRun    = "run"
)

// Failure is what is known of a trial that did not end well.
type Failure struct {
	Class string
	Phase string
	Exit  *Exit         // nil: the server had not ended by itself
	After time.Duration // since the launch
	Line  string        // the log line that decided the class, or a description
	Tail  string        // the log's last lines
}

// tailLines and tailBytes bound what of a log is kept in a trial's row.
const (
	tailLines = 40
	tailBytes = 8 << 10
	scanBytes = 4 << 20 // of a log's end are searched for patterns
)

// Diagnose tells why the server failed in a phase. fallback is the class for the
// case that the log says nothing and the server still runs: the caller knows what it
// was waiting for.
func (s *Server) Diagnose(phase, fallback, description string) Failure {
	f := Failure{Phase: phase, After: s.Age()}
	if s.ended() {
		exit := s.Exit()
		f.Exit = &exit
		f.After = exit.After
	}
	log := s.Log()
	f.Tail = lastLines(log, tailLines)
	f.Class, f.Line = classify(s.launch.Server.Failures, log, phase, f.Exit)
	switch {
	case f.Class == "":
		f.Class, f.Line = fallback, description
	case f.Class == Killed && f.Exit.signal() == syscall.SIGKILL:
		f.Class, f.Line = killer(phase, f.Line, oomKills()-s.oomKills)
	}
	return f
}

// classify applies the engine's patterns in order; what they do not know is told
// from how the process ended. "" means: neither the log nor an exit tells.
func classify(patterns []space.FailurePattern, log, phase string, exit *Exit) (class, line string) {
	for _, p := range patterns {
		if p.Phase != "" && p.Phase != phase {
			continue
		}
		if p.Exit != nil && (exit == nil || exit.Status != *p.Exit) {
			continue
		}
		if p.Pattern == "" {
			if exit != nil {
				return p.Class, exit.String()
			}
			continue
		}
		re, err := regexp.Compile("(?m)^.*(?:" + p.Pattern + ").*$")
		if err != nil {
			continue // the spec's loader refuses such a pattern
		}
		if m := re.FindString(log); m != "" {
			return p.Class, firstLine(m)
		}
	}
	if exit == nil {
		return "", ""
	}
	if sig := exit.signal(); sig == syscall.SIGKILL || sig == syscall.SIGTERM {
		return Killed, exit.String()
	}
	return Crash, exit.String()
}

// Log is what the server has written so far, of a long log the end.
func (s *Server) Log() string { return logEnd(s.LogPath) }

func logEnd(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > scanBytes {
		if _, err := f.Seek(-scanBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

func lastLines(s string, n int) string {
	s = strings.TrimRight(s, "\n")
	if len(s) > tailBytes {
		s = s[len(s)-tailBytes:]
		s = strings.ToValidUTF8(s, "")
	}
	lines := strings.Split(s, "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
