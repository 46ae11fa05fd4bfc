package study

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"harness/results"
)

// Vacant reports whether a study can begin in dir: it is missing, empty, or holds only
// what a Create that was killed before it wrote the lockfile left there.
func Vacant(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	folders := 0
	for _, e := range entries {
		switch {
		case e.IsDir():
			inside, err := os.ReadDir(filepath.Join(dir, e.Name()))
			if err != nil || len(inside) > 0 || !slices.Contains(results.Folders, e.Name()) {
				return false
			}
			folders++
		case e.Name() != specName && e.Name() != tmpLockName:
			return false
		}
	}
	// The files come after the folders: without those, they are somebody else's.
	return folders == len(entries) || folders == len(results.Folders)
}
