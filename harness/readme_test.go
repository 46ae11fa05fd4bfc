package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/kballard/go-shellquote"
)

// Every command line of the README must be one that harness takes. Asked for its help,
// a command parses its flags and does nothing else.
func TestReadmeCommandsExist(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^ {4}(harness .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) < 10 {
		t.Fatalf("only %d command lines found in the README", len(lines))
	}
	for _, m := range lines {
		line, _, _ := strings.Cut(m[1], "  #")
		args, err := shellquote.Split(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		for i := 3; i < len(args); i++ { // arguments that are no flag's value would end the flags
			if !strings.HasPrefix(args[i], "-") && !strings.HasPrefix(args[i-1], "-") {
				args = args[:i]
			}
		}
		if args[1] == "space" && len(args) == 4 && !strings.HasPrefix(args[3], "-") {
			args = args[:3]
		}
		if args[1] == "completion" {
			args = args[:2]
		}
		args = append(args, "--help")
		var stdout, stderr bytes.Buffer
		a := app{ctx: context.Background(), abort: context.Background(), stdout: &stdout, stderr: &stderr}
		if status := a.run(args); status != 0 || !strings.Contains(stdout.String(), "USAGE") && args[1] != "sim" {
			t.Errorf("%s: exit status %d\n%s", line, status, stderr.String())
		}
	}
}
