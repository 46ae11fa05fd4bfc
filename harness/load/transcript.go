package load

import (
	"bytes"
	"encoding/json"
)

// A transcript puts the visible text of an answer together from its events, which
// bring what is new or, as SGLang's /generate does by default, all of the text so
// far. Which of the two is seen from the first events.
type transcript struct {
	whole  bool   // each event so far may have brought all of the text
	longer bool   // some event brought more than the one before, and began with it
	joined []byte // the texts one after another, escapes and all
	last   []byte // the last one
	events int
}

// add takes the text of one event, escapes and all.
func (t *transcript) add(text []byte) {
	// So many events that each begin with the one before bring all of the text.
	// Keeping both forms for longer costs memory by the square of the answer.
	const enough = 8
	if t.whole && t.events < enough {
		t.whole = bytes.HasPrefix(text, t.last)
		t.longer = t.longer || (t.events > 0 && len(text) > len(t.last))
	} else if t.events == enough {
		t.whole = t.whole && t.longer
	}
	if t.whole {
		t.last = append(t.last[:0], text...)
	}
	if !t.whole || t.events < enough {
		t.joined = append(t.joined, text...)
	}
	t.events++
}

// string is the whole text, without escapes.
func (t *transcript) string() string {
	raw := t.joined
	if t.whole && t.longer {
		raw = t.last
	}
	var s string
	if json.Unmarshal(quoted(raw), &s) != nil {
		return string(raw)
	}
	return s
}
