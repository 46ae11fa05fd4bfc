package load

import "encoding/json"

// stringOf consumes a value; "" unless it is a string. The usual values are not
// allocated anew for each event.
func stringOf(s *scan) string {
	raw, ok := s.str()
	if !ok {
		s.skip()
		return ""
	}
	switch string(raw) {
	case "length":
		return "length"
	case "stop":
		return "stop"
	case "none":
		return "none"
	case "text_completion", "chat.completion.chunk":
		return "chunk"
	}
	var v string
	if json.Unmarshal(quoted(raw), &v) != nil {
		return string(raw)
	}
	return v
}

func quoted(raw []byte) []byte {
	q := make([]byte, 0, len(raw)+2)
	q = append(q, '"')
	q = append(q, raw...)
	return append(q, '"')
}

// failureOf reads an error: null, a string, or an object with a message.
func failureOf(s *scan) string {
	if s.null() {
		return ""
	}
	if s.peek() == '"' {
		if m := stringOf(s); m != "" {
			return m
		}
		return "error"
	}
	start := s.i
	message := ""
	if !s.open('{') {
		s.skip()
	} else {
		for k, more := s.key(); more; k, more = s.key() {
			if string(k) == "message" {
				message = stringOf(s)
			} else {
				s.skip()
			}
		}
	}
	if message == "" {
		message = string(s.b[start:s.i])
	}
	return message
}
