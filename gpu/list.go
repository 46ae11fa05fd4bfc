package gpu

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// bound is how long a look at the devices may take in all. A driver in trouble makes it
// hang for ever; one that is loaded anew for each call needs a second or so a GPU.
const bound = 5 * time.Second

// List looks for GPUs, for 5 s at most: through NVIDIA's driver library where this
// program was built with cgo and the library is there, by nvidia-smi, then by AMD's
// amd-smi and rocm-smi. It honours CUDA_VISIBLE_DEVICES. A machine without any, or one
// whose driver fails or hangs, is no error but an Inventory without devices that has
// the Reason. An error is ctx's own. HARNESS_NVML=0 leaves the library alone.
func List(ctx context.Context) (Inventory, error) {
	byNVML := listByNVML
	if os.Getenv("HARNESS_NVML") == "0" {
		byNVML = func(fs.FS) (Inventory, string, bool) { return Inventory{}, "", false }
	}
	return list(ctx, bound, os.DirFS("/"), byNVML)
}

func list(ctx context.Context, bound time.Duration, root fs.FS, byNVML func(fs.FS) (Inventory, string, bool)) (Inventory, error) {
	limited, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	inv, err := look(limited, root, byNVML)
	if ctx.Err() != nil {
		return Inventory{Devices: []Device{}, Links: []Link{}, Source: sourceNone}, ctx.Err()
	}
	if err != nil {
		return Inventory{Devices: []Device{}, Links: []Link{}, Source: sourceNone, Reason: err.Error()}, nil
	}
	if value, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set {
		inv.Warnings = append(inv.Warnings, hide(inv.Devices, value)...)
	}
	return inv, nil
}

// look asks one source after another. The error is the Reason of the first that knows
// one: where NVIDIA's tools are, theirs.
func look(ctx context.Context, root fs.FS, byNVML func(fs.FS) (Inventory, string, bool)) (Inventory, error) {
	inv, reason, ok := askNVML(ctx, root, byNVML)
	if ok {
		return inv, nil
	}
	if reason != "" {
		return inv, errors.New(reason)
	}
	inv, err := listSMI(ctx, root)
	if !errors.Is(err, errNoSMI) {
		return inv, err
	}
	if amd, found, amdErr := listAMD(ctx, root); found {
		return amd, amdErr
	}
	return inv, err
}

// askNVML asks the driver's library. A call into it cannot be ended: one that hangs keeps
// its thread until this process ends.
func askNVML(ctx context.Context, root fs.FS, byNVML func(fs.FS) (Inventory, string, bool)) (inv Inventory, reason string, ok bool) {
	type answer struct {
		inv    Inventory
		reason string
		ok     bool
	}
	got := make(chan answer, 1)
	go func() {
		var a answer
		a.inv, a.reason, a.ok = byNVML(root)
		got <- a
	}()
	select {
	case a := <-got:
		return a.inv, a.reason, a.ok
	case <-ctx.Done():
		return Inventory{}, "the NVIDIA driver's library does not answer in time: the driver hangs, or takes long to load; try nvidia-smi by hand", false
	}
}
