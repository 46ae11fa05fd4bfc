//go:build unix

package gpu

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lockFile takes the lock of a file, and makes the file where there is none; nil where
// another holds it. The kernel lets go of it when the process that holds it ends, in
// whatever way, so that no lock is ever stale. The file stays: it would be another
// file, with another lock, if it were made anew.
func lockFile(path string) (*os.File, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	for {
		switch err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			f.Close()
			return nil, nil
		}
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
}

// unlock gives a lock back; nil is none. It says so to the kernel before it closes the
// file: a child that is being started has the file, and so the lock, for a moment too.
func unlock(f *os.File) {
	if f != nil {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		f.Close()
	}
}

// openShared opens a file that all users of the machine may lock. A file of another
// user in a sticky folder must be opened without O_CREATE: Linux refuses it otherwise
// (fs.protected_regular).
func openShared(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue // another was faster
		}
		if err == nil {
			err = f.Chmod(0o666) // the umask took some of it
		}
		return f, err
	}
}

// sharedFolder makes the folder where there is none, for all users of the machine.
func sharedFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() == 0o777 {
		return err
	}
	err := os.Chmod(dir, 0o777|os.ModeSticky)
	if errors.Is(err, fs.ErrPermission) {
		return nil // another user's: what can be done there shows when a file is opened
	}
	return err
}
