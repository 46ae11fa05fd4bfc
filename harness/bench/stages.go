package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"harness/harness/load"
)

// Stages are a staircase: loads one after the other, as in c8:30s,c16:30s,r2.5:1m, which
// keeps 8 requests in flight for 30 s, then 16, and then sends 2.5 a second for a minute.
// As text they can be compared; ParseStages gives the one text of equal ones.
type Stages string

// ParseStages reads stages as a user writes them.
func ParseStages(text string) (Stages, error) {
	var parts []string
	for _, part := range strings.Split(text, ",") {
		stage, err := parseStage(strings.TrimSpace(part))
		if err != nil {
			return "", fmt.Errorf("stage %q: %w: write LOAD:TIME, such as c8:30s (8 in flight) or r2.5:1m (2.5 requests a second)", part, err)
		}
		name := Point{Concurrency: stage.Concurrency, Rate: stage.Rate}.LoadPoint()
		parts = append(parts, name+":"+strconv.FormatFloat(stage.Seconds, 'f', -1, 64)+"s")
	}
	return Stages(strings.Join(parts, ",")), nil
}

// UnmarshalText reads stages from a file, where anyone may have written them.
func (s *Stages) UnmarshalText(text []byte) (err error) {
	if *s = ""; len(text) > 0 {
		*s, err = ParseStages(string(text))
	}
	return err
}

func parseStage(text string) (s load.Stage, err error) {
	what, length, ok := strings.Cut(text, ":")
	if !ok || len(what) < 2 {
		return s, fmt.Errorf("it has no load or no time")
	}
	d, err := time.ParseDuration(length)
	if err != nil || d <= 0 || d > 24*time.Hour {
		return s, fmt.Errorf("time %q: must be more than 0 and at most 24h", length)
	}
	s.Seconds = d.Seconds()
	switch what[0] {
	case 'c':
		s.Concurrency, err = strconv.Atoi(what[1:])
		ok = err == nil && s.Concurrency >= 1 && s.Concurrency <= 1e5
	case 'r':
		s.Rate, err = strconv.ParseFloat(what[1:], 64)
		ok = err == nil && s.Rate >= 1e-3 && s.Rate <= 1e6
	default:
		ok = false
	}
	if !ok {
		return s, fmt.Errorf("load %q: neither a concurrency of 1 or more nor a rate of 0.001 or more", what)
	}
	return s, nil
}

// List are the stages; nil where there are none. It panics on what ParseStages did not
// make.
func (s Stages) List() []load.Stage {
	if s == "" {
		return nil
	}
	var list []load.Stage
	for _, part := range strings.Split(string(s), ",") {
		stage, err := parseStage(part)
		if err != nil {
			panic("bench: stages that ParseStages did not make: " + err.Error())
		}
		list = append(list, stage)
	}
	return list
}

// Seconds is how long they take together.
func (s Stages) Seconds() (sum float64) {
	for _, stage := range s.List() {
		sum += stage.Seconds
	}
	return sum
}

// Closed reports whether a stage is a closed loop: how many requests it sends, the server
// decides.
func (s Stages) Closed() bool {
	for _, stage := range s.List() {
		if stage.Concurrency > 0 {
			return true
		}
	}
	return false
}

// requests is how many prompts suffice, where the server answers so many requests a
// second in a closed loop. Gaps that are drawn purely may be shorter than the rate says.
func (s Stages) requests(perSecond float64, pure bool) int {
	n := 0.0
	for _, stage := range s.List() {
		due := stage.Rate * stage.Seconds
		if stage.Concurrency > 0 {
			due = 2*perSecond*stage.Seconds + 2*float64(stage.Concurrency)
		} else if pure {
			due += 5*math.Sqrt(due) + 10
		}
		n += math.Round(due)
	}
	return max(1, int(n))
}

// mostInFlight is as of Point.ConcurrencyGuess.
func (s Stages) mostInFlight() int {
	n := 0
	for _, stage := range s.List() {
		n = max(n, Point{Concurrency: stage.Concurrency, Rate: stage.Rate}.ConcurrencyGuess())
	}
	return n
}
