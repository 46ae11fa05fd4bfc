package sim

import "math/rand/v2"

// A speculation guesses several tokens a step and has the model verify them.
// The zero value does not speculate.
type speculation struct {
	algorithm string
	steps     int     // draft passes one after another
	draft     int     // tokens verified a step and sequence
	accept    float64 // probability that one more guessed token is accepted
	cost      float64 // one draft pass, as a share of the model's own decode step
}

// resolveSpeculation fills in the automatic sizes. Acceptance rates and draft
// costs are judgements of what papers and users report for ordinary text; a
// random prompt on a real server may accept less.
func resolveSpeculation(m model, f flagValues) speculation {
	s := speculation{algorithm: f.str("speculative_algorithm", "")}
	steps, draft := 3, 4
	switch s.algorithm {
	case "":
		return speculation{}
	case "NGRAM":
		s.draft, s.accept = f.int("speculative_num_draft_tokens", 12), 0.35
		return s
	case "DFLASH":
		s.steps, s.draft, s.accept, s.cost = 1, f.int("speculative_num_draft_tokens", 8), 0.7, 0.12
		return s
	case "EAGLE":
		s.accept, s.cost = 0.62, 0.06
		if m.experts == 0 {
			steps, draft = 5, 8
		}
	case "EAGLE3":
		s.accept, s.cost = 0.72, 0.06
	case "STANDALONE":
		s.accept, s.cost = 0.66, 0.2
	}
	s.steps = f.int("speculative_num_steps", steps)
	s.draft = f.int("speculative_num_draft_tokens", draft)
	if k := f.int("speculative_eagle_topk", 0); k == 1 && f.int("speculative_num_steps", 0) > 0 {
		s.draft = s.steps + 1
	}
	return s
}

// on reports whether there is any speculation.
func (s speculation) on() bool { return s.algorithm != "" }

// tokens draws how many tokens one sequence gains in one step: at least 1.
func (s speculation) tokens(rng *rand.Rand) int {
	n, longest := 1, s.steps
	if s.algorithm == "NGRAM" || s.algorithm == "DFLASH" {
		longest = s.draft - 1
	}
	for n <= longest && rng.Float64() < s.accept {
		n++
	}
	return n
}
