package load

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A Prompt is one request to be made: token ids where the API takes them, else
// text, and how many tokens are wanted back (at least 1). A Prompt may carry
// both; then Chat sends the text and the other APIs the ids.
type Prompt struct {
	TokenIDs     []int32
	Text         string
	Messages     []Message // what Chat sends in place of Text, where there are any
	OutputTokens int

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

// A Workload makes prompts of fixed lengths. What it makes depends on the
// Workload and the run's number alone.
type Workload struct {
	InputTokens  int `json:"input_tokens"`  // at least 1
	OutputTokens int `json:"output_tokens"` // at least 1

	// Token ids are drawn from VocabLow <= id < VocabHigh. Both zero mean 1000 and
	// 31000: inside every common vocabulary, and clear of the special tokens at its
	// two ends.
	VocabLow  int `json:"vocab_low"`
	VocabHigh int `json:"vocab_high"`

	Seed uint64 `json:"seed"`

	// Text makes common words in place of token ids, for servers that take no ids.
	// A word is about a token: the true length is the record's PromptTokens.
	Text bool `json:"text"`
}

// Validate reports what is wrong with the Workload, or nil.
func (w Workload) Validate() error {
	if w.InputTokens < 1 || w.OutputTokens < 1 {
		return fmt.Errorf("workload of %d input and %d output tokens: both must be at least 1", w.InputTokens, w.OutputTokens)
	}
	if low, high := w.vocab(); low < 0 || high <= low || high > 1<<31-1 {
		return fmt.Errorf("workload vocabulary [%d, %d): must be a range of token ids that is not empty", w.VocabLow, w.VocabHigh)
	}
	return nil
}

func (w Workload) vocab() (low, high int) {
	if w.VocabLow == 0 && w.VocabHigh == 0 {
		return 1000, 31000
	}
	return w.VocabLow, w.VocabHigh
}

// saltRuns is for how many runs each has first tokens of its own.
const saltRuns = 64

// Prompts makes n prompts for one run. Give each run of a server, warm-up
// included, a number of its own, so that none finds another's prompts in the
// prefix cache: no two prompts begin with the same token id as long as n is at
// most a 64th of the vocabulary and run numbers are below 64; beyond that two may
// share a token or two, by chance. Of texts no two share their first four words.
// The first prompts of a run are the same for every n. It panics if w is not
// valid (see Validate) or n is negative.
func (w Workload) Prompts(run uint64, n int) []Prompt {
	if err := w.Validate(); err != nil {
		panic("load: " + err.Error())
	}
	out := make([]Prompt, n)
	for i := range out {
		// One stream of random numbers for each prompt, so that no prompt depends on
		// the length of those before it.
		rng := rand.New(rand.NewPCG(w.Seed, run<<32^uint64(i)))
		out[i].OutputTokens = w.OutputTokens
		if w.Text {
			out[i].Text = w.text(rng, run, i)
		} else {
			out[i].TokenIDs = w.ids(rng, run, i)
		}
	}
	return out
}

func (w Workload) ids(rng *rand.Rand, run uint64, i int) []int32 {
	low, high := w.vocab()
	size := high - low
	ids := make([]int32, w.InputTokens)
	for k := range ids {
		ids[k] = int32(low + rng.IntN(size))
	}
	block := int(run % saltRuns)
	start := int(w.Seed%uint64(size)) + block*(size/saltRuns)
	ids[0] = int32(low + (start+i)%size)
	return ids
}

// text begins with the salt too: the prompt's number in words, lowest digit
// first, so that neighbours differ in the first word.
func (w Workload) text(rng *rand.Rand, run uint64, i int) string {
	salt := w.Seed + run%(1<<32)<<20 + uint64(i)
	var b strings.Builder
	for k := range w.InputTokens {
		word := words[rng.IntN(len(words))]
		if k < 4 {
			word = words[salt%uint64(len(words))]
			salt /= uint64(len(words))
		}
		if k > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String()
}

// Hash identifies the workload: 16 hex digits over all its fields, equal for
// equal workloads on every machine.
func (w Workload) Hash() string {
	w.VocabLow, w.VocabHigh = w.vocab()
	b, err := json.Marshal(w)
	if err != nil {
		panic("load: a workload of plain fields always has JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// words are short and common, so that nearly every vocabulary has each as one
// token with its leading blank.
var words = strings.Fields(`
	time year people way day man thing woman life child world school state family student group
	country problem hand part place case week company system program question work number night point home
	water room mother area money story fact month lot right study book eye job word business
	issue side kind head house service friend father power hour game line end member law car
	city name team minute idea body information back parent face others level office door health person
	art war history party result change morning reason research girl guy moment air teacher force education
	foot boy age policy process music market sense nation plan college interest death experience effect use
	class control field development role effort rate heart drug show leader light voice wife police mind`)
