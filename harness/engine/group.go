package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// goneWithin bounds the wait for a killed process group. Freeing the memory of a
// large GPU takes a process about a second.
const goneWithin = 10 * time.Second

// awaitGroup returns when a killed process group has no living member, or after
// limit. Its members are no children of this process, so nothing tells of their end:
// the group has to be looked at.
func awaitGroup(pgid int, limit time.Duration) {
	if !groupAlive(pgid) {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for groupAlive(pgid) {
		select {
		case <-tick.C:
		case <-timer.C:
			return
		}
	}
}

// groupAlive reports whether a group has a member that has not ended. Zombies are no
// such members: in a container nobody may ever reap them.
func groupAlive(pgid int) bool {
	if err := syscall.Kill(-pgid, 0); err != nil {
		return false
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid pgrp ...": a name may hold blanks and brackets.
		f := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
		if len(f) < 3 || string(f[2]) != strconv.Itoa(pgid) {
			continue
		}
		if state := f[0][0]; state != 'Z' && state != 'X' {
			return true
		}
	}
	return false
}
