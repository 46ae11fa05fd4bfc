package load

import (
	"errors"
	"fmt"
)

// A Prompt is one request to be made: token ids where the API takes them, else
// text, and how many tokens are wanted back (at least 1). A Prompt may carry
// both; then Chat sends the text and the other APIs the ids.
type Prompt struct {
	TokenIDs     []int32
	Text         string
	Messages     []Message // what Chat sends in place of Text, where there are any
	OutputTokens int

	// SharedTokens is how many of its first tokens an earlier prompt of the run has
	// too, by design: what a prefix cache can find; -1 is not known. Of a later turn it
	// is an estimate: what was really said is in the records. Run does not look at it.
	SharedTokens int

	// DueNS is when an Arrival of Trace sends the prompt, in ns from the run's start.
	DueNS int64

	// After is 1 + the index of the prompt whose answer must have ended before this
	// one is sent: the turn before in one conversation, and earlier in the list. 0 is
	// none. ThinkNS is a pause after that end. Where the turn before fails, this one
	// is not sent.
	After   int
	ThinkNS int64

	// AppendAnswer puts the conversation so far before this prompt's own text: what
	// the turn before was asked, and what the server really answered. Chat sends it
	// as messages; the other APIs as one text, so that both turns need text and no
	// token ids. Without it a prompt carries its whole history itself.
	AppendAnswer bool
}

// A Message is one of Chat's.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// check reports what is wrong with the prompt at index i of a list.
func (p Prompt) check(i int, list []Prompt) error {
	switch {
	case p.After < 0 || p.After > i:
		return fmt.Errorf("it comes after prompt %d: only an earlier one can end before it", p.After-1)
	case p.DueNS < 0 || p.ThinkNS < 0:
		return fmt.Errorf("due at %d ns after a pause of %d ns: neither can be negative", p.DueNS, p.ThinkNS)
	case !p.AppendAnswer:
		return nil
	case p.After == 0:
		return errors.New("an answer is to be put before it, and it comes after no prompt")
	case len(p.TokenIDs) > 0 || len(list[p.After-1].TokenIDs) > 0:
		return errors.New("an answer is text, and cannot stand between token ids: give both turns as text")
	}
	return nil
}
