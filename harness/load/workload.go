package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
)

// A Workload says which prompts a server gets. It is plain JSON: what it makes
// depends on it, on the files that it names and on the number of the run alone.
//
// Prompts have drawn lengths and random content, by Input and Output; or they come
// from a file, by Trace or ShareGPT.
type Workload struct {
	Input  Lengths `json:"input,omitempty"`  // of each prompt; of what follows the prefix, or of each turn
	Output Lengths `json:"output,omitempty"` // of each answer; with ShareGPT "" is the length of the file's answer

	Prefix   *Prefix       `json:"prefix,omitempty"`
	Turns    *Turns        `json:"turns,omitempty"`
	Trace    *TraceFile    `json:"trace,omitempty"`
	ShareGPT *ShareGPTFile `json:"sharegpt,omitempty"`

	// Token ids are drawn from VocabLow <= id < VocabHigh. Both zero mean 1000 and
	// 31000: inside every common vocabulary, and clear of the special tokens at its
	// two ends.
	VocabLow  int `json:"vocab_low,omitempty"`
	VocabHigh int `json:"vocab_high,omitempty"`

	Seed uint64 `json:"seed"`

	// Text makes common words in place of token ids, for servers that take no ids,
	// and for conversations. Cost says how many tokens the words have; without it
	// each word is taken for one.
	Text bool      `json:"text,omitempty"`
	Cost *TextCost `json:"text_cost,omitempty"`

	// Files holds the SHA-256 of each file that the workload reads. Open fills it
	// in, and refuses a file that has changed since.
	Files map[string]string `json:"files,omitempty"`
}

// A Prefix makes groups of prompts that begin alike, as SGLang's
// generated-shared-prefix does: PerGroup prompts in each of Groups, in random
// order. Prompts beyond Groups*PerGroup go round again. Each run has prefixes of
// its own, so that only prompts of one run find each other's in the cache.
type Prefix struct {
	Groups   int `json:"groups"`
	PerGroup int `json:"per_group"`
	Tokens   int `json:"tokens"` // of the part that is alike
}

// Turns makes conversations of Count prompts: each turn's prompt is all that was
// said before, answers included, and Input more. The next is sent ThinkSeconds
// after an answer has ended.
type Turns struct {
	Count        int     `json:"count"`
	ThinkSeconds float64 `json:"think_s,omitempty"`
}

// A TraceFile replays a file of timestamped requests: Mooncake's JSON lines
// (timestamp in ms, input_length, output_length, hash_ids: a block of 512 tokens
// each, equal where the ids are), or lines with t_s, input_tokens, output_tokens and
// perhaps prompt, as CSV with a header or as JSON. See README for examples.
type TraceFile struct {
	Path  string  `json:"path"`
	Speed float64 `json:"speed,omitempty"` // 2: twice as fast; 0 is 1
}

// A ShareGPTFile gives the first question of each conversation of a file, a JSON list of
// {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}
// or of {"messages": [{"role", "content"}]}, in random order. Lengths in tokens
// are estimated at 4 bytes each. Questions and answers of less than 4 tokens are left
// out, as are questions above MaxInput and pairs above MaxTotal; 0 is 1024 and
// 2048. Bounds as in sglang.benchmark.datasets.sharegpt.
type ShareGPTFile struct {
	Path     string `json:"path"`
	MaxInput int    `json:"max_input,omitempty"`
	MaxTotal int    `json:"max_total,omitempty"`
}

// Validate reports what is wrong with the Workload, or nil. It opens no file.
func (w Workload) Validate() error {
	if low, high := w.vocab(); low < 0 || high <= low || high > 1<<31-1 {
		return fmt.Errorf("workload vocabulary [%d, %d): must be a range of token ids that is not empty", w.VocabLow, w.VocabHigh)
	}
	var errs []error
	for _, l := range []struct {
		name   string
		text   Lengths
		unused bool
	}{
		{"input", w.Input, w.Trace != nil || w.ShareGPT != nil},
		{"output", w.Output, w.Trace != nil || w.ShareGPT != nil && w.Output == ""},
	} {
		if l.unused {
			if l.text != "" {
				errs = append(errs, fmt.Errorf("workload with %s %s and a file: the file says the lengths", l.name, l.text))
			}
		} else if _, err := l.text.parse(); err != nil {
			errs = append(errs, fmt.Errorf("workload %s: %w", l.name, err))
		}
	}
	return errors.Join(append(errs, w.validateParts())...)
}

func (w Workload) validateParts() error {
	given := 0
	for _, there := range []bool{w.Prefix != nil, w.Turns != nil, w.Trace != nil, w.ShareGPT != nil} {
		if there {
			given++
		}
	}
	if given > 1 {
		return errors.New("a workload has one of prefix, turns, trace and sharegpt: leave the others out")
	}
	if p := w.Prefix; p != nil && (p.Groups < 1 || p.PerGroup < 1 || p.Tokens < 1 || p.Tokens > maxLength) {
		return fmt.Errorf("shared prefix of %d groups, %d prompts each, %d tokens: all must be at least 1", p.Groups, p.PerGroup, p.Tokens)
	}
	if t := w.Turns; t != nil && (t.Count < 1 || !(t.ThinkSeconds >= 0 && t.ThinkSeconds < 1e6)) {
		return fmt.Errorf("conversation of %d turns, %v s to think: at least 1 turn, and a time that is not negative", t.Count, t.ThinkSeconds)
	}
	if t := w.Trace; t != nil && (t.Path == "" || !(t.Speed >= 0 && t.Speed <= 1e9)) {
		return fmt.Errorf("trace %q at speed %v: a file, and a positive speed", t.Path, t.Speed)
	}
	if s := w.ShareGPT; s != nil && (s.Path == "" || s.MaxInput < 0 || s.MaxTotal < 0) {
		return fmt.Errorf("sharegpt file %q, bounds %d and %d: a file, and bounds that are not negative", s.Path, s.MaxInput, s.MaxTotal)
	}
	return w.Cost.validate()
}

func (w Workload) vocab() (low, high int) {
	if w.VocabLow == 0 && w.VocabHigh == 0 {
		return 1000, 31000
	}
	return w.VocabLow, w.VocabHigh
}

// Shares reports whether prompts of one run are meant to begin alike.
func (w Workload) Shares() bool { return w.Prefix != nil || w.Turns != nil || w.Trace != nil }

// Hash identifies the workload: 16 hex digits over all its fields, equal for equal
// workloads on every machine. Files count by their content, where it is known.
func (w Workload) Hash() string {
	w.VocabLow, w.VocabHigh = w.vocab()
	if w.Trace != nil {
		t := *w.Trace
		t.Path = w.byContent(t.Path)
		w.Trace = &t
	}
	if w.ShareGPT != nil {
		s := *w.ShareGPT
		s.Path = w.byContent(s.Path)
		w.ShareGPT = &s
	}
	for _, l := range []*Lengths{&w.Input, &w.Output} {
		if d, err := l.parse(); err == nil && d.file != "" {
			*l = Lengths("empirical:" + w.byContent(d.file))
		}
	}
	w.Files = nil
	b, err := json.Marshal(w)
	if err != nil {
		panic("load: a workload of plain fields always has JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func (w Workload) byContent(path string) string {
	if sum := w.Files[path]; sum != "" {
		return sum
	}
	return path
}

// A Source is a Workload whose files are read.
type Source struct {
	work    Workload
	in, out lengths
	rows    []row // of the file, if there is one
}

// Open reads the files of the workload. The error names the file, and the line
// where one is malformed.
func (w Workload) Open() (*Source, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	w.Files = maps.Clone(w.Files)
	s := &Source{work: w}
	var err error
	for _, l := range []struct {
		text Lengths
		into *lengths
	}{{w.Input, &s.in}, {w.Output, &s.out}} {
		if l.text == "" {
			continue
		}
		if *l.into, err = l.text.parse(); err == nil && l.into.file != "" {
			var text []byte
			if text, err = s.read(l.into.file); err == nil {
				l.into.values, err = readLengths(l.into.file, text)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case w.Trace != nil:
		var text []byte
		if text, err = s.read(w.Trace.Path); err == nil {
			s.rows, err = readTrace(w.Trace.Path, text)
		}
	case w.ShareGPT != nil:
		var text []byte
		if text, err = s.read(w.ShareGPT.Path); err == nil {
			s.rows, err = readShareGPT(*w.ShareGPT, text)
		}
	}
	return s, err
}

// read returns a file of the workload, and notes or checks its hash.
func (s *Source) read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("workload file %s is empty", path)
	}
	sum := sha256.Sum256(text)
	now := hex.EncodeToString(sum[:])
	switch was := s.work.Files[path]; {
	case was == "":
		if s.work.Files == nil {
			s.work.Files = map[string]string{}
		}
		s.work.Files[path] = now
	case was != now:
		return nil, fmt.Errorf("workload file %s has changed: its SHA-256 is %s, and was %s: put the old file back, or begin anew", path, now, was)
	}
	return text, nil
}

// Workload is what was opened, with the hashes of its files.
func (s *Source) Workload() Workload { return s.work }

// Len is how many prompts a run can have; 0 is as many as one likes.
func (s *Source) Len() int { return len(s.rows) }

// SpanSeconds is the time from the first request of a trace to the last; else 0.
func (s *Source) SpanSeconds() float64 {
	if s.work.Trace == nil {
		return 0
	}
	span := seconds(s.rows[len(s.rows)-1].ns)
	if s.work.Trace.Speed > 0 {
		span /= s.work.Trace.Speed
	}
	return span
}

// MeanTokens are the expected lengths of a prompt, prefix or history included, and
// of its answer.
func (s *Source) MeanTokens() (input, output float64) {
	input, output = s.in.mean(), s.out.mean()
	if len(s.rows) > 0 {
		in, out := 0.0, 0.0
		for i := range s.rows {
			in += float64(s.rows[i].input)
			out += float64(s.rows[i].output)
		}
		input = in / float64(len(s.rows))
		if s.work.Output == "" {
			output = out / float64(len(s.rows))
		}
	}
	if p := s.work.Prefix; p != nil {
		input += float64(p.Tokens)
	}
	if t := s.work.Turns; t != nil {
		input += float64(t.Count-1) / 2 * (input + output)
	}
	return input, output
}

// MostTokens is what a context must hold for all but a few requests, prompt and
// answer together.
func (s *Source) MostTokens() int {
	most := s.in.most() + s.out.most()
	for i := range s.rows {
		out := s.rows[i].output
		if s.work.Output != "" {
			out = s.out.most()
		}
		most = max(most, s.rows[i].input+out)
	}
	if p := s.work.Prefix; p != nil {
		most += p.Tokens
	}
	if t := s.work.Turns; t != nil {
		most *= t.Count
	}
	return most
}

// String tells people what the prompts are like.
func (w Workload) String() string {
	switch {
	case w.Trace != nil && w.Trace.Speed != 0 && w.Trace.Speed != 1:
		return fmt.Sprintf("trace %s, %v times as fast", w.Trace.Path, w.Trace.Speed)
	case w.Trace != nil:
		return "trace " + w.Trace.Path
	case w.ShareGPT != nil && w.Output == "":
		return "questions of " + w.ShareGPT.Path
	case w.ShareGPT != nil:
		return fmt.Sprintf("questions of %s, %s output tokens", w.ShareGPT.Path, w.Output)
	}
	text := fmt.Sprintf("%s prompt and %s output tokens", w.Input, w.Output)
	if p := w.Prefix; p != nil {
		text += fmt.Sprintf(" after a shared prefix of %d tokens (%d groups of %d prompts)", p.Tokens, p.Groups, p.PerGroup)
	}
	if t := w.Turns; t != nil {
		text += fmt.Sprintf(", conversations of %d turns", t.Count)
		if t.ThinkSeconds > 0 {
			text += fmt.Sprintf(", %v s to think", t.ThinkSeconds)
		}
	}
	return text
}
