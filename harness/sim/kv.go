package sim

import (
	"fmt"
	"slices"
	"time"
)

// pages rounds a number of tokens up to whole pages, in tokens.
func pages(tokens, page int) int { return ceilDiv(tokens, page) * page }

// free is the number of KV tokens that nothing holds; room adds what can be evicted.
func (r *replica) free() int { return r.s.mem.tokens - r.held - r.treeSize() }

func (r *replica) room() int {
	if r.tree == nil {
		return r.free()
	}
	return r.free() + r.tree.evictable
}

// hold makes q hold its own KV cache for n tokens, evicting where needed.
func (r *replica) hold(q *sequence, n int) {
	n = pages(n, r.s.page)
	r.held += n - q.held
	q.held = n
	if short := -r.free(); short > 0 && r.tree != nil {
		r.tree.evict(short)
	}
}

// share gives what q has computed to the prefix cache, from which others and q itself use it.
func (r *replica) share(q *sequence, now time.Duration) {
	if r.tree == nil {
		return
	}
	r.held -= q.held
	q.held = 0
	if q.node != nil {
		r.tree.unlock(q.node)
	}
	q.node, q.shared = r.tree.insert(q.ids[:q.computed], now)
	r.tree.lock(q.node)
	r.hold(q, q.computed-q.shared)
}

// release gives up all that q holds; what it computed stays in the prefix cache.
func (r *replica) release(q *sequence, now time.Duration) {
	r.share(q, now)
	r.held -= q.held
	q.held = 0
	if q.node != nil {
		r.tree.unlock(q.node)
		q.node = nil
	}
}

// makeRoom retracts running sequences until the others can each gain a token:
// those with the least output first, which lose least. They start again with
// what they have said as part of their prompt.
func (r *replica) makeRoom() {
	ahead := 1
	for len(r.running) > 1 && r.shortfall(ahead) > 0 {
		ahead = retractAhead // once it must be done, it is done for a while
		victim := slices.MinFunc(r.running, func(a, b *sequence) int {
			if a.output != b.output {
				return a.output - b.output
			}
			return b.prompt - a.prompt
		})
		r.running = slices.DeleteFunc(r.running, func(q *sequence) bool { return q == victim })
		r.drop(victim)
		r.waiting = slices.Insert(r.waiting, 0, victim)
		r.retracts++
		r.logs = append(r.logs, fmt.Sprintf("DP%d KV cache pool is full. Retract requests. #retracted_reqs: 1, #new_token_ratio: %.4f -> %.4f",
			r.index, r.ratio, r.ratioAfterRetract()))
		r.ratio = r.ratioAfterRetract()
	}
}

// shortfall is how many KV tokens are missing for the given number of decode steps.
func (r *replica) shortfall(steps int) int {
	need := 0
	for _, q := range r.running {
		need += pages(r.entries(q, steps)-q.shared, r.s.page) - q.held
	}
	return need - r.room()
}

// entries is the KV cache that q needs for the given number of decode steps; the
// newest token has none before it is used.
func (r *replica) entries(q *sequence, steps int) int {
	return len(q.ids) + min(steps*max(1, r.s.spec.draft), max(1, q.maxNew-q.output)) - 1
}

// ratioAfterRetract expects of every request the share of its output that the running ones have shown.
func (r *replica) ratioAfterRetract() float64 {
	done, asked := 0, 1
	for _, q := range r.running {
		done += q.output + retractAhead
		asked += q.maxNew
	}
	return min(1, max(r.ratio, float64(done)/float64(asked)))
}

// drop takes back all that q holds and has computed, without sharing it.
func (r *replica) drop(q *sequence) {
	r.held -= q.held
	q.held, q.computed, q.shared = 0, 0, 0
	if q.node != nil {
		r.tree.unlock(q.node)
		q.node = nil
	}
}

// dropAborted forgets requests whose client has gone, between two steps.
func (r *replica) dropAborted() {
	gone := func(q *sequence) bool {
		if q.aborted {
			r.drop(q)
		}
		return q.aborted
	}
	r.waiting = slices.DeleteFunc(r.waiting, gone)
	r.running = slices.DeleteFunc(r.running, gone)
	if r.chunked != nil && gone(r.chunked) {
		r.chunked = nil
	}
}
