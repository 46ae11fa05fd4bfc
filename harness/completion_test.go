package main

import (
	"os/exec"
	"testing"
)

// The script works in a real bash: commands, subcommands, flags.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here:", err)
	}
	script := `
source <(harness completion bash)
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _harness_complete; echo "${COMPREPLY[*]}"; }
try harness sw
try harness study c
try harness sweep --concur
try harness export --stu
`
	out, err := exec.Command(bash, "-euc", script).CombinedOutput()
	if want := "sweep\ncompare\n--concurrency\n--study\n"; err != nil || string(out) != want {
		t.Errorf("%v:\n%swant:\n%s", err, out, want)
	}
}
