package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock makes the caller the study's one writer until unlock is called or the
// process ends, however it ends: the kernel drops the lock with the process, so that
// the file that stays behind locks nothing. The error of a second writer names the
// first, and says where it can be found.
func (s Store) Lock() (unlock func(), err error) {
	path := filepath.Join(s.Dir, ".lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, s.held(path)
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w: a study needs a file system that has locks; keep it on a local disk", path, err)
	}
	host, _ := os.Hostname()
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, lockFormat, os.Getpid(), host)
	}
	return func() { f.Close() }, nil
}

const lockFormat = "process %d on %s\n"

// held explains a lock that another has.
func (s Store) held(path string) error {
	text, _ := os.ReadFile(path)
	owner, what := strings.TrimSpace(string(text)), "wait for it, or name another with --study"
	var pid int
	var there string
	host, _ := os.Hostname()
	if _, err := fmt.Sscanf(string(text), lockFormat, &pid, &there); err != nil {
		owner = "another process, which did not say which it is"
	} else if there != host {
		what = fmt.Sprintf("look for it on %s; wait for it, or name another with --study", there)
	} else if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		what = "it is not to be seen from here: it runs in another container, or has ended and left a child that holds the lock (`fuser " + path + "` tells)"
	}
	return fmt.Errorf("study %s is in use by %s: %s", s.Dir, owner, what)
}
