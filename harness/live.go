package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"harness/harness/bench"
	"harness/harness/study"
	"harness/results"
	"harness/results/report"
)

// liveState is what the panel of a running study shows: what runs now, the front as a
// plot, failures, the time left.
type liveState struct {
	at      study.Progress
	began   time.Time
	running []runningTrial // in order of their begin
	front   report.Front
	failed  map[string]int // by class
	devices []string       // UUIDs of the study's, in order
}

// runningTrial is a trial that has begun.
type runningTrial struct {
	id, phase, config, reason string
	gpus                      []string  // as people name them
	since                     time.Time // of the phase
}

// liveStateOf is the state of a study before its first trial of this run.
func liveStateOf(s *study.Study, state study.State, aim results.Aim) *liveState {
	l := &liveState{began: time.Now(), failed: map[string]int{}, front: report.NewFront(state.Trials, state.Runs, aim)}
	for _, g := range s.Lock.GPUs {
		l.devices = append(l.devices, g.UUID)
	}
	for class, n := range report.NewFailures(state.Trials).Counts() {
		l.failed[class] = n
	}
	return l
}

// begin, phase and end are the changes that a trial makes.
func (l *liveState) begin(p bench.Plan, config string, at study.Progress) {
	l.at = at
	l.running = append(l.running, runningTrial{id: p.TrialID, config: config, reason: p.Reason, phase: "begins", since: time.Now()})
}

func (l *liveState) phase(e bench.Event) {
	for i := range l.running {
		if r := &l.running[i]; r.id == e.TrialID {
			r.phase, r.since, r.gpus = e.Phase, time.Now(), l.names(e.GPUs)
			if e.Detail != "" {
				r.phase = e.Detail
			}
		}
	}
}

// names are the places of GPUs among the study's; those of a simulation have names.
func (l *liveState) names(uuids []string) []string {
	var names []string
	for _, u := range uuids {
		name := strings.TrimPrefix(u, "SIM-")
		if i := slices.Index(l.devices, u); i >= 0 {
			name = strconv.Itoa(i)
		}
		names = append(names, name)
	}
	return names
}

func (l *liveState) end(t results.Trial, front report.Front, at study.Progress) {
	l.at, l.front = at, front
	for i, r := range l.running {
		if r.id == t.TrialID {
			l.running = append(l.running[:i:i], l.running[i+1:]...)
			break
		}
	}
	if t.Outcome == results.Failed {
		l.failed[t.FailureClass]++
	}
}
