package load

import "time"

// Bounds of the sleep between two drains. The turn-around of a closed loop, the turns of
// a conversation and a timeout may be late by as much.
const (
	maxTurn    = time.Millisecond     // where the end of a request brings the next
	maxNap     = 4 * time.Millisecond // where none does
	leastPart  = 8                    // of the time between two tokens of a stream: one in so many
	mostPart   = 1 << 20
	fewStreams = 16 // fewer requests in flight are not slept for: there would be nothing to gather
)

// A nap decides how long to sleep between two drains: a part of the time between two
// tokens of a stream, so that they do not meet in one read, where only the later one
// has its time.
type nap struct {
	gap   int64 // ns from one token of a stream to the next, about; it falls fast and grows slowly
	part  int64 // of it that is slept: one in so many
	reads int   // with tokens, lately, and of these
	more  int   // the ones with more than one chunk
}

// took notes a read of so many chunks, so long after the one before of the same stream.
func (n *nap) took(chunks int, since int64) {
	const window = 256
	if gap := since / int64(chunks); gap < n.gap {
		n.gap += (gap - n.gap) / 16
	} else {
		n.gap += (min(gap, 2*n.gap+1e6) - n.gap) / 256
	}
	n.reads++
	if chunks > 1 {
		n.more++
	}
	if n.reads < window {
		return
	}
	if n.more*100 > window {
		n.part = min(2*n.part, mostPart)
	} else {
		n.part = max(n.part*7/8, leastPart)
	}
	n.reads, n.more = 0, 0
}

// length is how long to sleep now, at most so long and not beyond end: no more than 0
// is not at all.
func (n *nap) length(now, end int64, most time.Duration) time.Duration {
	return min(time.Duration(n.gap/n.part), time.Duration(end-now), most)
}
