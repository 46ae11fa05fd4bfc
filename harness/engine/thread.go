package engine

import (
	"os/exec"
	"runtime"
	"sync"
)

// forker starts children. Pdeathsig is tied to the thread that forked, not to the
// process: a child dies when that thread ends. So all children are started from one
// goroutine that keeps its thread until the program ends (golang/go#27505).
var forker = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startOnOwnThread starts a child, on these CPUs where there are any.
func startOnOwnThread(cmd *exec.Cmd, cpus []int) error {
	result := make(chan error, 1)
	forker() <- func() {
		restore := moveThread(cpus)
		defer restore()
		result <- cmd.Start()
	}
	return <-result
}
