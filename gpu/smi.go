package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// bound is how long nvidia-smi may take in all. A driver in trouble makes it hang
// for ever; one that is loaded anew for each call needs a second or so a GPU.
const bound = 5 * time.Second

// List looks for GPUs by nvidia-smi, for 5 s at most, and honours
// CUDA_VISIBLE_DEVICES. A machine without any, or on which nvidia-smi is absent,
// fails or hangs, is no error but an Inventory without devices that has the
// Reason. An error is ctx's own.
func List(ctx context.Context) (Inventory, error) {
	return list(ctx, bound, os.DirFS("/"))
}

func list(ctx context.Context, bound time.Duration, root fs.FS) (Inventory, error) {
	limited, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	inv := Inventory{Devices: []Device{}, Links: []Link{}, Source: "none"}
	devices, err := query(limited, &inv)
	if ctx.Err() != nil {
		return inv, ctx.Err()
	}
	if err != nil {
		inv.Reason = err.Error()
		return inv, nil
	}
	inv.Source, inv.Devices = "nvidia-smi", devices
	inv.Driver = devices[0].DriverVersion
	anyMIG := false
	for i := range devices {
		devices[i].NUMANode = numaNode(root, devices[i].PCIBusID)
		anyMIG = anyMIG || devices[i].MIG
	}
	if anyMIG {
		out, err := smi(limited, "-L")
		inv.warn("MIG instances", err)
		addInstances(devices, out)
	}
	if value, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set {
		inv.Warnings = append(inv.Warnings, hide(devices, value)...)
	}
	if len(devices) > 1 {
		out, err := smi(limited, "topo", "-m")
		inv.warn("links between the GPUs", err)
		inv.Links = parseLinks(out)
	}
	return inv, ctx.Err()
}

func (v *Inventory) warn(what string, err error) {
	if err != nil {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s are not known: %v", what, err))
	}
}

// query asks for the devices, without the fields that this nvidia-smi does not
// know. The error is the Reason where there are none.
func query(ctx context.Context, inv *Inventory) ([]Device, error) {
	asked := fields
	for {
		out, err := smi(ctx, "--query-gpu="+strings.Join(asked, ","), "--format=csv,noheader,nounits")
		if rest, ok := withoutUnknown(asked, out); ok {
			asked = rest
			continue
		}
		devices, warnings := parseDevices(out, asked)
		if len(devices) > 0 {
			inv.Warnings = append(inv.Warnings, warnings...)
			return devices, nil
		}
		if err == nil {
			err = errors.New(reasonOf(out))
		}
		return nil, err
	}
}

// smi runs nvidia-smi and returns what it printed. It fails where it cannot be
// run, does not end in time, or ends in failure; what it printed comes either way.
func smi(ctx context.Context, args ...string) (string, error) {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return "", errors.New("nvidia-smi is not on PATH: there is no NVIDIA driver, or this is a container without its tools")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &out // it puts its complaints on either
	cmd.WaitDelay = 100 * time.Millisecond
	killGroup(cmd)
	err = cmd.Run()
	text := out.String()
	switch {
	case err == nil:
		return text, nil
	case ctx.Err() != nil:
		return text, fmt.Errorf("nvidia-smi %s did not end in time and was killed: the driver hangs, or takes long to load; try it by hand", args[0])
	case text == "":
		return "", fmt.Errorf("nvidia-smi: %w", err)
	}
	return text, errors.New(reasonOf(text))
}

// numaNode is the NUMA node that the device is near to, by its PCI address, or -1.
func numaNode(root fs.FS, bus string) int {
	domain, rest, ok := strings.Cut(strings.ToLower(bus), ":")
	if !ok || len(domain) < 4 {
		return -1
	}
	b, err := fs.ReadFile(root, "sys/bus/pci/devices/"+domain[len(domain)-4:]+":"+rest+"/numa_node")
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n < 0 {
		return -1
	}
	return n
}
