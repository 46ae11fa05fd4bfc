package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// A sequence is one request on its way through the server.
type sequence struct {
	id        string
	ids       []int32 // prompt, then what was generated
	prompt    int     // tokens
	maxNew    int     // tokens to generate at most
	ignoreEOS bool
	sampled   bool // does not take the most likely token
	stream    bool
	text      bool // the prompt came as text
	seed      uint64

	replica  int
	worker   int
	arrived  time.Duration
	queued   time.Duration // when its replica got it
	started  time.Duration // when its first step began; 0: not yet
	first    time.Duration // first token; 0: none yet
	last     time.Duration // the newest token
	cached   int           // prompt tokens that were in the cache when it started
	computed int           // of ids: entries in the KV cache, or planned for the running step
	held     int           // KV tokens of its own, whole pages
	node     *radixNode    // what it shares; nil: nothing
	shared   int           // tokens down to node
	taking   int           // prompt tokens of the step that runs
	output   int           // tokens generated
	counted  int           // of them, those in the statistics
	natural  int           // the length at which it would end by itself
	aborted  bool
	sink     func(emission)
}

// An emission tells a client how far its request has come.
type emission struct {
	at     time.Duration
	seq    *sequence
	tokens int    // generated so far
	cached int    // prompt tokens found in the cache
	finish string // "", length, stop or abort
}

// newSequence prepares a request. What a model would say is drawn from the prompt
// alone: the same prompt has the same answer.
func newSequence(prompt []int32, maxNew int, ignoreEOS bool) *sequence {
	q := &sequence{prompt: len(prompt), maxNew: maxNew, ignoreEOS: ignoreEOS, seed: hashTokens(prompt)}
	q.ids = append(make([]int32, 0, len(prompt)+min(maxNew, 4096)), prompt...)
	// Answers of chat models are a few hundred tokens long, with a long tail.
	rng := rand.New(rand.NewPCG(q.seed, 2))
	q.natural = max(1, int(180*math.Exp(0.9*rng.NormFloat64())))
	return q
}

// hashTokens is FNV-1a over the ids.
func hashTokens(ids []int32) uint64 {
	h := uint64(14695981039346656037)
	for _, id := range ids {
		h = (h ^ uint64(uint32(id))) * 1099511628211
	}
	return h
}

// generate adds one token.
func (q *sequence) generate() {
	q.ids = append(q.ids, outputID(q.seed, q.output))
	q.output++
}

// finish is the reason to end now, or "".
func (q *sequence) finish() string {
	switch {
	case q.output >= q.maxNew:
		return "length"
	case !q.ignoreEOS && q.output >= q.natural:
		return "stop"
	}
	return ""
}
