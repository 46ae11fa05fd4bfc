package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// saltRuns is for how many runs each has first tokens of its own.
const saltRuns = 64

// Streams of random numbers beside those of the prompts (whose number is run<<32 ^
// index), told apart by the seed's other bits.
const (
	prefixStream = 0x707265666978
	orderStream  = 0x6f72646572
	blockStream  = 0x626c6f636b
)

// Prompts makes n prompts for one run. Give each run of a server, warm-up
// included, a number of its own, so that none finds another's prompts in the
// prefix cache: no two prompts begin with the same token id, save where the
// workload wants it, as long as n is at most a 64th of the vocabulary and run
// numbers are below 64; beyond that two may share a token or two, by chance. Of
// texts no two share their first four words. The first prompts of a run are the
// same for every n. It panics if n is negative, or more than Len where that is not 0.
func (s *Source) Prompts(run uint64, n int) []Prompt {
	if n < 0 || s.Len() > 0 && n > s.Len() {
		panic(fmt.Sprintf("load: %d prompts of a workload of %d", n, s.Len()))
	}
	out := make([]Prompt, n)
	switch {
	case s.work.Trace != nil:
		s.replay(out, run)
	case s.work.ShareGPT != nil:
		s.converse(out, run)
	case s.work.Turns != nil:
		s.conversations(out, run)
	default:
		s.random(out, run)
	}
	for i := 1; i < n; i++ { // what each text has beside its words, such as a chat template, all have
		if out[i].Text != "" && out[i].SharedTokens >= 0 {
			out[i].SharedTokens += int(s.work.Cost.overhead())
		}
	}
	return out
}

// rng is a prompt's own stream of random numbers, so that no prompt depends on the
// length of those before it.
func (s *Source) rng(run uint64, i int) *rand.Rand {
	return rand.New(rand.NewPCG(s.work.Seed, run<<32^uint64(i)))
}

// random fills in prompts of drawn lengths, with a shared prefix or without.
func (s *Source) random(out []Prompt, run uint64) {
	groups := s.groups(run, len(out))
	var prefixes []Prompt
	if p := s.work.Prefix; p != nil {
		prefixes = make([]Prompt, p.Groups)
		for g := range prefixes {
			rng := rand.New(rand.NewPCG(s.work.Seed^prefixStream, run<<32^uint64(g)))
			s.extend(&prefixes[g], rng, p.Tokens, salt{run, g})
		}
	}
	seen := make([]bool, len(prefixes))
	for i := range out {
		rng, p := s.rng(run, i), &out[i]
		input := s.in.draw(rng)
		p.OutputTokens = s.out.draw(rng)
		if groups == nil {
			s.extend(p, rng, input, salt{run, i})
			continue
		}
		g := groups[i]
		p.TokenIDs, p.Text = append(p.TokenIDs, prefixes[g].TokenIDs...), prefixes[g].Text
		if seen[g] {
			p.SharedTokens = s.work.Prefix.Tokens
		}
		seen[g] = true
		s.extend(p, rng, input, salt{run, i})
	}
}

// groups deals prompts to the groups of a shared prefix: PerGroup each, in random
// order, and again in another order where there are more prompts.
func (s *Source) groups(run uint64, n int) []int {
	p := s.work.Prefix
	if p == nil {
		return nil
	}
	rng := rand.New(rand.NewPCG(s.work.Seed^orderStream, run))
	var dealt []int
	for len(dealt) < n {
		for _, k := range rng.Perm(p.Groups * p.PerGroup) {
			dealt = append(dealt, k/p.PerGroup)
		}
	}
	return dealt[:n]
}

// conversations fills in turn after turn, one conversation after the other. Only
// what a turn adds is made here; what was said before is put in front of it when it
// is sent.
func (s *Source) conversations(out []Prompt, run uint64) {
	t := s.work.Turns
	history := 0
	for i := range out {
		rng, p := s.rng(run, i), &out[i]
		input := s.in.draw(rng)
		p.OutputTokens = s.out.draw(rng)
		s.extend(p, rng, input, salt{run, i})
		if i%t.Count == 0 {
			history = 0
		} else {
			p.After, p.AppendAnswer, p.ThinkNS = i, true, int64(t.ThinkSeconds*1e9)
			p.SharedTokens = history
		}
		history += input + p.OutputTokens
	}
}

// replay fills in the requests of a trace, with their times.
func (s *Source) replay(out []Prompt, run uint64) {
	speed := s.work.Trace.Speed
	if speed == 0 {
		speed = 1
	}
	seen := map[int64]bool{}
	for i := range out {
		row, p := &s.rows[i], &out[i]
		p.OutputTokens = row.output
		p.DueNS = int64(float64(row.ns) / speed)
		switch {
		case row.text != "":
			p.Text = s.saltWords(salt{run, 0}) + " " + row.text // one for all of the run: they may share a beginning
			p.SharedTokens = -1
		case row.blocks != nil:
			s.blocks(p, run, i, row, seen)
		default:
			s.extend(p, s.rng(run, i), row.input, salt{run, i})
		}
	}
}

// blocks makes a prompt of hashed blocks. Blocks of one hash are equal within a run.
func (s *Source) blocks(p *Prompt, run uint64, i int, row *row, seen map[int64]bool) {
	left, shared := row.input, true
	for _, hash := range row.blocks {
		rng := rand.New(rand.NewPCG(s.work.Seed^blockStream^run<<32, uint64(hash)))
		n := min(left, blockTokens)
		s.extend(p, rng, n, salt{run, int(hash & (1<<31 - 1))})
		if shared = shared && seen[hash]; shared {
			p.SharedTokens += n
		}
		seen[hash] = true
		left -= n
	}
	s.extend(p, s.rng(run, i), left, salt{run, i}) // what no hash stands for
}

// converse fills in questions of a ShareGPT file, in an order of the seed and the run.
func (s *Source) converse(out []Prompt, run uint64) {
	order := rand.New(rand.NewPCG(s.work.Seed^orderStream, run)).Perm(len(s.rows))
	for i := range out {
		row, p := &s.rows[order[i]], &out[i]
		p.Text = s.saltWords(salt{run, i}) + " " + row.text
		p.OutputTokens = row.output
		if s.work.Output != "" {
			p.OutputTokens = s.out.draw(s.rng(run, i))
		}
	}
}

// A salt makes the beginning of a prompt its own.
type salt struct {
	run uint64
	i   int
}

// extend adds so many random tokens to a prompt. The first of them say which they are.
func (s *Source) extend(p *Prompt, rng *rand.Rand, tokens int, own salt) {
	if tokens < 1 {
		return
	}
	if s.work.Text || s.work.Turns != nil {
		p.Text = s.words(p.Text, rng, tokens, own)
		return
	}
	low, high := s.work.vocab()
	size := high - low
	from := len(p.TokenIDs)
	for range tokens {
		p.TokenIDs = append(p.TokenIDs, int32(low+rng.IntN(size)))
	}
	block := int(own.run % saltRuns)
	start := int(s.work.Seed%uint64(size)) + block*(size/saltRuns)
	p.TokenIDs[from] = int32(low + (start+own.i)%size)
}

// words adds words of so many tokens to a text. It begins with the salt too: the
// number in words, lowest digit first, so that neighbours differ in the first word.
func (s *Source) words(text string, rng *rand.Rand, tokens int, own salt) string {
	var b strings.Builder
	b.WriteString(text)
	left := float64(tokens)
	if text == "" {
		left -= s.work.Cost.overhead()
	}
	digits := own.digits(s.work.Seed)
	least := s.work.Cost.least()
	for k := 0; k == 0 || left >= least-0.5; k++ {
		word := rng.IntN(len(words))
		if k < len(digits) {
			word = digits[k]
		}
		word = s.work.Cost.fit(word, left, least)
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[word])
		left -= s.work.Cost.of(word)
	}
	return b.String()
}

// digits are the first four words of a prompt, as indices.
func (own salt) digits(seed uint64) (d [4]int) {
	v := seed + own.run%(1<<32)<<20 + uint64(own.i)
	for k := range d {
		d[k] = int(v % uint64(len(words)))
		v /= uint64(len(words))
	}
	return d
}

// saltWords begin a text that comes from a file.
func (s *Source) saltWords(own salt) string {
	var parts []string
	for _, d := range own.digits(s.work.Seed) {
		parts = append(parts, words[d])
	}
	return strings.Join(parts, " ")
}
