package load

import (
	"fmt"
	"math"
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

// closest is the dearest word that costs no more than left, half a token aside; -1
// where none does.
func (c *TextCost) closest(left float64) int {
	best := -1
	for w := range words {
		if v := c.of(w); v <= left+0.5 && (best < 0 || v > c.of(best)) {
			best = w
		}
	}
	return best
}
