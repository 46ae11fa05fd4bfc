//go:build !unix

package gpu

import (
	"errors"
	"os"
)

func lockFile(string) (*os.File, error) {
	return nil, errors.New("this system has no flock: devices cannot be leased on it")
}

func sharedFolder(dir string) error { return os.MkdirAll(dir, 0o777) }

func unlock(*os.File) {}
