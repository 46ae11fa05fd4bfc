package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/kballard/go-shellquote"
)

// shell writes a POSIX shell command.
func shell(w io.Writer, d Deployment) error {
	fmt.Fprintln(w, "#!/bin/sh")
	d.comments(w, "#")
	for _, name := range secrets(d.Argv) {
		fmt.Fprintf(w, ": \"${%s:?set it to the secret that the command needs}\"\n", name)
	}
	for _, pattern := range d.Unset {
		prefix := strings.TrimSuffix(pattern, "*")
		fmt.Fprintf(w, "for v in $(env | sed -n 's/^\\(%s[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset \"$v\"; done\n", prefix)
	}
	_, err := fmt.Fprintf(w, "exec %s\n", lines(d.Argv))
	return err
}

// docker writes a docker run command.
func docker(w io.Writer, d Deployment) error {
	fmt.Fprintln(w, "#!/bin/sh")
	d.comments(w, "#")
	argv := words("docker", "run", "--rm", "--name", d.Name, "--ipc=host", "--ulimit", "memlock=-1", "--ulimit", "stack=67108864")
	if d.GPUs > 0 {
		argv = append(argv, words("--gpus", fmt.Sprint(d.GPUs))...)
	}
	if d.Mount.From != "" {
		argv = append(argv, words("-v", d.Mount.text())...)
	}
	argv = append(argv, words("-p", fmt.Sprintf("%s:%d:%d", d.Host, d.Port, d.Port), "--entrypoint", d.Container[0].Text, d.Image)...)
	argv = append(argv, d.Container[1:]...)
	for _, name := range secrets(argv) {
		fmt.Fprintf(w, ": \"${%s:?set it to the secret that the command needs}\"\n", name)
	}
	_, err := fmt.Fprintf(w, "exec %s\n", lines(argv))
	return err
}

func (m Mount) text() string {
	if m.Cache {
		return m.From + ":" + m.To
	}
	return m.From + ":" + m.To + ":ro"
}

func words(texts ...string) []Word {
	ws := make([]Word, len(texts))
	for i, t := range texts {
		ws[i] = Word{Text: t}
	}
	return ws
}

// lines writes a command for a shell, each flag with its values on a line of its own.
func lines(argv []Word) string {
	var b strings.Builder
	for i, a := range argv {
		switch {
		case i == 0:
		case isFlag(a.Text):
			b.WriteString(" \\\n  ")
		default:
			b.WriteByte(' ')
		}
		if a.Text != "" || a.Secret == "" {
			b.WriteString(shellquote.Join(a.Text))
		}
		if a.Secret != "" {
			b.WriteString(`"$` + a.Secret + `"`)
		}
	}
	return b.String()
}
