package report

import (
	"math"
	"strconv"
)

// reading is a number of the page's data: six significant digits, null where it is not
// known.
type reading float64

// MarshalJSON writes it.
func (r reading) MarshalJSON() ([]byte, error) {
	v := float64(r)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	b := strconv.AppendFloat(nil, v, 'g', 6, 64)
	return b, nil
}

func readings(vs ...float64) []reading {
	rs := make([]reading, len(vs))
	for i, v := range vs {
		rs[i] = reading(v)
	}
	return rs
}
