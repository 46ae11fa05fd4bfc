//go:build cgo && linux

package gpu

import (
	"io/fs"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func listByNVML(root fs.FS) (Inventory, string, bool) { return listNVML(nvml.New(), root) }

func openByNVML(uuids []string) (Source, error) { return openNVML(nvml.New(), uuids) }
