//go:build unix

package gpu

import (
	"os/exec"
	"syscall"
)

// killGroup has the command run in a process group of its own, which is killed as
// a whole when its context ends: nvidia-smi may be a wrapper that has children.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
