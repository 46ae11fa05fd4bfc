package search

import (
	"slices"

	"harness/space"
)

// rankSet is a set of ranks that only grows. The zero value is empty.
type rankSet struct {
	member map[space.Rank]bool
	sorted []space.Rank // ascending
}

// add puts r into the set and reports whether it was not there.
func (s *rankSet) add(r space.Rank) bool {
	if s.member[r] {
		return false
	}
	if s.member == nil {
		s.member = make(map[space.Rank]bool)
	}
	s.member[r] = true
	i, _ := slices.BinarySearchFunc(s.sorted, r, space.Rank.Cmp)
	s.sorted = slices.Insert(s.sorted, i, r)
	return true
}

func (s *rankSet) has(r space.Rank) bool { return s.member[r] }

func (s *rankSet) len() int { return len(s.sorted) }

// outside returns the rank that has index others outside the set before it.
func (s *rankSet) outside(index uint64) space.Rank {
	for _, r := range s.sorted {
		if r.Cmp(space.RankOf(index)) > 0 {
			break
		}
		index++ // r comes before the one that is counted to
	}
	return space.RankOf(index)
}
