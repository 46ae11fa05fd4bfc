package space

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Value is one value of a parameter, a fact or an expression: none, a bool, an
// int, a float or a string. The zero Value is none.
//
// Values compare with ==, and that is numeric equality too: a float with an
// integral value is the int ([Float](2) == [Int](2)), so that a value survives
// JSON and the command line unchanged. A bool is no number.
type Value struct {
	kind valueKind
	num  uint64 // the bits of a bool, an int64 or a float64
	text string
}

type valueKind uint8

const (
	kindNone valueKind = iota
	kindBool
	kindInt
	kindFloat
	kindString
)

// None is the absence of a value. As a parameter's value it means: do not pass
// the flag.
func None() Value { return Value{} }

// Bool is the value b.
func Bool(b bool) Value {
	if b {
		return Value{kind: kindBool, num: 1}
	}
	return Value{kind: kindBool}
}

// Int is the value i.
func Int(i int64) Value { return Value{kind: kindInt, num: uint64(i)} }

// Float is the value f. It is an int where f is integral and exact (up to 2^53).
func Float(f float64) Value {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return Int(int64(f))
	}
	return Value{kind: kindFloat, num: math.Float64bits(f)}
}

// String is the value s.
func String(s string) Value { return Value{kind: kindString, text: s} }

// ParseValue reads a value as it is written on a command line: none, true,
// false, an int or a finite float; anything else is a string.
func ParseValue(s string) Value {
	switch s {
	case "none":
		return None()
	case "true":
		return Bool(true)
	case "false":
		return Bool(false)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(i)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return Float(f)
	}
	return String(s)
}

// IsNone reports whether v is none.
func (v Value) IsNone() bool { return v.kind == kindNone }

// AsBool returns v as a bool, and whether it is one.
func (v Value) AsBool() (b, ok bool) { return v.num == 1, v.kind == kindBool }

// AsInt returns v as an int, and whether it is one.
func (v Value) AsInt() (i int64, ok bool) {
	if v.kind != kindInt {
		return 0, false
	}
	return int64(v.num), true
}

// AsFloat returns v as a float, and whether it is an int or a float.
func (v Value) AsFloat() (f float64, ok bool) {
	switch v.kind {
	case kindInt:
		return float64(int64(v.num)), true
	case kindFloat:
		return math.Float64frombits(v.num), true
	}
	return 0, false
}

// AsString returns v as a string, and whether it is one.
func (v Value) AsString() (s string, ok bool) { return v.text, v.kind == kindString }

// String is v as it is written on a command line: "none", "true", "4", "0.9", "fcfs".
func (v Value) String() string {
	switch v.kind {
	case kindBool:
		return strconv.FormatBool(v.num == 1)
	case kindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case kindFloat:
		return strconv.FormatFloat(math.Float64frombits(v.num), 'g', -1, 64)
	case kindString:
		return v.text
	}
	return "none"
}

// appendText appends what String returns.
func (v Value) appendText(dst []byte) []byte {
	switch v.kind {
	case kindInt:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case kindFloat:
		return strconv.AppendFloat(dst, math.Float64frombits(v.num), 'g', -1, 64)
	}
	return append(dst, v.String()...)
}

// appendJSON appends what MarshalJSON returns.
func (v Value) appendJSON(dst []byte) []byte {
	switch v.kind {
	case kindNone:
		return append(dst, "null"...)
	case kindString:
		return appendText(dst, v.text)
	}
	return v.appendText(dst) // a float as Go writes it, 1e-05, is JSON too
}

// appendText appends a JSON string.
func appendText[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(s)) // a string never fails
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// MarshalJSON writes none as null and the others as their JSON type.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case kindNone:
		return []byte("null"), nil
	case kindString:
		return json.Marshal(v.text)
	case kindFloat:
		return json.Marshal(math.Float64frombits(v.num))
	}
	return []byte(v.String()), nil
}

// UnmarshalJSON reads null, a bool, a number or a string.
func (v *Value) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return err
	}
	switch x := x.(type) {
	case nil:
		*v = None()
	case bool:
		*v = Bool(x)
	case string:
		*v = String(x)
	case json.Number:
		*v = ParseValue(x.String())
		if v.kind == kindString {
			return fmt.Errorf("number %s is out of range", x)
		}
	default:
		return fmt.Errorf("%s is not a value: want null, true, false, a number or a string", data)
	}
	return nil
}
