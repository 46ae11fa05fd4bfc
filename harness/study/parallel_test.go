package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harness/harness/bench"
	"harness/harness/engine"
	"harness/harness/executor"
	"harness/results"
	"harness/search"
)

// machine is an executor with devices, whose trials take their time by a clock of its
// own: it moves to the next trial's end when the loop waits. It keeps the books of what
// runs at a time.
type machine struct {
	store   results.Store
	devices int
	lost    int     // devices that were set aside after they were counted
	disturb float64 // what neighbours add to the costs, as a share
	stopAt  int     // trial whose end kills the harness, counted from 1 by ends; 0: none

	note    func(text string) // may be nil
	clock   time.Duration
	ends    int
	running []*machineSlot
	most    int // trials at a time
	begun   []bench.Plan
	gpuTime time.Duration // devices times time
	longest time.Duration
}

type machineSlot struct {
	*machine
	n    int
	end  time.Duration
	over chan struct{}

	ended, killed bool
}

func (m *machine) taken() int {
	n := 0
	for _, s := range m.running {
		n += s.n
	}
	return n
}

func (m *machine) Free() int { return m.devices - m.taken() }

func (m *machine) Claim(devices int, _ bool) (executor.Slot, error) {
	if devices == 0 {
		devices = m.devices
	}
	if left := m.devices - m.lost; devices > left {
		return nil, &executor.UnfitError{Need: devices, Left: left, Why: "made up"}
	}
	if devices > m.Free()-m.lost {
		return nil, nil
	}
	s := &machineSlot{machine: m, n: devices, over: make(chan struct{})}
	m.running = append(m.running, s)
	m.most = max(m.most, len(m.running))
	return s, nil
}

// begin is told by the loop of a trial on what was claimed last.
func (m *machine) begin(p bench.Plan, _ Progress) {
	s := m.running[len(m.running)-1]
	s.end = m.clock + lasting(p)
	m.begun = append(m.begun, p)
	m.gpuTime += lasting(p) * time.Duration(s.n)
	m.longest = max(m.longest, lasting(p))
}

// next ends the trial that ends first, once the one before it is over.
func (m *machine) next() {
	if len(m.running) == 0 || slices.ContainsFunc(m.running, func(s *machineSlot) bool { return s.ended }) {
		return
	}
	first := slices.MinFunc(m.running, func(a, b *machineSlot) int { return cmp.Compare(a.end, b.end) })
	m.clock = first.end
	m.ends++
	first.ended, first.killed = true, m.ends == m.stopAt
	close(first.over)
}

func (s *machineSlot) Run(ctx, _ context.Context, p bench.Plan) (results.Trial, error) {
	row := bench.Interrupted(p)
	select {
	case <-s.over:
	case <-ctx.Done():
		return row, s.store.WriteTrial(row)
	}
	if s.killed {
		return row, errKilled
	}
	row.Outcome, row.FailureClass, row.FailureLine = results.OK, "", ""
	row.TotalSeconds = lasting(p).Seconds()
	for _, r := range p.Runs {
		run := values(p).run(p, r)
		rng := rand.New(rand.NewPCG(uint64(r.Repeat), uint64(len(s.begun)*100+int(p.TrialID[4]))))
		noise := math.Exp(0.005 * rng.NormFloat64())
		if p.Parallel > 1 {
			noise *= 1 + s.disturb
		}
		run.TTFTP50S, run.OutputTPS = run.TTFTP50S*noise, run.OutputTPS/noise
		if err := s.store.WriteRun(run, nil); err != nil {
			return row, err
		}
	}
	return row, s.store.WriteTrial(row)
}

func (s *machineSlot) Release() {
	i := slices.Index(s.running, s)
	s.running = slices.Delete(s.running, i, i+1)
}

// wideSpec has servers of one to eight devices, 120 configs.
const wideSpec = `
schema: 1
engine: fake
about: a lattice for tests
parameters:
  - {name: tp, flag: --tp, kind: ordinal, values: [1, 2, 4, 8], default: 1}
  - {name: batch, flag: --batch, kind: ordinal, values: [1, 2, 4, 16, 32], default: 4}
  - {name: policy, flag: --policy, kind: categorical, values: [fcfs, lpm, other], default: fcfs}
  - {name: graphs, flag: --graphs, kind: bool, values: [false, true], default: false}
devices: tp
`

func wideStudy(t *testing.T) *Study {
	t.Helper()
	spec := parseSpec(t, wideSpec)
	lattice := compileSpec(t, spec)
	lock := testLock(spec, lattice)
	lock.LoadPoints = lock.LoadPoints[:1]
	s, err := Create(filepath.Join(t.TempDir(), "study"), lock, spec, lattice)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lasting is a minute and up to a half more, by config: larger servers do not take
// longer.
func lasting(p bench.Plan) time.Duration {
	sum := 0
	for _, b := range []byte(p.ConfigID) {
		sum += int(b)
	}
	return time.Minute + time.Duration(sum%30)*time.Second
}

// on runs a goal on a machine.
func on(t *testing.T, s *Study, m *machine, goal Goal) (reason string, err error) {
	t.Helper()
	m.store = s.Store
	reason, err = s.Run(t.Context(), t.Context(), m, goal, Watcher{Begin: m.begin, Note: m.note, idle: m.next})
	if len(m.running) > 0 {
		t.Errorf("%d trials outlived the run", len(m.running))
	}
	return reason, err
}

// A study of servers of many sizes takes hardly longer than the devices must: by what
// they do in all, or by the longest trial.
func TestTrialsFillTheMachine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		goal  Goal
		bound float64 // of the makespan by the lower bound
	}{
		{Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 40, Parallel: 8, Trust: true}, 1.1},
		{Goal{Mode: search.Exhaustive, Purpose: Seed, Trials: 120, Parallel: 8, Trust: true}, 1.1},
		{Goal{Mode: search.Random, Purpose: Ask, Trials: 40, Parallel: 8, Trust: true}, 1.25}, // asks for little beforehand
	} {
		t.Run(fmt.Sprintf("%s %d", tt.goal.Mode, tt.goal.Trials), func(t *testing.T) {
			t.Parallel()
			s, m := wideStudy(t), &machine{devices: 8}
			if reason, err := on(t, s, m, tt.goal); err != nil || reason != Complete && reason != Exhausted {
				t.Fatal(reason, err)
			}
			least := max(m.gpuTime/8, m.longest)
			ratio := float64(m.clock) / float64(least)
			t.Logf("%d trials, at most %d at a time: %v, %.3f of the least", len(m.begun), m.most, m.clock, ratio)
			if ratio > tt.bound || m.most < 4 || len(m.begun) != tt.goal.Trials {
				t.Errorf("%d trials, at most %d at a time; the makespan is %.3f of the least, want at most %.2f", len(m.begun), m.most, ratio, tt.bound)
			}
			checkMeasuredOnce(t, s)
		})
	}
}

func TestParallelBoundsTrials(t *testing.T) {
	t.Parallel()
	for parallel := range 4 {
		s, m := wideStudy(t), &machine{devices: 8}
		if _, err := on(t, s, m, Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 8, Parallel: parallel, Trust: true}); err != nil {
			t.Fatal(err)
		}
		if want := max(1, parallel); m.most != want {
			t.Errorf("--parallel %d: %d at a time", parallel, m.most)
		}
	}
}

// A study with several trials under way that is killed goes on where it was: what was
// under way is measured first, and nothing twice.
func TestInterruptedParallelStudyGoesOn(t *testing.T) {
	t.Parallel()
	goal := Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 20, Parallel: 8, Trust: true}
	s, calm := wideStudy(t), wideStudy(t)
	for stop := 3; ; stop++ {
		reason, err := on(t, reopen(t, s), &machine{devices: 8, stopAt: stop}, goal)
		if err == nil && reason == Complete {
			break
		}
		if !errors.Is(err, errKilled) || stop > 12 {
			t.Fatal(reason, err)
		}
	}
	checkMeasuredOnce(t, s)
	if reason, err := on(t, calm, &machine{devices: 8}, goal); err != nil || reason != Complete {
		t.Fatal(reason, err)
	}
	want, got := asked(t, calm), asked(t, s)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("measured\n%v\nand undisturbed\n%v", got, want)
	}
}

// What waits longest is passed by a bounded number of others, and of what may begin the
// largest does.
func TestQueue(t *testing.T) {
	t.Parallel()
	of := func(sizes ...int) queue {
		var q queue
		for i, n := range sizes {
			q = append(q, &config{launch: launch{config: fmt.Sprint(i)}, devices: n})
		}
		return q
	}
	ids := func(cs []*config) (out []string) {
		for _, c := range cs {
			out = append(out, c.config)
		}
		return out
	}
	q := of(1, 8, 2, 0, 8, 2)
	if got := ids(q.candidates()); !slices.Equal(got, []string{"3", "1", "2", "0"}) {
		t.Errorf("candidates %v", got)
	}
	q = of(8)
	for i := range maxPassed {
		if q.held() {
			t.Fatalf("held after %d", i)
		}
		q = append(q, &config{devices: 1})
		q = q.take(q[1])
	}
	q = append(q, &config{devices: 1})
	if got := ids(q.candidates()); !q.held() || !slices.Equal(got, []string{"0"}) {
		t.Errorf("candidates %v of which one was passed %d times", got, q[0].passed)
	}
	q = append(of(1, 2), &config{launch: launch{config: "x"}, devices: 1, alone: true})
	if got := ids(q.candidates()); !slices.Equal(got, []string{"x"}) {
		t.Errorf("candidates %v, one to be alone", got)
	}
}

// Where a device was set aside, what needs all of them is recorded as a fault of the
// devices, and the study goes on with the rest.
func TestStudyGoesOnWithFewerDevices(t *testing.T) {
	t.Parallel()
	s, m := wideStudy(t), &machine{devices: 8, lost: 1}
	goal := Goal{Mode: search.SeedDesign, Purpose: Seed, Trials: 12, Parallel: 8, Trust: true}
	if reason, err := on(t, s, m, goal); err != nil || reason != Complete {
		t.Fatal(reason, err)
	}
	refused := 0
	for _, tr := range stateOf(t, s).Trials {
		large := tr.Params[0].Value == int64(8)
		if large != (tr.Outcome == results.Failed && tr.FailureClass == engine.GPUFault && strings.Contains(tr.FailureLine, "GPUs needed: 8, left: 7")) {
			t.Errorf("%s: %v %s %s %s", tr.TrialID, tr.Params[0].Value, tr.Outcome, tr.FailureClass, tr.FailureLine)
		}
		if large {
			refused++
		}
	}
	if refused == 0 || len(m.begun) == 0 {
		t.Errorf("%d refused, %d begun", refused, len(m.begun))
	}
}
