package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrDiskFull is what a write fails with where there is no room: it ends what was being
// measured, and leaves the study whole.
var ErrDiskFull = errors.New("the disk is full")

// diskFull marks the errors of a full disk, and says what to do.
func diskFull(dir string, err error) error {
	for _, full := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w: make room in %s and give the same command again; what was measured before is kept", ErrDiskFull, err, dir)
		}
	}
	return err
}

// tmpPrefix begins the names of files that are not whole yet.
const tmpPrefix = ".tmp-"

// writeFile makes data appear at path whole or not at all, and durably.
func writeFile(path string, data []byte) error {
	tmp, err := writeTemporary(filepath.Dir(path), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
	if err == nil {
		err = publish(tmp, path)
	}
	return err
}

// writeTemporary writes a new file of a folder to the disk, under a name that no reader
// takes for a part. It leaves none behind where it fails.
func writeTemporary(dir string, write func(f *os.File) error) (path string, err error) {
	f, err := os.CreateTemp(dir, tmpPrefix+"*")
	if err != nil {
		return "", diskFull(dir, err)
	}
	if err = write(f); err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", diskFull(dir, err)
	}
	return f.Name(), nil
}

// publish gives a temporary file its name, in place of what had it.
func publish(tmp, path string) error {
	dir := filepath.Dir(path)
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return diskFull(dir, err)
	}
	return diskFull(dir, syncDir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// sweepTemporary removes what a writer that was killed left half written. No other
// writer may be at work.
func sweepTemporary(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tmpPrefix) && err == nil {
			err = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return err
}
