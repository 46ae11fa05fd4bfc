package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"harness/results/report"
)

// Sizes of the panel, in cells.
const (
	plotWidth   = 56
	plotHeight  = 9
	leastPlot   = 24 // columns: below it there is no plot
	leastHeight = 22 // rows of a terminal in which a plot leaves room for the lines above it
	mostRunning = 8
)

// draw is the text of the panel for a terminal of width columns and height rows.
func (l *liveState) draw(width, height int, now time.Time) string {
	width = max(width-1, 1) // a full line would wrap on some terminals
	lines := []string{"", l.headline(width, now)}
	for i, r := range l.running {
		if i == mostRunning {
			lines = append(lines, fmt.Sprintf("  and %d more", len(l.running)-i))
			break
		}
		lines = append(lines, r.line(now))
	}
	if width >= leastPlot && height >= leastHeight && len(l.front.Rows) > 1 {
		lines = append(lines, plot(l.front, min(width, plotWidth), plotHeight)...)
	}
	lines = append(lines, l.frontLine())
	if text := l.failures(); text != "" {
		lines = append(lines, text)
	}
	for i, line := range lines {
		lines[i] = runewidth.Truncate(line, width, "…")
	}
	return strings.Join(lines, "\n")
}

func (l *liveState) headline(width int, now time.Time) string {
	done, total := steps(l.at)
	parts := []string{fmt.Sprintf("%d of %d", done, total)}
	if width >= 2*barWidth {
		parts = append(parts, bar(done, total))
	}
	parts = append(parts, round(now.Sub(l.began).Truncate(time.Second)).String()+left(l.at))
	if l.front.Simulated {
		parts = append(parts, "SIMULATED")
	}
	return strings.Join(parts, "  ")
}

func (r runningTrial) line(now time.Time) string {
	gpus := ""
	if len(r.gpus) > 0 {
		gpus = "  GPU " + strings.Join(r.gpus, ",")
	}
	return fmt.Sprintf("  %s%s  %s, %.0f s  %s  <- %s", r.id, gpus, r.phase, max(0, now.Sub(r.since).Seconds()), r.config, r.reason)
}

func (l *liveState) frontLine() string {
	points := l.front.Points()
	if len(points) == 0 {
		return "  front: no point yet"
	}
	o := l.front.Aim.Objectives
	best := func(k int) string {
		r := slices.MinFunc(points, func(a, b report.Row) int {
			if (a.Values[k].Value < b.Values[k].Value) != o[k].Higher {
				return -1
			}
			return 1
		})
		return fmt.Sprintf("%s %s (%s %s)", report.Label(o[k]), report.FormatOf(o[k])(r.Values[k].Value), r.TrialID, r.LoadPoint)
	}
	return fmt.Sprintf("  front: %s, hypervolume %.3f; best %s, %s", report.Plural(len(points), "point"), l.front.HV, best(0), best(1))
}

func (l *liveState) failures() string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(l.failed)) {
		parts = append(parts, fmt.Sprintf("%s %d", class, l.failed[class]))
	}
	if len(parts) == 0 {
		return ""
	}
	return "  failed: " + strings.Join(parts, ", ")
}

// plot draws the points over the logs of both objectives, better to the left and up:
// dots, and circles on the front.
func plot(f report.Front, width, height int) []string {
	o := f.Aim.Objectives
	coordinate := func(r report.Row, k int) float64 {
		v := math.Log(r.Values[k].Value)
		if o[k].Higher == (k == 0) { // the first axis grows to the right where less is better
			return -v
		}
		return v
	}
	var low, high [2]float64
	for k := range 2 {
		low[k], high[k] = math.Inf(1), math.Inf(-1)
		for _, r := range f.Rows {
			if v := coordinate(r, k); !math.IsNaN(v) && !math.IsInf(v, 0) {
				low[k], high[k] = min(low[k], v), max(high[k], v)
			}
		}
		if !(high[k] > low[k]) {
			return nil
		}
	}
	columns := width - 4
	grid := make([][]rune, height)
	for y := range grid {
		grid[y] = []rune(strings.Repeat(" ", columns))
	}
	put := func(r report.Row, mark rune) {
		x := (coordinate(r, 0) - low[0]) / (high[0] - low[0]) * float64(columns-1)
		y := (coordinate(r, 1) - low[1]) / (high[1] - low[1]) * float64(height-1)
		if !math.IsNaN(x) && !math.IsNaN(y) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
			grid[height-1-int(math.Round(y))][int(math.Round(x))] = mark
		}
	}
	for _, r := range f.Rows {
		put(r, '·')
	}
	for _, r := range f.Points() {
		put(r, '●')
	}
	edge := func(k int, least bool) string {
		pick := slices.MinFunc[[]report.Row]
		if !least {
			pick = slices.MaxFunc[[]report.Row]
		}
		r := pick(f.Rows, func(a, b report.Row) int {
			switch d := coordinate(a, k) - coordinate(b, k); {
			case d < 0:
				return -1
			case d > 0:
				return 1
			}
			return 0
		})
		return report.FormatOf(o[k])(r.Values[k].Value)
	}
	lines := []string{fmt.Sprintf("  ┌ %s %s", report.Label(o[1]), edge(1, false))}
	for _, row := range grid {
		lines = append(lines, "  │ "+strings.TrimRight(string(row), " "))
	}
	right := edge(0, false)
	left := fmt.Sprintf("%s  %s %s", edge(1, true), report.Label(o[0]), edge(0, true))
	return append(lines, "  └ "+left+" "+strings.Repeat("─", max(0, columns-2-runewidth.StringWidth(left)-runewidth.StringWidth(right)))+" "+right)
}
