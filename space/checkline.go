package space

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Checker checks many configurations, one after the other: it remembers what the
// rules had to say of combinations of values. It is for one goroutine; others make
// their own.
type Checker struct {
	// Repairs adds the smallest repair of what is not valid: see [Lattice.Explain].
	// That takes some hundred microseconds each.
	Repairs bool

	lattice *Lattice
	state   *judgement
}

// Checker makes one.
func (l *Lattice) Checker() *Checker {
	n := newJudgement(l.judge())
	n.remember()
	return &Checker{lattice: l, state: n}
}

// AppendCheck reads one configuration as JSON, an object of parameters and values
// or one that has such an object under "config", and appends its [Verdict] as
// JSON. The error says why the line is no configuration; dst is then returned as
// it was.
func (c *Checker) AppendCheck(dst, line []byte) ([]byte, error) {
	n := c.state
	if !c.Repairs && n.setPlain(plainConfig(line)) {
		n.changed()
		return c.lattice.appendVerdict(dst, n), nil
	}
	config, err := parseConfig(line)
	if err != nil {
		return dst, err
	}
	if c.Repairs {
		text, err := json.Marshal(c.lattice.Explain(config))
		return append(dst, text...), err
	}
	if reasons := n.set(config); reasons != nil {
		text, err := json.Marshal(Verdict{Reasons: reasons})
		return append(dst, text...), err
	}
	return c.lattice.appendVerdict(dst, n), nil
}

func parseConfig(line []byte) (Config, error) {
	var fields map[string]json.RawMessage
	if err := unmarshalObject(line, &fields); err != nil {
		return nil, fmt.Errorf("not a config: %w", err)
	}
	if inner, ok := fields["config"]; ok {
		line = inner
	}
	var c Config
	if err := unmarshalObject(line, &c); err != nil {
		return nil, fmt.Errorf("not a config: %w", err)
	}
	return c, nil
}

// unmarshalObject reads a JSON object into the map to; what is JSON and no object is
// named in the words of JSON, not of Go.
func unmarshalObject(text []byte, to any) error {
	kind := "a number"
	switch first := bytes.TrimSpace(text); {
	case !json.Valid(text) || first[0] == '{':
		return json.Unmarshal(text, to)
	case first[0] == '[':
		kind = "an array"
	case first[0] == '"':
		kind = "a string"
	case first[0] == 't' || first[0] == 'f':
		kind = "a bool"
	case first[0] == 'n':
		kind = "null"
	}
	return fmt.Errorf("want a JSON object, not %s", kind)
}

// setPlain takes the values of a line of the usual form: one object, names and
// strings without escapes, and only names and values of the spec. It reports
// whether the line was one; the others are for [parseConfig].
func (n *judgement) setPlain(line []byte) bool {
	for i := range n.params {
		n.values[i], n.index[i] = n.params[i].Default, n.defaults[i]
	}
	s := plainScanner{rest: line}
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return s.atEnd()
	}
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		i, known := n.byName[string(name)]
		if !known || !n.setToken(i, s.token()) {
			return false
		}
		if !s.take(',') {
			return s.take('}') && s.atEnd()
		}
	}
}

// plainConfig is the object under "config" where line is an object that has one beside
// plain strings and numbers, as `harness space sample` writes; else it is the line.
func plainConfig(line []byte) []byte {
	if !bytes.Contains(line, []byte(`"config"`)) {
		return line
	}
	s := plainScanner{rest: line}
	if !s.take('{') {
		return line
	}
	var inner []byte
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return line
		}
		s.space()
		switch end := bytes.IndexByte(s.rest, '}'); {
		case string(name) == "config" && inner == nil && end > 0 && s.rest[0] == '{':
			inner, s.rest = s.rest[:end+1], s.rest[end+1:]
		case string(name) == "config" || !s.plain():
			return line
		}
		if !s.take(',') {
			if inner == nil || !s.take('}') || !s.atEnd() {
				return line
			}
			return inner
		}
	}
}

// plain skips a string without escapes, or a plain number.
func (s *plainScanner) plain() bool {
	if len(s.rest) > 0 && s.rest[0] == '"' {
		_, ok := s.text()
		return ok
	}
	return plainNumber(s.token())
}

// setToken gives a parameter the value that is written as the token.
func (n *judgement) setToken(i int, token []byte) bool {
	for k, text := range n.spelled[i] {
		if bytes.Equal(text, token) {
			n.values[i], n.index[i] = n.params[i].Values[k], uint8(k)
			return true
		}
	}
	if !plainNumber(token) {
		return false
	}
	k := slices.Index(n.params[i].Values, ParseValue(string(token))) // 2.0 is 2
	if k >= 0 {
		n.values[i], n.index[i] = n.params[i].Values[k], uint8(k)
	}
	return k >= 0
}

// plainNumber reports whether the token is digits, a point and digits, as JSON has it.
func plainNumber(token []byte) bool {
	whole, fraction, _ := bytes.Cut(token, []byte{'.'})
	for _, part := range [][]byte{whole, fraction} {
		for _, c := range part {
			if c < '0' || c > '9' {
				return false
			}
		}
	}
	return len(whole) > 0 && len(fraction) > 0 && (whole[0] != '0' || len(whole) == 1)
}

// A plainScanner reads the plain part of JSON.
type plainScanner struct{ rest []byte }

func (s *plainScanner) space() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\t' || s.rest[0] == '\r' || s.rest[0] == '\n') {
		s.rest = s.rest[1:]
	}
}

// take skips one byte if it comes next.
func (s *plainScanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *plainScanner) atEnd() bool {
	s.space()
	return len(s.rest) == 0
}

// text is the inside of a string without escapes or control characters.
func (s *plainScanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 {
		return nil, false
	}
	text := s.rest[:end]
	for _, c := range text {
		if c == '\\' || c < ' ' {
			return nil, false
		}
	}
	s.rest = s.rest[end+1:]
	return text, true
}

// token is all up to the next comma, bracket or space; of a string with such in
// it the first part, which is then no value.
func (s *plainScanner) token() []byte {
	s.space()
	end := bytes.IndexAny(s.rest, ",} \t\r\n")
	if end < 0 {
		end = len(s.rest)
	}
	token := s.rest[:end]
	s.rest = s.rest[end:]
	return token
}

// appendVerdict appends what Check would say of n as JSON.
func (l *Lattice) appendVerdict(dst []byte, n *judgement) []byte {
	reasons := n.reasons[:0]
	ok := true
	for _, r := range n.rules {
		class, message := n.reason(r)
		if class == "" {
			continue
		}
		ok = ok && class != Hard && class != Memory
		if len(reasons) > 0 {
			reasons = append(reasons, ',')
		}
		reasons = appendText(append(reasons, `{"rule":`...), r.id)
		reasons = append(append(append(reasons, `,"class":"`...), class...), `","message":`...)
		reasons = append(appendText(reasons, message), '}')
	}
	n.reasons = reasons
	dst = strconv.AppendBool(append(dst, `{"ok":`...), ok)
	dst = append(dst, `,"rank":`...)
	rank := (*Rank)(nil)
	if ok {
		rank = l.rankOf(n)
	}
	if rank == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(rank.append(append(dst, '"')), '"')
	}
	dst = append(dst, `,"reasons":[`...)
	dst = append(dst, reasons...)
	dst = append(dst, `],"canonical":{`...)
	if len(n.spec.effective) == 0 {
		n.canon()
	}
	for i := range n.outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, n.outputs[i].key...)
		dst = n.effective(&n.outputs[i]).appendJSON(dst)
	}
	return append(dst, "}}"...)
}

// append writes r in decimal.
func (r Rank) append(dst []byte) []byte {
	if r.Hi == 0 {
		return strconv.AppendUint(dst, r.Lo, 10)
	}
	const chunk = 1e19 // the largest power of ten below 2^64, of 19 digits
	high, low := r.div64(chunk)
	dst = high.append(dst)
	digits := strconv.AppendUint(nil, low, 10)
	for range 19 - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
