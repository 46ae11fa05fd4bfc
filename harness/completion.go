package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

func (a *app) completionCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "completion",
		Usage:     "print a shell's completion script, or the manual page",
		ArgsUsage: "bash|zsh|fish|man",
		Description: "bash:  source <(harness completion bash)            (in ~/.bashrc)\n" +
			"zsh:   source <(harness completion zsh)             (in ~/.zshrc, after compinit)\n" +
			"fish:  harness completion fish > ~/.config/fish/completions/harness.fish\n" +
			"man:   harness completion man > ~/.local/share/man/man8/harness.8",
		Action: a.completion,
	}, true)
}

func (a *app) completion(c *cli.Context) error {
	var text string
	var err error
	name := filepath.Base(a.program)
	switch shell := c.Args().First(); {
	case c.NArg() != 1:
		return usagef("completion: name a shell: bash, zsh or fish, or man for the manual page")
	case shell == "bash":
		text = strings.ReplaceAll(bashCompletion, "PROGRAM", name)
	case shell == "zsh":
		text = strings.ReplaceAll(zshCompletion, "PROGRAM", name)
	case shell == "fish":
		text, err = c.App.ToFishCompletion()
	case shell == "man":
		text, err = c.App.ToMan()
	default:
		return usagef("completion %s: there are bash, zsh, fish and man", shell)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, strings.TrimRight(text, "\n"))
	return err
}

// The program itself is asked what may stand next: words, and behind a dash flags.
// Where it knows nothing, files are offered.
const (
	bashCompletion = `_PROGRAM_complete() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ $cur == -* ]] && words+=("$cur")
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _PROGRAM_complete PROGRAM
`
	zshCompletion = `#compdef PROGRAM
_PROGRAM_complete() {
  local -a found asked
  asked=("${words[@]:0:$((CURRENT - 1))}")
  [[ "${words[CURRENT]}" == -* ]] && asked+=("${words[CURRENT]}")
  found=("${(@f)$("${asked[@]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then
    _describe 'values' found
  else
    _files
  fi
}
compdef _PROGRAM_complete PROGRAM
`
)
