package space

import (
	"fmt"
	"math"
)

// A logGrid is a parameter of kind log_integer: the integers from min to max in
// equal steps of their logarithm, perOctave of them for each doubling (0 means 1),
// rounded, each once. In a spec:
//
//	{name: n, flag: --n, kind: log_integer, min: 8, max: 512, default: 64}
//	{name: n, flag: --n, kind: log_integer, values: [none], min: 1, max: 100, per_octave: 2, default: none}
//
// Values that are listed too stand before them.
type logGrid struct{ min, max, perOctave int }

// values are the grid's; msg says what is wrong with it.
func (g logGrid) values() (values []Value, msg string) {
	if g.min < 1 || g.max < g.min {
		return nil, fmt.Sprintf("a log_integer from %d to %d: want 1 <= min <= max", g.min, g.max)
	}
	if g.perOctave < 0 || g.perOctave > 64 {
		return nil, fmt.Sprintf("per_octave %d: want 1 to 64", g.perOctave)
	}
	step := 1 / float64(max(1, g.perOctave))
	last := 0
	for i := 0; ; i++ {
		v := math.Round(float64(g.min) * math.Exp2(float64(i)*step))
		if v >= float64(g.max) {
			break
		}
		if n := int(v); n > last {
			values = append(values, Int(int64(n)))
			last = n
		}
	}
	return append(values, Int(int64(g.max))), ""
}
