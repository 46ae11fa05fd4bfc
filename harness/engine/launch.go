// Package engine runs one inference server as a child process, from the data of a
// spec's server section: launch line, readiness, flush, effective configuration,
// metrics, and the classes of its failures.
//
// The flow is Find, Version and Flags once, then for each trial Start -> Server.WaitReady
// -> Server.Info, Log, Flush, Metrics -> Server.Stop, and Server.Diagnose where something
// went wrong. No shell stands in between: argv only. The package measures nothing.
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"harness/space"
)

// Launch is how the servers of a study are started and spoken to. It is plain data,
// and part of each trial's plan.
type Launch struct {
	Engine string       `json:"engine"`
	Bin    string       `json:"bin"`            // {bin} of the templates; {self} is this program
	Model  string       `json:"model"`          // {model}
	Wrap   []string     `json:"wrap,omitempty"` // --launch: {argv} alone expands to the engine's own command; {gpus}, {port}
	Server space.Server `json:"server"`

	// Guard is the command that kills a server's process group when this program is
	// gone (see Guard); none where it is empty. {self} is this program.
	Guard []string `json:"guard,omitempty"`

	// SeedFlag is passed with a number of its own at each launch; "" for engines whose
	// launches differ without.
	SeedFlag string `json:"seed_flag,omitempty"`
}

const host = "127.0.0.1"

// Argv is the command that starts a server with these flags: no shell reads it.
func (l Launch) Argv(flags, gpus []string, port int) []string {
	own := l.Serve(flags, host, port)
	if len(l.Wrap) == 0 {
		return own
	}
	return expand(l.Wrap, "{argv}", own, strings.NewReplacer("{self}", self(), "{bin}", l.Bin, "{model}", l.Model, "{host}", host,
		"{port}", strconv.Itoa(port), "{gpus}", strings.Join(gpus, ",")))
}

// Serve is the engine's own command, listening at an address of choice.
func (l Launch) Serve(flags []string, host string, port int) []string {
	return expand(l.Server.Argv, "{flags}", flags, strings.NewReplacer("{self}", self(), "{bin}", l.Bin, "{model}", l.Model, "{host}", host, "{port}", strconv.Itoa(port)))
}

// self is this program.
func self() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return os.Args[0]
}

// expand fills a template; the element that is just whole stands for many.
func expand(template []string, whole string, many []string, fill *strings.Replacer) []string {
	var argv []string
	for _, a := range template {
		if a == whole {
			argv = append(argv, many...)
			continue
		}
		argv = append(argv, fill.Replace(a))
	}
	return argv
}

// Find returns the engine's program: bin where it is given, else the first of the
// engine's names that is on PATH or in one of dirs.
func Find(s space.Server, bin string, dirs ...string) (string, error) {
	if bin != "" {
		path, err := exec.LookPath(bin)
		if err != nil {
			return "", fmt.Errorf("server program %s: %w", bin, err)
		}
		return filepath.Abs(path)
	}
	for _, name := range s.Binaries {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		for _, dir := range dirs {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return filepath.Abs(path)
			}
		}
	}
	return "", fmt.Errorf("none of %s is on PATH: install the engine, or name its program with --server-bin", strings.Join(s.Binaries, ", "))
}

// Version asks the engine's program for its version.
func Version(ctx context.Context, l Launch) (string, error) {
	if len(l.Server.Version.Argv) == 0 {
		return "unknown", nil
	}
	argv, out, err := l.ask(ctx, l.Server.Version.Argv)
	if m := regexp.MustCompile(l.Server.Version.Pattern).FindSubmatch(out); len(m) > 1 {
		return string(m[1]), nil
	}
	if err == nil {
		err = errors.New("no version in its output")
	}
	return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, firstLine(lastLines(string(out), 1)))
}

// Flags asks the engine's program for the flags that it knows; nil where the engine
// cannot be asked.
func Flags(ctx context.Context, l Launch) (map[string]bool, error) {
	if len(l.Server.Help) == 0 {
		return nil, nil
	}
	argv, out, err := l.ask(ctx, l.Server.Help)
	flags := space.HelpFlags(string(out))
	if err == nil && len(flags) == 0 {
		err = errors.New("no flags in its output")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, firstLine(lastLines(string(out), 1)))
	}
	return flags, nil
}

// ask runs the engine's program for a question about itself. Python engines take
// their time to import, hence the long bound.
func (l Launch) ask(ctx context.Context, template []string) (argv []string, out []byte, err error) {
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	argv = expand(template, "", nil, strings.NewReplacer("{bin}", l.Bin, "{model}", l.Model))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = environ(os.Environ(), l.Server.UnsetEnv, l.Server.Env)
	cmd.WaitDelay = time.Second
	out, err = cmd.CombinedOutput()
	return argv, out, err
}

var secretFlag = regexp.MustCompile(`(?i)(api[-_]?key|token|secret|password)$`)

// IsSecret reports whether the value of a flag must not be written anywhere.
func IsSecret(flag string) bool { return secretFlag.MatchString(flag) }

// Mask returns argv with the values of secret flags replaced by "***".
func Mask(argv []string) []string {
	masked := append([]string(nil), argv...)
	for i, a := range masked {
		name, _, joined := strings.Cut(a, "=")
		switch {
		case !strings.HasPrefix(a, "-") && !joined || !IsSecret(name):
		case joined:
			masked[i] = name + "=***"
		case i+1 < len(masked):
			masked[i+1] = "***"
		}
	}
	return masked
}
