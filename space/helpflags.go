package space

import (
	"regexp"
	"strings"
)

// oneFlag is a flag at the begin of an option's line, with the metavariables that
// follow it after single blanks: `-t N`, `--tp-size TP_SIZE`, `--numa {a,b}`,
// `--kv TYPE [TYPE ...]`.
var oneFlag = regexp.MustCompile(`^(--?[A-Za-z0-9][\w.-]*)(?:[ =](?:\{[^}]*\}|\[[^\]]*\]|<[^>]*>|\([^)]*\)|[A-Za-z0-9_.:|"'][^\s,]*))*[ \t]*`)

// HelpFlags are the flags that the text of an engine's --help lists: the lines
// that begin with a flag, as Python's argparse and llama.cpp write them, each with
// all its spellings. Flags that only the description of another one mentions are
// not among them.
func HelpFlags(help string) map[string]bool {
	flags := map[string]bool{}
	for line := range strings.Lines(help) {
		rest := strings.TrimSpace(line)
		if strings.HasPrefix(line, "         ") { // a description that goes on
			continue
		}
		for {
			m := oneFlag.FindStringSubmatch(rest)
			if m == nil {
				break
			}
			flags[m[1]] = true
			more, ok := strings.CutPrefix(rest[len(m[0]):], ",")
			if !ok {
				break
			}
			rest = strings.TrimLeft(more, " \t")
		}
	}
	return flags
}

// spelling is the flag of p that an engine with these flags knows: the usual one,
// else the older one, else an alias.
func (p *Param) spelling(flags map[string]bool) (string, bool) {
	for _, flag := range append([]string{p.Flag, p.LegacyFlag}, p.Aliases...) {
		if flag != "" && flags[flag] {
			return flag, true
		}
	}
	return "", false
}
