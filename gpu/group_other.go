//go:build !unix

package gpu

import "os/exec"

// killGroup does nothing: without process groups the command alone is killed.
func killGroup(*exec.Cmd) {}
