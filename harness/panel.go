package main

import (
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// A panel is the changing part of what a running command shows on a terminal, below the
// lines that stay. It reads no key: Ctrl-C stays the signal that it is, and the terminal
// keeps its mode, so that nothing is left behind. A nil panel is none: lines go straight
// to the output.
type panel struct {
	out     io.Writer
	program *tea.Program
	closed  chan struct{}
}

// panelFPS is how often the terminal is written to, at most.
const panelFPS = 10

// newPanel shows what draw gives for a width and height in cells, anew each second and
// after each change. draw is called by one goroutine, the one that makes the changes.
func newPanel(out io.Writer, draw func(width, height int, now time.Time) string) *panel {
	model := panelModel{draw: draw, width: terminalWidth(), height: 24, now: time.Now()}
	p := &panel{out: out, closed: make(chan struct{}),
		program: tea.NewProgram(model, tea.WithOutput(out), tea.WithInput(nil), tea.WithoutSignalHandler(), tea.WithFPS(panelFPS))}
	go func() {
		defer close(p.closed)
		if _, err := p.program.Run(); err != nil {
			fmt.Fprintf(out, "warning: no live view: %v\n", err)
		}
	}()
	return p
}

// line prints a line that stays, cut at the terminal's edge: all of it is in the study.
func (p *panel) line(out io.Writer, text string) {
	if p == nil {
		fmt.Fprintln(out, text)
		return
	}
	p.program.Println(runewidth.Truncate(text, terminalWidth()-1, "…"))
}

// do makes a change to what draw shows.
func (p *panel) do(change func()) {
	if p != nil {
		p.program.Send(panelChange(change))
	}
}

// close takes the panel away; the lines stay.
func (p *panel) close() {
	if p != nil {
		p.program.Send(panelChange(nil))
		<-p.closed
	}
}

type (
	panelChange func() // nil: the end
	panelTick   time.Time
)

type panelModel struct {
	draw          func(width, height int, now time.Time) string
	width, height int
	now           time.Time
	ended         bool
}

func nextTick() tea.Cmd {
	return tea.Tick(time.Second, func(t time.Time) tea.Msg { return panelTick(t) })
}

// Init starts the clock.
func (m panelModel) Init() tea.Cmd { return nextTick() }

// Update takes in what happened.
func (m panelModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = time.Now()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case panelTick:
		return m, nextTick()
	case panelChange:
		if msg == nil {
			m.ended = true
			return m, tea.Quit
		}
		msg()
	}
	return m, nil
}

// View draws the panel; at the end nothing, so that the lines alone stay.
func (m panelModel) View() tea.View {
	if m.ended {
		return tea.NewView("")
	}
	return tea.NewView(m.draw(m.width, m.height, m.now))
}

func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 20 {
		return w
	}
	return 80
}
