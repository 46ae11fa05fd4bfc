package sim

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"
)

// A radix is a prefix cache: a tree whose paths are token sequences that the KV
// cache holds, cut at page boundaries. Nodes that a running sequence uses are
// locked; the others can be evicted, leaves first.
type radix struct {
	page      int
	policy    string // lru, lfu or slru (twice used is kept longer)
	root      *radixNode
	size      int // tokens held
	evictable int // tokens of unlocked nodes
	seed      maphash.Seed
}

type radixNode struct {
	tokens []int32 // from the parent's end; a multiple of the page
	kids   map[uint64]*radixNode
	parent *radixNode
	locks  int
	used   time.Duration
	hits   int
}

func newRadix(page int, policy string) *radix {
	return &radix{page: page, policy: policy, root: &radixNode{kids: map[uint64]*radixNode{}}, seed: maphash.MakeSeed()}
}

// pageKey hashes the first page of tokens.
func (t *radix) pageKey(tokens []int32) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	var b [4]byte
	for _, id := range tokens[:t.page] {
		binary.LittleEndian.PutUint32(b[:], uint32(id))
		h.Write(b[:])
	}
	return h.Sum64()
}

// common is the length of the common prefix of a and b in whole pages.
func (t *radix) common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i / t.page * t.page
		}
	}
	return n / t.page * t.page
}

// match returns the node at the end of the longest cached prefix of tokens, and
// that prefix's length.
func (t *radix) match(tokens []int32, now time.Duration) (*radixNode, int) {
	n, length := t.root, 0
	for len(tokens) >= t.page {
		kid := n.kids[t.pageKey(tokens)]
		if kid == nil {
			break
		}
		same := t.common(kid.tokens, tokens)
		if same == 0 {
			break
		}
		if same < len(kid.tokens) {
			kid = t.split(kid, same)
		}
		kid.used = now
		kid.hits++
		n, length, tokens = kid, length+same, tokens[same:]
	}
	return n, length
}

// split cuts n after at tokens, and returns the upper part.
func (t *radix) split(n *radixNode, at int) *radixNode {
	upper := &radixNode{tokens: n.tokens[:at:at], kids: map[uint64]*radixNode{}, parent: n.parent, locks: n.locks, used: n.used, hits: n.hits}
	n.parent.kids[t.pageKey(upper.tokens)] = upper
	n.tokens, n.parent = n.tokens[at:], upper
	upper.kids[t.pageKey(n.tokens)] = n
	return upper
}

// insert adds the whole pages of tokens, and returns the node at their end and
// the length of the path to it.
func (t *radix) insert(tokens []int32, now time.Duration) (*radixNode, int) {
	tokens = tokens[:len(tokens)/t.page*t.page]
	n, length := t.match(tokens, now)
	rest := tokens[length:]
	if len(rest) == 0 {
		return n, length
	}
	key := t.pageKey(rest)
	if n.kids[key] != nil { // two pages with one hash: leave the second out
		return n, length
	}
	leaf := &radixNode{tokens: slices.Clone(rest), kids: map[uint64]*radixNode{}, parent: n, used: now, hits: 1}
	n.kids[key] = leaf
	t.size += len(rest)
	t.evictable += len(rest)
	return leaf, length + len(rest)
}

// lock keeps the path to n from eviction, until unlock.
func (t *radix) lock(n *radixNode) {
	for ; n != t.root; n = n.parent {
		if n.locks == 0 {
			t.evictable -= len(n.tokens)
		}
		n.locks++
	}
}

func (t *radix) unlock(n *radixNode) {
	for ; n != t.root; n = n.parent {
		n.locks--
		if n.locks == 0 {
			t.evictable += len(n.tokens)
		}
	}
}

// evict removes unlocked leaves until at least want tokens are gone or none is
// left, and returns how many are gone. It takes an eighth of the tree at once,
// because finding the leaves costs a walk.
func (t *radix) evict(want int) int {
	want = max(want, t.evictable/8)
	gone := 0
	for gone < want {
		leaves := t.leaves(t.root, nil)
		if len(leaves) == 0 {
			break
		}
		slices.SortFunc(leaves, t.evictFirst)
		for _, n := range leaves {
			if gone >= want {
				break
			}
			delete(n.parent.kids, t.pageKey(n.tokens))
			gone += len(n.tokens)
			t.size -= len(n.tokens)
			t.evictable -= len(n.tokens)
		}
	}
	return gone
}

func (t *radix) leaves(n *radixNode, found []*radixNode) []*radixNode {
	for _, kid := range n.kids {
		switch {
		case len(kid.kids) > 0:
			found = t.leaves(kid, found)
		case kid.locks == 0:
			found = append(found, kid)
		}
	}
	return found
}

// evictFirst orders leaves by the policy; ties are broken by content, so that the
// order of a map never shows.
func (t *radix) evictFirst(a, b *radixNode) int {
	byUse := cmp.Or(cmp.Compare(a.used, b.used), slices.Compare(a.tokens, b.tokens))
	switch t.policy {
	case "lfu":
		return cmp.Or(cmp.Compare(a.hits, b.hits), byUse)
	case "slru":
		return cmp.Or(cmp.Compare(min(a.hits, 2), min(b.hits, 2)), byUse)
	}
	return byUse
}
