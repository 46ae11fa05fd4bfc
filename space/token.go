package space

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A token is one word of an expression. Its text is as written, save for a
// string, which is without its quotes.
type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the source
	num  Value
}

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokNumber
	tokString
	tokSymbol // operators, brackets, commas and the words and, or, not, in
)

// exprError is an error at one place of an expression's source.
type exprError struct {
	pos int // byte offset
	msg string
}

func (e *exprError) Error() string { return fmt.Sprintf("%s (column %d)", e.msg, e.pos+1) }

var symbols = []string{"==", "!=", "<=", ">=", "//", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ","}

// tokenize splits an expression into tokens; the last one is tokEnd.
func tokenize(src string) ([]token, error) {
	var toks []token
	for pos := 0; pos < len(src); {
		c := src[pos]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			pos++
			continue
		case c == '\'' || c == '"':
			end := strings.IndexByte(src[pos+1:], c)
			if end < 0 {
				return nil, &exprError{pos, "string without an end: add a closing quote"}
			}
			toks = append(toks, token{kind: tokString, text: src[pos+1 : pos+1+end], pos: pos})
			pos += end + 2
		case isLetter(c):
			end := pos + 1
			for end < len(src) && (isLetter(src[end]) || isDigit(src[end])) {
				end++
			}
			t := token{kind: tokName, text: src[pos:end], pos: pos}
			switch t.text {
			case "and", "or", "not", "in":
				t.kind = tokSymbol
			}
			toks = append(toks, t)
			pos = end
		case isDigit(c):
			t, err := number(src, pos)
			if err != nil {
				return nil, err
			}
			toks = append(toks, t)
			pos += len(t.text)
		default:
			t, err := symbol(src, pos)
			if err != nil {
				return nil, err
			}
			toks = append(toks, t)
			pos += len(t.text)
		}
	}
	return append(toks, token{kind: tokEnd, pos: len(src)}), nil
}

// number reads digits with an optional fraction and exponent: 4, 0.85, 1e6.
func number(src string, pos int) (token, error) {
	end := pos
	digits := func() {
		for end < len(src) && isDigit(src[end]) {
			end++
		}
	}
	digits()
	if end < len(src) && src[end] == '.' {
		end++
		digits()
	}
	if end < len(src) && (src[end] == 'e' || src[end] == 'E') {
		end++
		if end < len(src) && (src[end] == '+' || src[end] == '-') {
			end++
		}
		digits()
	}
	if end < len(src) && isLetter(src[end]) {
		return token{}, &exprError{pos, fmt.Sprintf("%q is neither a number nor a name", src[pos:end+1])}
	}
	text := src[pos:end]
	v := ParseValue(text)
	if _, ok := v.AsFloat(); !ok {
		if _, err := strconv.ParseFloat(text, 64); errors.Is(err, strconv.ErrRange) {
			return token{}, &exprError{pos, fmt.Sprintf("number %s is out of range", text)}
		}
		return token{}, &exprError{pos, fmt.Sprintf("%q is not a number", text)}
	}
	return token{kind: tokNumber, text: text, pos: pos, num: v}, nil
}

func symbol(src string, pos int) (token, error) {
	for _, s := range symbols {
		if strings.HasPrefix(src[pos:], s) {
			return token{kind: tokSymbol, text: s, pos: pos}, nil
		}
	}
	r := []rune(src[pos:])[0]
	hint := ""
	switch r {
	case '=':
		hint = ": equality is =="
	case '!', '&', '|':
		hint = ": write not, and, or"
	}
	return token{}, &exprError{pos, fmt.Sprintf("unexpected %q%s", r, hint)}
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
