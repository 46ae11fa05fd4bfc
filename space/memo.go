package space

// A memo remembers the results of one apply. It is an open-addressing hash table
// that clears in no time: an entry of an older generation counts as empty. One
// that has grown is dropped instead, since most applies are small and a small
// table stays in the cache.
type memo struct {
	entries []memoEntry // its length is a power of two
	used    int
	now     uint32
}

type memoEntry struct {
	a, b, c, result ref
	generation      uint32
}

func (m *memo) clear() {
	const small = 1024
	if m.now++; m.now == 0 || len(m.entries) != small {
		m.entries, m.now = make([]memoEntry, small), 1
	}
	m.used = 0
}

// find is the entry of the key, or the empty one where it belongs.
func (m *memo) find(a, b, c ref) *memoEntry {
	mask := uint64(len(m.entries) - 1)
	h := (uint64(uint32(a))*0x9E3779B97F4A7C15 ^ uint64(uint32(b))) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>29 ^ uint64(uint32(c))) * 0x94D049BB133111EB
	for i := (h ^ h>>32) & mask; ; i = (i + 1) & mask {
		e := &m.entries[i]
		if e.generation != m.now || e.a == a && e.b == b && e.c == c {
			return e
		}
	}
}

func (m *memo) get(a, b, c ref) (ref, bool) {
	e := m.find(a, b, c)
	return e.result, e.generation == m.now
}

func (m *memo) put(a, b, c, result ref) {
	if 2*m.used >= len(m.entries) {
		old := m.entries
		m.entries = make([]memoEntry, 2*len(old))
		for _, e := range old {
			if e.generation == m.now {
				*m.find(e.a, e.b, e.c) = e
			}
		}
	}
	*m.find(a, b, c) = memoEntry{a, b, c, result, m.now}
	m.used++
}
