package space

import (
	"regexp"
	"slices"
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

// FlagsOf are those of the known flags that the spec can pass, in any spelling, in
// order of their names: all that Options.Flags needs to know of them.
func (s *Spec) FlagsOf(known map[string]bool) []string {
	var flags []string
	add := func(spellings ...string) {
		for _, f := range spellings {
			if knows(known, f) {
				flags = append(flags, f)
			}
		}
	}
	for i := range s.Params {
		p := &s.Params[i]
		add(p.Flag, p.LegacyFlag, p.OffFlag)
		add(p.Aliases...)
	}
	for _, arg := range s.FixedArgs {
		name, _, _ := strings.Cut(arg, "=")
		add(name)
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// knows reports whether an engine with these flags takes one. vLLM lists the flag of
// a group, and takes its members after a dot too.
func knows(flags map[string]bool, flag string) bool {
	group, _, _ := strings.Cut(flag, ".")
	return flag != "" && (flags[flag] || flags[group])
}

// spelling is the flag of p that an engine with these flags knows: the usual one,
// else the older one, else an alias. Where values need the off flag, that must be
// known too.
func (p *Param) spelling(flags map[string]bool) (string, bool) {
	if p.OffFlag != "" && !knows(flags, p.OffFlag) {
		return "", false
	}
	for _, flag := range append([]string{p.Flag, p.LegacyFlag}, p.Aliases...) {
		if knows(flags, flag) {
			return flag, true
		}
	}
	return "", false
}
