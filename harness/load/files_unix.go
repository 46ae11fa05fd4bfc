//go:build unix

package load

import (
	"fmt"
	"math"
	"syscall"
)

// spareFiles are the descriptors that a process needs beside its streams.
const spareFiles = 64

// enoughFiles raises this process's limit of open files where so many connections
// need it, and says what to do where that is not allowed.
func enoughFiles(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil // unknown: a dial will tell
	}
	need := uint64(connections + spareFiles)
	if need <= uint64(limit.Cur) {
		return nil
	}
	if need <= uint64(limit.Max) {
		limit.Cur = limit.Max
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
			return nil
		}
	}
	return fmt.Errorf("%d connections need %d open files, and the limit of this process is %d: raise it (ulimit -n %d) or ask for fewer: %w",
		connections, need, limit.Max, need, syscall.EMFILE)
}

// MostConnections is how many connections the limit of open files leaves this process.
func MostConnections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Max), math.MaxInt)) - spareFiles
}
