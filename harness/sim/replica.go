package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A replica is the scheduler of one data-parallel replica with its KV cache: a
// state machine without a clock. begin chooses a batch and says how long it
// takes, end applies what the batch computed.
type replica struct {
	s       *setup
	index   int
	tree    *radix // nil: no prefix cache
	held    int    // KV tokens that sequences hold apart from the tree
	waiting []*sequence
	running []*sequence
	chunked *sequence // the prompt that is cut over several steps
	ratio   float64   // share of their remaining tokens that running sequences are expected to need
	noise   *noise
	rng     *rand.Rand // schedule policy random, accepted tokens

	batch        []*sequence // the running step's prompts
	decoding     bool        // the step moves the running sequences on
	pipelineFull bool        // the last step was one of prompts
	busy         bool

	power     power
	asked     time.Duration // when its GPUs were last asked for, and how busy they had been then
	askedBusy time.Duration

	steps    int // decode steps
	retracts int
	logs     []string
}

// Bounds of SGLang's scheduler (schedule_policy.py, new_token_ratio_tracker).
const (
	clipNewTokens   = 4096 // a request reserves no more output than this
	lpmQueueLimit   = 128  // longer queues are served first come, first served
	ratioStart      = 0.7
	ratioFloor      = 0.14 // share of the start
	ratioDecaySteps = 600
	retractAhead    = 20 // decode steps that a retraction must make room for
	logEverySteps   = 40
)

func newReplica(s *setup, index int, seed uint64) *replica {
	r := &replica{s: s, index: index, noise: newNoise(s, seed, index), rng: rand.New(rand.NewPCG(seed, 100+uint64(index)))}
	r.ratio = r.firstRatio()
	if s.radix {
		r.tree = newRadix(s.page, s.flags.str("radix_eviction_policy", "lru"))
	}
	return r
}

func (r *replica) firstRatio() float64 { return min(1, ratioStart*r.s.conservativeness) }

// idle reports whether the replica has nothing to do.
func (r *replica) idle() bool { return !r.busy && !r.wanted() }

// wanted reports whether there is something to compute.
func (r *replica) wanted() bool {
	return len(r.waiting) > 0 || len(r.running) > 0 || r.chunked != nil
}

func (r *replica) submit(q *sequence) { r.waiting = append(r.waiting, q) }

// flush empties the prefix cache; it refuses while there is work.
func (r *replica) flush() bool {
	if !r.idle() {
		return false
	}
	if r.tree != nil {
		r.tree = newRadix(r.s.page, r.tree.policy)
	}
	r.ratio = r.firstRatio()
	return true
}

// begin chooses the next step at time now and returns how long it takes; false
// when there is nothing to do.
func (r *replica) begin(now time.Duration) (time.Duration, bool) {
	r.dropAborted()
	if !r.wanted() {
		r.pipelineFull = false
		return 0, false
	}
	w := work{waiting: len(r.waiting)}
	r.batch = r.batch[:0]
	r.takePrompts(now, &w)
	r.decoding = len(r.batch) == 0 || (r.s.mixed && len(r.running) > 0)
	if r.decoding {
		r.makeRoom()
		r.addDecodes(&w)
	}
	sec := r.s.stepSec(w, r.pipelineFull) * r.noise.step()
	r.pipelineFull = len(r.batch) > 0
	r.busy = true
	r.logStep(w, sec)
	return time.Duration(sec * float64(time.Second)), true
}

// promptTokens is the number of prompt tokens of the step that runs.
func (r *replica) promptTokens() int {
	n := 0
	for _, q := range r.batch {
		n += q.taking
	}
	return n
}

// addDecodes puts the running sequences into the step.
func (r *replica) addDecodes(w *work) {
	for _, q := range r.running {
		r.hold(q, r.entries(q, 1)-q.shared)
		q.computed = len(q.ids)
		w.decodes++
		w.contextToks += len(q.ids)
		if q.sampled {
			w.sampled++
		}
	}
	w.decodeTokens = w.decodes * max(1, r.s.spec.draft)
	r.steps++
	floor := r.firstRatio() * ratioFloor
	r.ratio = max(floor, r.ratio-(r.firstRatio()-floor)/ratioDecaySteps)
}

// end applies the step that began, at the time it is over: emit is called for
// each sequence that gained tokens, in batch order.
func (r *replica) end(now time.Duration, emit func(*sequence, string)) {
	r.busy = false
	kept := r.running[:0]
	for _, q := range r.running {
		n := 0
		if r.decoding {
			n = r.gain()
		}
		if r.advance(q, n, now, emit) {
			kept = append(kept, q)
		}
	}
	clear(r.running[len(kept):])
	r.running = kept
	for _, q := range r.batch {
		if q.taking = 0; q.computed < len(q.ids) {
			continue // cut: it goes on in the next step
		}
		if r.chunked == q {
			r.chunked = nil
		}
		r.share(q, now)
		if r.advance(q, 1, now, emit) {
			r.running = append(r.running, q)
		}
	}
}

// gain is the number of tokens that a decoding sequence gets in one step.
func (r *replica) gain() int {
	if !r.s.spec.on() {
		return 1
	}
	return r.s.spec.tokens(r.rng)
}

// advance gives q n tokens and reports whether it goes on.
func (r *replica) advance(q *sequence, n int, now time.Duration, emit func(*sequence, string)) bool {
	if q.aborted {
		r.release(q, now)
		return false
	}
	if n == 0 {
		return true
	}
	reason := ""
	for range n {
		q.generate()
		if reason = q.finish(); reason != "" {
			break
		}
	}
	emit(q, reason)
	if reason != "" {
		r.release(q, now)
		return false
	}
	return true
}

// logStep writes a step as SGLang does: each step of prompts, and each 40th decode step.
func (r *replica) logStep(w work, sec float64) {
	usage := float64(r.held+r.treeSize()) / float64(max(r.s.mem.tokens, 1))
	switch {
	case len(r.batch) > 0:
		cached := 0
		for _, q := range r.batch {
			cached += q.cached
		}
		r.logs = append(r.logs, fmt.Sprintf("DP%d Prefill batch, #new-seq: %d, #new-token: %d, #cached-token: %d, token usage: %.2f, #running-req: %d, #queue-req: %d,",
			r.index, len(r.batch), w.promptTokens, cached, usage, len(r.running), len(r.waiting)))
	case r.steps%logEverySteps == 0:
		r.logs = append(r.logs, fmt.Sprintf("DP%d Decode batch, #running-req: %d, #token: %d, token usage: %.2f, cuda graph: %s, gen throughput (token/s): %.2f, #queue-req: %d,",
			r.index, w.decodes, w.contextToks, usage, pythonBool(w.decodes <= r.s.graphMaxBS), float64(w.decodes)/sec, len(r.waiting)))
	}
}

func (r *replica) treeSize() int {
	if r.tree == nil {
		return 0
	}
	return r.tree.size
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
