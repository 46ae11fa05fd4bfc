package engine

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// Pdeathsig ends a server's first process when this program is killed, and no other:
// vLLM's engine and workers were seen to live on and to hold their memory. So each
// server has a guard, a small child of this program that holds one end of a pipe. The
// pipe closes when this program is gone, however that came, and the guard kills the
// server's group.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// startGuard runs command with the process group's number as its last argument; it
// must come to Guard. It leads a group of its own, out of the reach of Ctrl-C.
func startGuard(command []string, pgid int) (*guard, error) {
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], strconv.Itoa(pgid))...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the server's guard: %w", err)
	}
	return &guard{cmd, pipe}, nil
}

// release ends the guard: the group is gone.
func (g *guard) release() {
	if g == nil {
		return
	}
	_, _ = g.pipe.Write([]byte{0})
	g.pipe.Close()
	_ = g.cmd.Wait()
}

// Guard is what a guard does: it waits for a byte on in, which means that all is well,
// or for the end of in, which means that nobody looks after the process group any
// more, and kills the group.
func Guard(in io.Reader, pgid int) {
	if n, _ := io.ReadFull(in, make([]byte, 1)); n == 0 {
		_ = syscall.Kill(-pgid, syscall.SIGKILL)
	}
}
