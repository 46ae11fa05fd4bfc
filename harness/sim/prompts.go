package sim

import (
	"cmp"
	"slices"
	"time"
)

// takePrompts chooses the prompt tokens of the next step: first the rest of a cut
// prompt, then waiting requests by policy, as long as tokens, sequences and KV
// cache allow. Budgets and their order follow SGLang's PrefillAdder.
func (r *replica) takePrompts(now time.Duration, w *work) {
	left := budget{chunk: r.s.chunk, prompt: r.s.maxPrefill, unlimited: r.s.chunk == 0}
	if r.s.mixed && !left.unlimited {
		left.chunk -= len(r.running)
	}
	if r.chunked != nil {
		r.take(r.chunked, &left, w)
	}
	if r.chunked != nil || len(r.waiting) == 0 {
		return
	}
	r.sortWaiting(now)
	reserved := 0.0
	for _, q := range r.running {
		reserved += float64(min(q.maxNew-q.output, clipNewTokens)) * r.ratio
	}
	taken := 0
	for _, q := range r.waiting {
		if len(r.running)+len(r.batch) >= r.s.mem.maxRunning ||
			r.s.prefillMaxRequests > 0 && len(r.batch) >= r.s.prefillMaxRequests {
			break
		}
		if !r.admit(q, now, &left, &reserved, w) {
			break
		}
		taken++
		if r.chunked != nil {
			break
		}
	}
	r.waiting = slices.Delete(r.waiting, 0, taken)
}

// A budget is what one step may still take.
type budget struct {
	chunk, prompt int  // tokens
	unlimited     bool // prompts are not cut
}

// admit takes a waiting sequence into the step if there is room for it.
func (r *replica) admit(q *sequence, now time.Duration, left *budget, reserved *float64, w *work) bool {
	node, shared := (*radixNode)(nil), 0
	if r.tree != nil { // at least one token is computed anew, to have something to continue from
		node, shared = r.tree.match(q.ids[:len(q.ids)-1], now)
		r.tree.lock(node) // before room is counted: what it shares cannot be evicted
	}
	refuse := func() bool {
		if node != nil {
			r.tree.unlock(node)
		}
		return false
	}
	fresh := len(q.ids) - shared
	need := float64(pages(fresh, r.s.page) + min(q.maxNew-q.output, clipNewTokens) + r.s.page)
	room := float64(r.room()) - *reserved
	alone := len(r.running) == 0 && len(r.batch) == 0
	if need > room && !alone {
		return refuse()
	}
	if len(r.batch) > 0 && fresh > left.prompt || !alone && !left.unlimited && fresh > left.chunk && left.chunk < r.s.page {
		return refuse() // the rest of the step's budget holds neither the prompt nor a page of it
	}
	if q.started == 0 {
		q.started, q.cached = now, min(shared, q.prompt)
	}
	q.node, q.shared, q.computed = node, shared, shared
	*reserved += float64(min(q.maxNew-q.output, clipNewTokens) + r.s.page)
	r.take(q, left, w)
	return true
}

// take puts as many of the tokens of q that are not computed into the step as the budget allows.
func (r *replica) take(q *sequence, left *budget, w *work) {
	n := len(q.ids) - q.computed
	if !left.unlimited && n > left.chunk {
		n = max(left.chunk/r.s.page*r.s.page, r.s.page) // a first piece always fits: the chunk is a multiple of the page
		n = min(n, len(q.ids)-q.computed)
	}
	from := q.computed
	q.taking, q.computed = n, from+n
	r.chunked = nil
	if q.computed < len(q.ids) {
		r.chunked = q
	} else {
		w.prompts++
		if q.sampled {
			w.sampled++
		}
	}
	r.hold(q, q.computed-q.shared)
	left.chunk -= n
	left.prompt -= n
	w.promptTokens += n
	w.promptPairs += float64(n) * (float64(from) + float64(n)/2)
	r.batch = append(r.batch, q)
}

// sortWaiting orders the queue by the schedule policy. Every order is stable: equal requests keep their turn.
func (r *replica) sortWaiting(now time.Duration) {
	policy := r.s.policy
	if policy == "lpm" && len(r.waiting) > lpmQueueLimit {
		policy = "fcfs"
	}
	var key map[*sequence]float64
	measure := func(f func(*sequence) float64) {
		key = make(map[*sequence]float64, len(r.waiting))
		for _, q := range r.waiting {
			key[q] = f(q)
		}
	}
	switch policy {
	case "lpm": // longest cached prefix first
		measure(func(q *sequence) float64 { _, n := r.tree.match(q.ids, now); return -float64(n) })
	case "dfs-weight": // the branch on which most requests wait first
		group := map[*radixNode]int{}
		at := map[*sequence]*radixNode{}
		for _, q := range r.waiting {
			n, _ := r.tree.match(q.ids, now)
			group[n]++
			at[q] = n
		}
		measure(func(q *sequence) float64 { return -float64(group[at[q]]) })
	case "lof": // longest output first
		measure(func(q *sequence) float64 { return -float64(q.maxNew) })
	case "shortest-prefill-first":
		measure(func(q *sequence) float64 { return float64(len(q.ids)) })
	case "hrrn": // highest response ratio next: waiting time over expected service
		measure(func(q *sequence) float64 {
			return -(now - q.queued).Seconds() / (float64(len(q.ids))*2e-5 + float64(q.maxNew)*7e-3)
		})
	case "random":
		r.rng.Shuffle(len(r.waiting), func(i, j int) { r.waiting[i], r.waiting[j] = r.waiting[j], r.waiting[i] })
		return
	default:
		return
	}
	slices.SortStableFunc(r.waiting, func(a, b *sequence) int { return cmp.Compare(key[a], key[b]) })
}
