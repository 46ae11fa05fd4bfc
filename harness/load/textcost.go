package load

import (
	"fmt"
	"math"
	"slices"
)

// A TextCost is what a server's tokenizer makes of our words. Nil: every word is
// one token, and nothing comes beside them.
type TextCost struct {
	Overhead float64   `json:"overhead"` // tokens of a prompt beside its words: begin of text, chat template
	Words    []float64 `json:"words"`    // tokens of each word after others, in our order; one number holds for all
}

func (c *TextCost) validate() error {
	switch {
	case c == nil:
		return nil
	case len(c.Words) != 1 && len(c.Words) != len(words):
		return fmt.Errorf("text cost of %d words: want 1 number, or one for each of %d", len(c.Words), len(words))
	case !(c.Overhead >= 0):
		return fmt.Errorf("text cost: overhead %v must not be negative", c.Overhead)
	}
	for _, v := range c.Words {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("text cost: a word of %v tokens: must be positive", v)
		}
	}
	return nil
}

func (c *TextCost) overhead() float64 {
	if c == nil {
		return 0
	}
	return c.Overhead
}

// of is the cost of a word, by its index.
func (c *TextCost) of(word int) float64 {
	switch {
	case c == nil:
		return 1
	case len(c.Words) == 1:
		return c.Words[0]
	}
	return c.Words[word]
}

// least is the cost of the cheapest word.
func (c *TextCost) least() float64 {
	if c == nil {
		return 1
	}
	return slices.Min(c.Words)
}

// fit is the given word, or the next one of the list, whose cost leaves nothing over,
// half a token aside, or enough for another word. Where there is none it is the
// cheapest.
func (c *TextCost) fit(word int, left, least float64) int {
	cheapest := word
	for k := range words {
		w := (word + k) % len(words)
		rest := left - c.of(w)
		if rest >= -0.5 && rest < 0.5 || rest >= least-0.5 {
			return w
		}
		if c.of(w) < c.of(cheapest) {
			cheapest = w
		}
	}
	return cheapest
}
