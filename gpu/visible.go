package gpu

import (
	"fmt"
	"strconv"
	"strings"
)

// hide marks the devices that CUDA_VISIBLE_DEVICES keeps from the processes that
// this one starts, by CUDA's own rules: a list of indices, UUIDs or their unique
// beginnings; it ends at the first entry that names no device (so that "" and
// "-1" are none); a device named twice voids all of it. Indices are read as
// nvidia-smi's, which are CUDA's where all GPUs are of one model or
// CUDA_DEVICE_ORDER is PCI_BUS_ID.
func hide(devices []Device, value string) (warnings []string) {
	seen := make([]bool, len(devices))
	for _, entry := range strings.Split(value, ",") {
		entry = strings.TrimSpace(entry)
		i, why := find(devices, entry)
		if i < 0 {
			if entry != "" && entry != "-1" && entry != "NoDevFiles" && entry != "void" {
				warnings = append(warnings, fmt.Sprintf("CUDA_VISIBLE_DEVICES=%s: %q %s; it and all after it are ignored", value, entry, why))
			}
			break
		}
		if strings.HasPrefix(entry, "MIG-") {
			warnings = append(warnings, fmt.Sprintf("CUDA_VISIBLE_DEVICES=%s: %s is an instance of GPU %d; servers are placed on whole GPUs only", value, entry, devices[i].Index))
			continue
		}
		if seen[i] {
			warnings = append(warnings, fmt.Sprintf("CUDA_VISIBLE_DEVICES=%s names GPU %d twice: CUDA then shows no device", value, devices[i].Index))
			clear(seen)
			break
		}
		seen[i] = true
	}
	for i := range devices {
		if !seen[i] {
			devices[i].unusable("hidden by CUDA_VISIBLE_DEVICES=" + value)
		}
	}
	return warnings
}

// find is the position of the device that an entry names, or -1 and why not.
func find(devices []Device, entry string) (i int, why string) {
	if n, err := strconv.Atoi(entry); err == nil {
		for i := range devices {
			if devices[i].Index == n {
				return i, ""
			}
		}
		return -1, "is the index of no GPU"
	}
	found := -1
	for i := range devices {
		if strings.HasPrefix(entry, "GPU-") && strings.HasPrefix(devices[i].UUID, entry) {
			if found >= 0 {
				return -1, "is the beginning of more than one UUID"
			}
			found = i
		}
		for _, m := range devices[i].Instances {
			if m.UUID == entry {
				return i, ""
			}
		}
	}
	return found, "is the UUID of no GPU"
}
