package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

// screen is a terminal that a command runs in.
type screen struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	done chan error    // how it ended
	gone chan struct{} // closed when nothing writes to term any more

	mu      sync.Mutex
	term    *vt.Emulator
	changed chan struct{} // closed at the next output
}

func startOnTerminal(t *testing.T, width, height int, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, cmd: exec.Command("harness", args...), done: make(chan error, 1), gone: make(chan struct{}), term: vt.NewEmulator(width, height), changed: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "GORACE="+noExitSleep)
	s.cmd.Dir = t.TempDir()
	var err error
	if s.tty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	go func() { // what the terminal answers to questions goes nowhere
		_, _ = io.Copy(io.Discard, s.term)
	}()
	go func() {
		defer close(s.gone)
		buffer := make([]byte, 4096)
		for {
			n, err := s.tty.Read(buffer)
			s.mu.Lock()
			_, _ = s.term.Write(buffer[:n])
			close(s.changed)
			s.changed = make(chan struct{})
			s.mu.Unlock()
			if err != nil { // EIO: the command is gone
				s.done <- s.cmd.Wait()
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.gone
		_ = s.tty.Close()
		_ = s.term.Close()
	})
	return s
}

// until waits for a screen that fulfils what is wanted, and returns it.
func (s *screen) until(what string, wanted func(text string) bool) string {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		s.mu.Lock()
		text, changed := s.term.String(), s.changed
		s.mu.Unlock()
		if wanted(text) {
			return text
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("%s was not seen; the screen:\n%s", what, text)
		}
	}
}

func (s *screen) resize(width, height int) {
	s.mu.Lock()
	s.term.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		s.t.Fatal(err)
	}
}

// A sweep on a terminal: the panel below the lines, a narrow terminal, and after Ctrl-C
// nothing but lines.
func TestLiveView(t *testing.T) {
	s := startOnTerminal(t, 100, 40, "sweep", "--engine", "sim", "--trials", "200", "--repeats", "2", "--isl", "16", "--osl", "8", "--concurrency", "2", "--study", "s")
	all := s.until("a panel with a plot", func(text string) bool {
		return strings.Contains(text, " of 200  ") && strings.Contains(text, "│ ") && strings.Contains(text, "front: ")
	})
	if !strings.Contains(all, "SIMULATED") || !strings.Contains(all, "[1/200] t0001") {
		t.Errorf("the panel does not say that this is simulated, or no line stays:\n%s", all)
	}
	s.resize(30, 12)
	s.until("a narrow panel", func(text string) bool {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if strings.Contains(line, " of 200") && i+1 < len(lines) && strings.HasSuffix(strings.TrimRight(lines[i+1], " "), "…") && !strings.Contains(text, "│ ") {
				return true
			}
		}
		return false
	})
	s.resize(100, 120)                                // all that follows stays on the screen
	if _, err := s.tty.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	select {
	case err := <-s.done:
		if code := s.cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("ended with %d (%v)", code, err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("Ctrl-C does not end it")
	}
	end := s.until("the conclusion", func(text string) bool { return strings.Contains(text, "Next ") })
	for _, left := range []string{"┄", "│ ", "  front: "} {
		if strings.Contains(end, left) {
			t.Errorf("%q of the panel is left:\n%s", left, end)
		}
	}
}

// With --plain, and on a pipe, there is no panel.
func TestPlainView(t *testing.T) {
	s := startOnTerminal(t, 100, 40, "sweep", "--engine", "sim", "--trials", "2", "--repeats", "1", "--isl", "16", "--osl", "8", "--concurrency", "2", "--study", "s", "--plain")
	text := s.until("the conclusion", func(text string) bool { return strings.Contains(text, "Next ") })
	if strings.Contains(text, "┄") || strings.Contains(text, "━") {
		t.Errorf("a panel in spite of --plain:\n%s", text)
	}
}

// What the panel takes of a core is ten times this a second, at most.
func BenchmarkPanel(b *testing.B) {
	l := &liveState{began: time.Now(), at: study.Progress{Done: 500, Total: 1000}, failed: map[string]int{"oom_load": 3}, front: report.Front{Aim: benchmarkAim(b)}}
	for i := range 1000 {
		r := report.Row{OnFront: i%100 == 0}
		r.Values[0].Value, r.Values[1].Value = 0.01*float64(i+1), 1000/float64(i%37+1)
		l.front.Rows = append(l.front.Rows, r)
	}
	for i := range 8 {
		l.running = append(l.running, runningTrial{id: fmt.Sprint("t", i), phase: "c8, repeat 2", config: strings.Repeat("a=b ", 40), since: time.Now()})
	}
	for b.Loop() {
		l.draw(120, 40, time.Now())
	}
}

func benchmarkAim(b *testing.B) results.Aim {
	aim, err := results.ParseAim(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	return aim
}
