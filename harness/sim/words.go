package sim

import "strings"

// words is the vocabulary of what the simulated model says: each token is one of
// them with a space before it.
var words = strings.Fields(`a an the this that one some each every any
server model token prompt answer number page batch cache graph layer head weight
queue step clock road river stone light paper table window garden harbour signal
runs waits reads writes starts ends holds takes gives finds keeps moves turns
fast slow small large early late first last next quiet bright cold warm plain
and or but so then while because until after before with without over under`)

// firstOutputID keeps generated ids clear of special tokens, which come first or last in real vocabularies.
const firstOutputID = 1000

// outputID is the id of the i-th token of an answer.
func outputID(seed uint64, i int) int32 { return firstOutputID + int32(wordIndex(seed, i)) }

// outputWord is the text of the i-th token of an answer.
func outputWord(seed uint64, i int) string { return words[wordIndex(seed, i)] }

func wordIndex(seed uint64, i int) int {
	x := (seed + uint64(i)*0x9e3779b97f4a7c15) // SplitMix64
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % uint64(len(words)))
}

// tokenize turns text into ids, about one for four bytes, as tokenizers do on
// English text. Equal heads of two texts give equal heads of ids.
func tokenize(text string, vocab int) []int32 {
	ids := make([]int32, 0, len(text)/4+2)
	ids = append(ids, 1) // begin of text
	for len(text) > 0 {
		n := min(4, len(text))
		h := uint64(14695981039346656037)
		for _, b := range []byte(text[:n]) {
			h = (h ^ uint64(b)) * 1099511628211
		}
		ids = append(ids, int32(h%uint64(vocab)))
		text = text[n:]
	}
	return ids
}
