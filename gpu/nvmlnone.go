//go:build !cgo || !linux

package gpu

import (
	"errors"
	"io/fs"
)

// Without cgo the driver's library cannot be called: nvidia-smi is asked.
func listByNVML(fs.FS) (Inventory, string, bool) { return Inventory{}, "", false }

func openByNVML([]string) (Source, error) {
	return nil, errors.New("this program was built without cgo: it cannot call the NVIDIA driver's library")
}
