package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// benchProgress is the live line of `harness bench`.
type benchProgress struct {
	panel       *panel // nil: no terminal
	total, done int    // runs
	now         string // what goes on
	since       time.Time
	more        func() string // how far it is; nil: not known
}

// phase begins a part: a warm-up or a run, after so many runs.
func (p *benchProgress) phase(now string, done int, more func() string) {
	p.panel.do(func() { p.now, p.done, p.since, p.more = now, done, time.Now(), more })
}

func (p *benchProgress) draw(width, _ int, now time.Time) string {
	text := fmt.Sprintf("%d/%d %s %s, %.0f s", p.done, p.total, bar(p.done, p.total), p.now, max(0, now.Sub(p.since).Seconds()))
	if p.more != nil {
		text += p.more()
	}
	return runewidth.Truncate(text, max(1, width-1), "…")
}

// barWidth is that of a bar, in cells.
const barWidth = 30

// bar shows a share of what is to be done.
func bar(done, total int) string {
	full := 0
	if total > 0 {
		full = min(barWidth, done*barWidth/total)
	}
	return strings.Repeat("━", full) + strings.Repeat("┄", barWidth-full)
}
