package space

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
)

// Rank is an unsigned integer of 128 bits: the index of a configuration in its
// lattice, or a number of configurations. Counts of real spaces pass 2^64. The
// zero Rank is 0, and Ranks compare with == and [Rank.Cmp].
type Rank struct{ Hi, Lo uint64 }

// RankOf is the Rank n.
func RankOf(n uint64) Rank { return Rank{Lo: n} }

// ParseRank reads a decimal Rank.
func ParseRank(s string) (Rank, error) {
	var r Rank
	for i := range len(s) {
		d := s[i] - '0'
		t, over := r.mul64(10)
		if d > 9 || over {
			return Rank{}, rankError(s)
		}
		if r, over = t.add(RankOf(uint64(d))); over {
			return Rank{}, rankError(s)
		}
	}
	if s == "" {
		return Rank{}, rankError(s)
	}
	return r, nil
}

func rankError(s string) error {
	return fmt.Errorf("rank %q is not a decimal number below 2^128", s)
}

// String is r in decimal.
func (r Rank) String() string { return string(r.append(nil)) }

// MarshalText writes r in decimal; in JSON a Rank is a string of digits.
func (r Rank) MarshalText() ([]byte, error) { return r.append(nil), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Rank) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRank(string(text))
	return err
}

// Cmp is -1, 0 or 1 as r is below, equal to or above s.
func (r Rank) Cmp(s Rank) int {
	switch {
	case r == s:
		return 0
	case r.less(s):
		return -1
	}
	return 1
}

// IsZero reports whether r is 0.
func (r Rank) IsZero() bool { return r == Rank{} }

// Float64 is r as the nearest float, or nearly so.
func (r Rank) Float64() float64 { return math.Ldexp(float64(r.Hi), 64) + float64(r.Lo) }

// Uint64 is r as a uint64, and whether it fits.
func (r Rank) Uint64() (v uint64, fits bool) { return r.Lo, r.Hi == 0 }

func (r Rank) less(s Rank) bool { return r.Hi < s.Hi || r.Hi == s.Hi && r.Lo < s.Lo }

// add returns r+s modulo 2^128, and whether that overflowed.
func (r Rank) add(s Rank) (sum Rank, over bool) {
	lo, carry := bits.Add64(r.Lo, s.Lo, 0)
	hi, carry := bits.Add64(r.Hi, s.Hi, carry)
	return Rank{hi, lo}, carry != 0
}

// sub returns r-s for s <= r.
func (r Rank) sub(s Rank) Rank {
	lo, borrow := bits.Sub64(r.Lo, s.Lo, 0)
	hi, _ := bits.Sub64(r.Hi, s.Hi, borrow)
	return Rank{hi, lo}
}

// mul64 returns r*n modulo 2^128, and whether that overflowed.
func (r Rank) mul64(n uint64) (product Rank, over bool) {
	carry, lo := bits.Mul64(r.Lo, n)
	top, hi := bits.Mul64(r.Hi, n)
	hi, c := bits.Add64(hi, carry, 0)
	return Rank{hi, lo}, top != 0 || c != 0
}

// div64 returns r/n, rounded down, and the remainder; n must not be 0.
func (r Rank) div64(n uint64) (quotient Rank, rest uint64) {
	hi, rest := bits.Div64(0, r.Hi, n)
	lo, rest := bits.Div64(rest, r.Lo, n)
	return Rank{hi, lo}, rest
}

// randBelow draws uniformly from [0, n) for n > 0. It takes as many random bits
// as n-1 has and draws again when they reach n, so that no value is favoured; it
// expects fewer than two draws.
func randBelow(rng *rand.Rand, n Rank) Rank {
	top := n.sub(RankOf(1))
	hi, lo := uint64(0), ^uint64(0)
	if top.Hi != 0 {
		hi = ^uint64(0) >> bits.LeadingZeros64(top.Hi)
	} else {
		lo >>= bits.LeadingZeros64(top.Lo) & 63
		if top.Lo == 0 {
			lo = 0
		}
	}
	for {
		r := Rank{Lo: rng.Uint64() & lo}
		if hi != 0 {
			r.Hi = rng.Uint64() & hi
		}
		if r.less(n) {
			return r
		}
	}
}
