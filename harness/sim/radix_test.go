package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The tree agrees with a plain list of what was inserted, as long as nothing is evicted.
func TestRadixAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		page := rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "page")
		tree := newRadix(page, "lru")
		ids := rapid.SliceOfN(rapid.Int32Range(0, 2), 1, 12)
		var known [][]int32
		distinct := map[string]bool{} // every cached prefix of whole pages
		for i := range rapid.IntRange(1, 20).Draw(t, "n") {
			q := ids.Draw(t, "ids")
			want := 0
			for _, k := range known {
				want = max(want, tree.common(k, q))
			}
			if _, got := tree.match(q, time.Duration(i)); got != want {
				t.Fatalf("match(%v) = %d, want %d of %v", q, got, want, known)
			}
			whole := q[:len(q)/page*page]
			if _, length := tree.insert(q, time.Duration(i)); length != len(whole) {
				t.Fatalf("insert(%v) ends at %d", q, length)
			}
			known = append(known, whole)
			for n := page; n <= len(whole); n += page {
				distinct[string(quoted(string(asBytes(whole[:n]))))] = true
			}
			if tree.size != len(distinct)*page || tree.evictable != tree.size {
				t.Fatalf("size %d, evictable %d, want %d", tree.size, tree.evictable, len(distinct)*page)
			}
		}
	})
}

func asBytes(ids []int32) []byte {
	b := make([]byte, len(ids))
	for i, id := range ids {
		b[i] = byte('0' + id)
	}
	return b
}

func TestRadixEvicts(t *testing.T) {
	tree := newRadix(1, "lru")
	old, _ := tree.insert(tokens(0, 10), 1)
	tree.insert(tokens(100, 10), 2)
	used, _ := tree.insert(tokens(200, 10), 0)
	tree.lock(used)
	if gone := tree.evict(5); gone != 10 {
		t.Fatalf("%d tokens evicted, want the oldest leaf of 10", gone)
	}
	if _, n := tree.match(tokens(0, 10), 3); n != 0 || old.parent == nil {
		t.Error("the least recently used leaf is still there")
	}
	if gone := tree.evict(1000); gone != 10 {
		t.Errorf("%d tokens evicted, want 10: what is locked stays", gone)
	}
	tree.unlock(used)
	if gone := tree.evict(1); gone != 10 || tree.size != 0 {
		t.Errorf("%d tokens evicted, %d left", gone, tree.size)
	}
}

func TestRadixKeepsWhatIsUsedOften(t *testing.T) {
	for policy, want := range map[string]int{"lru": 0, "lfu": 10, "slru": 10} {
		tree := newRadix(1, policy)
		tree.insert(tokens(0, 10), 1)
		tree.match(tokens(0, 10), 2)
		tree.match(tokens(0, 10), 3)
		tree.insert(tokens(100, 10), 4)
		tree.evict(10)
		if _, got := tree.match(tokens(0, 10), 5); got != want {
			t.Errorf("%s keeps %d tokens of what was used twice, want %d", policy, got, want)
		}
	}
}
