// Package export writes a measured config as what people deploy: a shell command, a
// container, a Kubernetes manifest, a systemd unit, the engine's own config file; and a
// study's points as CSV or as a journal that Optuna reads.
//
// All is pure: a Deployment or Points in, text out. Values of secret flags never come
// in: a Word names the environment variable that holds one.
package export

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Word is one argument of a command: Text, and behind it the value of the environment
// variable Secret where that is not "".
type Word struct {
	Text   string
	Secret string
}

// A Deployment is a server's command with what else is needed to run it.
type Deployment struct {
	Name      string   // DNS label, such as sglang-t0012
	Notes     []string // comment lines: where this comes from, and what was measured
	Argv      []Word   // on this host
	Unset     []string // patterns of variables that the server must not inherit
	Image     string   // of a container; "" where none is known
	Container []Word   // the command in it, listening at all its addresses
	Mount     Mount    // the model's
	GPUs      int      // 0: none is needed
	Host      string   // address to listen at
	Port      int
	Ready     string  // path that answers 200 when it can serve
	Start     float64 // seconds until then, at most
	Stop      float64 // seconds from SIGTERM to SIGKILL
	Config    []Setting
	ConfigUse string // the command that reads it; "": the engine has no config file
}

// A Mount gives a container a folder of the host.
type Mount struct {
	From, To string // From "": none is needed
	Cache    bool   // of a model hub: written to
}

// A Setting is one option of an engine's config file: nil is a flag without a value.
type Setting struct {
	Name  string
	Value any
}

// writers are the kinds of deployments, by the name of --as.
var writers = map[string]func(io.Writer, Deployment) error{
	"shell": shell, "docker": docker, "compose": compose, "kubernetes": kubernetes, "systemd": systemd, "yaml": config,
}

// Kinds are the kinds that Write takes.
func Kinds() []string { return []string{"shell", "docker", "compose", "kubernetes", "systemd", "yaml"} }

// Write writes a deployment as one of Kinds. It fails where that kind cannot say it: a
// container without an image, a config file that the engine does not read.
func Write(w io.Writer, kind string, d Deployment) error {
	write := writers[kind]
	if write == nil {
		return fmt.Errorf("--as %s: there are %s", kind, strings.Join(Kinds(), ", "))
	}
	if slices.Contains([]string{"docker", "compose", "kubernetes"}, kind) && d.Image == "" {
		return fmt.Errorf("--as %s: no container image is known for this engine and version: name one with --image", kind)
	}
	return write(w, d)
}

// comments writes the notes as lines that begin with a mark.
func (d Deployment) comments(w io.Writer, mark string) {
	for _, n := range d.Notes {
		fmt.Fprintf(w, "%s %s\n", mark, strings.Join(strings.Fields(n), " "))
	}
}

// secrets are the variables of a command, in its order.
func secrets(argv []Word) []string {
	var names []string
	for _, w := range argv {
		if w.Secret != "" && !slices.Contains(names, w.Secret) {
			names = append(names, w.Secret)
		}
	}
	return names
}
