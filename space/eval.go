package space

import (
	"fmt"
	"math"
	"math/bits"
)

// kindError is the value of an expression that has none: its text says why. It
// never leaves the package. Inside, it lets a diagram hold expressions that fail
// on some configurations only, so that a guard (and, or, iff, coalesce) can keep
// the failure from ever being reached.
const kindError valueKind = 255

func errorValue(e *expr, format string, args ...any) Value {
	return Value{kind: kindError, text: fmt.Sprintf(format, args...) + " in " + e.String()}
}

func (v Value) isError() bool { return v.kind == kindError }

// eval computes e, asking lookup for names. The lazy operators look only at the
// operands that they need. A failure is an error value.
func (e *expr) eval(lookup func(name *expr) Value) Value {
	switch e.op {
	case opLiteral:
		return e.value
	case opName:
		return lookup(e)
	case opAnd, opOr, opIff, opCoalesce:
		first := e.args[0].eval(lookup)
		next, v := e.choose(first)
		if next == nil {
			return v
		}
		v = next.eval(lookup)
		if e.op == opAnd || e.op == opOr {
			return e.wantBool(v)
		}
		return v
	case opRows:
		return Bool(e.rows.has(e, lookup))
	}
	a := e.args[0].eval(lookup)
	if len(e.args) == 1 {
		return e.apply(a, None())
	}
	return e.apply(a, e.args[1].eval(lookup))
}

// choose is the rule of the lazy operators: given the value of the first operand,
// the operand that gives the result, or nil and the result.
func (e *expr) choose(first Value) (*expr, Value) {
	if first.isError() {
		return nil, first
	}
	if e.op == opCoalesce {
		if first.IsNone() {
			return e.args[1], None()
		}
		return nil, first
	}
	b, ok := first.AsBool()
	switch {
	case !ok:
		return nil, e.wantBool(first)
	case e.op == opIff && b:
		return e.args[1], None()
	case e.op == opIff:
		return e.args[2], None()
	case b == (e.op == opOr): // decided: true or ..., false and ...
		return nil, first
	}
	return e.args[1], None()
}

func (e *expr) wantBool(v Value) Value {
	if v.kind == kindBool || v.isError() {
		return v
	}
	return errorValue(e, "%s wants true or false, not %s", opNames[e.op], v.quoted())
}

// apply computes an operator that needs all of its operands; b is ignored by
// those with one.
func (e *expr) apply(a, b Value) Value {
	if a.isError() {
		return a
	}
	if b.isError() {
		return b
	}
	switch e.op {
	case opNot:
		if x, ok := a.AsBool(); ok {
			return Bool(!x)
		}
		return e.wantBool(a)
	case opNeg:
		return e.arithmetic(opSub, Int(0), a)
	case opEq:
		return Bool(a == b)
	case opNe:
		return Bool(a != b)
	case opLt, opLe, opGt, opGe:
		return e.order(a, b)
	case opMax, opMin:
		v := e.order(a, b)
		if less, ok := v.AsBool(); !ok {
			return v
		} else if less {
			return b
		}
		return a
	}
	return e.arithmetic(e.op, a, b)
}

// order compares numbers with numbers and strings with strings. For opMax it
// says whether a < b, for opMin whether a > b.
func (e *expr) order(a, b Value) Value {
	var c int
	if x, ok := a.AsFloat(); ok {
		y, ok := b.AsFloat()
		if !ok {
			return e.mixed(a, b)
		}
		c = compareNumbers(a, b, x, y)
	} else if a.kind == kindString && b.kind == kindString && e.op != opMax && e.op != opMin {
		c = compareStrings(a.text, b.text)
	} else {
		return e.mixed(a, b)
	}
	switch e.op {
	case opLt, opMax:
		return Bool(c < 0)
	case opLe:
		return Bool(c <= 0)
	case opGe:
		return Bool(c >= 0)
	}
	return Bool(c > 0)
}

func compareNumbers(a, b Value, x, y float64) int {
	if a.kind == kindInt && b.kind == kindInt { // exact beyond 2^53
		switch i, j := int64(a.num), int64(b.num); {
		case i < j:
			return -1
		case i > j:
			return 1
		}
		return 0
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (e *expr) mixed(a, b Value) Value {
	return errorValue(e, "%s cannot take %s and %s", opNames[e.op], a.quoted(), b.quoted())
}

// quoted is v as it is written in an expression.
func (v Value) quoted() string {
	if v.kind == kindString {
		return "'" + v.text + "'"
	}
	return v.String()
}

// arithmetic is exact on ints where the result is one, and floating point
// otherwise. As in Python, // and % round towards minus infinity.
func (e *expr) arithmetic(op opcode, a, b Value) Value {
	x, ok1 := a.AsFloat()
	y, ok2 := b.AsFloat()
	if !ok1 || !ok2 {
		if e.op == opNeg {
			return errorValue(e, "- cannot take %s", b.quoted())
		}
		return e.mixed(a, b)
	}
	if y == 0 && (op == opDiv || op == opFloorDiv || op == opMod || op == opCeilDiv) {
		return errorValue(e, "%s divides %s by zero", opNames[e.op], a)
	}
	if a.kind == kindInt && b.kind == kindInt {
		if v, exact := intArithmetic(op, int64(a.num), int64(b.num)); exact {
			return Int(v)
		}
	}
	f := floatArithmetic(op, x, y)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return errorValue(e, "%s %s %s is out of range", a, opNames[e.op], b)
	}
	return Float(f)
}

// intArithmetic reports exact = false where the result is no int64.
func intArithmetic(op opcode, a, b int64) (v int64, exact bool) {
	if b == -1 && a == math.MinInt64 {
		return 0, false
	}
	switch op {
	case opAdd:
		v = a + b
		return v, (v > a) == (b > 0)
	case opSub:
		v = a - b
		return v, (v < a) == (b > 0)
	case opMul:
		hi, lo := bits.Mul64(magnitude(a), magnitude(b))
		return a * b, hi == 0 && lo <= math.MaxInt64
	case opDiv:
		return a / b, a%b == 0
	case opFloorDiv:
		v = a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			v--
		}
		return v, true
	case opMod:
		v = a % b
		if v != 0 && (v < 0) != (b < 0) {
			v += b
		}
		return v, true
	}
	v = a / b // opCeilDiv
	if a%b != 0 && (a < 0) == (b < 0) {
		v++
	}
	return v, true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func floatArithmetic(op opcode, x, y float64) float64 {
	switch op {
	case opAdd:
		return x + y
	case opSub:
		return x - y
	case opMul:
		return x * y
	case opDiv:
		return x / y
	case opFloorDiv:
		return math.Floor(x / y)
	case opMod:
		m := math.Mod(x, y)
		if m != 0 && (m < 0) != (y < 0) {
			m += y
		}
		return m
	}
	return math.Ceil(x / y) // opCeilDiv
}
