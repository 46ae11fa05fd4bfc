package main

import "golang.org/x/sys/unix"

// maxFiles is how many files this process may open; -1: not known.
func maxFiles() int64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return -1
	}
	return int64(min(limit.Max, 1<<40))
}

// tmpfs is its magic number (linux/magic.h).
const tmpfs = 0x01021994

// volume is a folder's file system, where it is one that matters, and the bytes that
// are free there; -1: not known.
func volume(path string) (kind string, free int64) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return "", -1
	}
	if uint64(s.Type) == tmpfs {
		kind = "tmpfs"
	}
	return kind, int64(s.Bavail) * int64(s.Bsize)
}
