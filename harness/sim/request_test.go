package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// Whatever comes as a prompt, it is ids of the vocabulary or a message.
func FuzzPrompt(f *testing.F) {
	for _, s := range []string{`"text"`, `[1,2]`, `[[1]]`, `["a"]`, `null`, `[]`, `[null]`, `{"a":1}`, `[1.5]`, `[-1]`, `"`, `[[[1]]]`} {
		f.Add([]byte(s))
	}
	s := setupOf(f, "--sim-rules", "none")
	h := newServer(s, options{}, newClock(newMachine(s, noNoise, faults{slow: 1}), nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ids, _, err := h.prompt(bytes.TrimSpace(raw))
		if err == nil && slices.ContainsFunc(ids, func(id int32) bool { return id < 0 || int(id) >= s.model.vocab }) {
			t.Errorf("%s gives %v", raw, ids)
		}
	})
}

// Texts with a common head have a common head of tokens, so that the prefix cache works on them.
func TestTokenize(t *testing.T) {
	a, b := tokenize(strings.Repeat("abcd", 10)+"x", 1000), tokenize(strings.Repeat("abcd", 10)+"y", 1000)
	if len(a) != 12 || !slices.Equal(a[:11], b[:11]) || a[11] == b[11] {
		t.Errorf("%v and %v", a, b)
	}
}

// The same prompt has the same answer, another prompt another, and an answer ends by itself unless told not to.
func TestAnswers(t *testing.T) {
	a, b, c := newSequence(tokens(0, 9), 4000, false), newSequence(tokens(0, 9), 4000, false), newSequence(tokens(1, 9), 4000, true)
	for a.finish() == "" {
		a.generate()
		b.generate()
	}
	for c.finish() == "" {
		c.generate()
	}
	if !slices.Equal(a.ids, b.ids) || slices.Equal(a.ids[9:], c.ids[9:]) {
		t.Error("answers do not follow from prompts")
	}
	if a.finish() != "stop" || a.output >= 4000 || c.finish() != "length" || c.output != 4000 {
		t.Errorf("ends: %s after %d, %s after %d", a.finish(), a.output, c.finish(), c.output)
	}
}
