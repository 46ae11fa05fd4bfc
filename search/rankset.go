package search

import (
	"slices"

	"harness/space"
)

// rankSet is a set of ranks that only grows. The zero value is empty.
type rankSet struct {
	member map[space.Rank]bool
	ranks  []space.Rank
	sorted int // how many of ranks, from the first, are in order
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
	s.ranks = append(s.ranks, r)
	return true
}

func (s *rankSet) has(r space.Rank) bool { return s.member[r] }

func (s *rankSet) len() int { return len(s.ranks) }

// ascending returns the members in order. The slice is the set's own.
func (s *rankSet) ascending() []space.Rank {
	if s.sorted < len(s.ranks) {
		slices.SortFunc(s.ranks, space.Rank.Cmp)
		s.sorted = len(s.ranks)
	}
	return s.ranks
}

// outside returns the rank that has index others outside the set before it.
func (s *rankSet) outside(index uint64) space.Rank {
	for _, r := range s.ascending() {
		if r.Cmp(space.RankOf(index)) > 0 {
			break
		}
		index++ // r comes before the one that is counted to
	}
	return space.RankOf(index)
}
