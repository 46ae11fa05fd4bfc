package load

import (
	"bytes"
	"strconv"
)

// A scan walks over JSON in place: it finds the few fields that are wanted,
// steps over all else, and allocates nothing. It does not judge what it steps
// over; where it needs a token and finds none, it sets bad and stands at the end.
// A full decoder costs ten times as much for each chunk, while others wait.
type scan struct {
	b   []byte
	i   int
	bad bool
}

func (s *scan) fail() {
	s.bad = true
	s.i = len(s.b)
}

// peek is the next byte that is not blank, or 0 at the end.
func (s *scan) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// open steps into an object or an array, if one begins here.
func (s *scan) open(bracket byte) bool {
	if s.peek() != bracket {
		return false
	}
	s.i++
	return true
}

// more steps over a comma, or over the bracket that closes what was opened; it
// reports whether another member follows.
func (s *scan) more(closing byte) bool {
	switch s.peek() {
	case closing:
		s.i++
		return false
	case ',':
		s.i++
		if s.peek() != closing {
			return true
		}
	case 0:
	default:
		return true
	}
	s.fail()
	return false
}

// key is the name of the next member of an object, as it is written; false when
// there is none. The scan then stands before the value, which must be consumed.
func (s *scan) key() ([]byte, bool) {
	if !s.more('}') {
		return nil, false
	}
	k, ok := s.str()
	if !ok || s.peek() != ':' {
		s.fail()
		return nil, false
	}
	s.i++
	return k, true
}

// str is a string as it is written, escapes and all; false, and nothing
// consumed, if the value is no string.
func (s *scan) str() ([]byte, bool) {
	if s.peek() != '"' {
		return nil, false
	}
	start := s.i + 1
	for i := start; ; {
		end := bytes.IndexByte(s.b[i:], '"')
		if end < 0 {
			s.fail()
			return nil, false
		}
		end += i
		// The quote is part of the text if an odd number of backslashes stands before.
		n := end
		for n > start && s.b[n-1] == '\\' {
			n--
		}
		if (end-n)%2 == 0 {
			s.i = end + 1
			return s.b[start:end], true
		}
		i = end + 1
	}
}

// text consumes the value: a string as it is written, or nothing if it is no string.
func (s *scan) text() []byte {
	t, ok := s.str()
	if !ok {
		s.skip()
	}
	return t
}

// length consumes the value: the length of an array, or -1 if it is none.
func (s *scan) length() int {
	if !s.open('[') {
		s.skip()
		return -1
	}
	n := 0
	for s.more(']') {
		s.skip()
		n++
	}
	return n
}

// count consumes the value: a whole number of 0 or more, or -1 if it is no such.
func (s *scan) count() int {
	c := s.peek()
	if c < '0' || c > '9' {
		s.skip()
		return -1
	}
	start := s.i
	s.skip()
	f, err := strconv.ParseFloat(string(s.b[start:s.i]), 64)
	if err != nil || f > 1<<40 {
		return -1
	}
	return int(f)
}

// ends are the bytes that no number, true, false or null goes beyond.
var ends = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, ',': true, ':': true, '{': true, '}': true, '[': true, ']': true, '"': true}

// skip consumes one value of any kind.
func (s *scan) skip() {
	depth := 0
	for {
		switch c := s.peek(); c {
		case 0:
			s.fail()
			return
		case '"':
			if _, ok := s.str(); !ok {
				return
			}
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			if depth == 0 {
				s.fail()
				return
			}
			depth--
			s.i++
		case ',', ':':
			if depth == 0 {
				s.fail()
				return
			}
			s.i++
			continue
		default:
			for s.i < len(s.b) && !ends[s.b[s.i]] {
				s.i++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// null consumes the value if it is null.
func (s *scan) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.skip()
	return true
}
