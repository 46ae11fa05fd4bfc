// Package gpu says which GPUs this machine has, which of them may be used and
// why the others may not, how they are linked, and what the host is like.
//
// The flow is List (what there is) -> NewPool, Pool.Acquire (a trial's devices and CPUs)
// -> Gate.Pass (are they fit?) -> StartMeter, Meter.Usage (what they did and took) ->
// Lease.Release. UsageOf derives a run's energy anew from readings that were stored.
//
// Reading is one thin layer (NVIDIA's library or nvidia-smi, AMD's tools, the files of
// /proc and /sys); what it reads goes through pure parsers, tested on the text of many
// machines. A machine without GPUs is no error: it is an Inventory without devices, and
// the reason.
package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Device is one GPU. A number that nvidia-smi does not know is 0, and -1 where 0
// has a meaning.
type Device struct {
	Index             int     `json:"index"` // nvidia-smi's: by PCI bus
	UUID              string  `json:"uuid"`
	Name              string  `json:"name"`
	MemoryBytes       int64   `json:"memory_bytes"`       // 0: not said, as where GPU and CPU share theirs
	FreeBytes         int64   `json:"free_bytes"`         // -1: not said
	ComputeCapability string  `json:"compute_capability"` // "9.0"; "" not said
	DriverVersion     string  `json:"driver_version"`
	PCIBusID          string  `json:"pci_bus_id"` // 00000000:3D:00.0
	NUMANode          int     `json:"numa_node"`  // -1: not said, or the machine has one node
	PowerLimitWatts   float64 `json:"power_limit_w"`
	TemperatureC      float64 `json:"temperature_c"` // -1: not said
	SMClockMHz        float64 `json:"sm_clock_mhz"`  // now
	MaxSMClockMHz     float64 `json:"max_sm_clock_mhz"`
	MaxMemoryClockMHz float64 `json:"max_memory_clock_mhz"`
	PCIeGeneration    int     `json:"pcie_generation"` // the best that device and slot can
	PCIeWidth         int     `json:"pcie_width"`      // lanes, likewise
	Persistence       bool    `json:"persistence"`     // the driver stays loaded between processes
	ECC               bool    `json:"ecc"`
	MIG               bool    `json:"mig"`                     // split into instances; then the whole is not usable
	Instances         []MIG   `json:"mig_instances,omitempty"` // of a device in MIG mode

	Processes []Process `json:"processes,omitempty"` // that are on it

	Usable bool   `json:"usable"`
	WhyNot string `json:"why_not,omitempty"` // one line; "" where Usable
}

// A MIG is one instance of a device that is split.
type MIG struct {
	UUID        string `json:"uuid"`
	Profile     string `json:"profile"`                // 1g.10gb
	MemoryBytes int64  `json:"memory_bytes,omitempty"` // 0: not said
}

// SM is the architecture as a number, compute capability 9.0 being 90; 0 is not
// known.
func (d Device) SM() int {
	major, minor, ok := strings.Cut(d.ComputeCapability, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil || a < 0 || b < 0 || b > 9 {
		return 0
	}
	return a*10 + b
}

// IsA100 reports whether engines take the device for an A100: vLLM's defaults ask
// for that name, since an A100 has the memory of larger ones and not their speed.
func (d Device) IsA100() bool {
	return strings.Contains(strings.ToLower(d.Name), "a100")
}

// unknownDevice is a device of which nothing is known yet.
func unknownDevice(index int) Device {
	return Device{Index: index, FreeBytes: -1, NUMANode: -1, TemperatureC: -1, Usable: true}
}

// migIsOn is why a device that is split is not leased.
const migIsOn = "MIG is on: the device is split into instances, and cannot be used as a whole; nvidia-smi -mig 0 ends that"

// unusable marks the device, if it is not marked already.
func (d *Device) unusable(why string) {
	if d.Usable {
		d.Usable, d.WhyNot = false, why
	}
}

// A Link is how two devices reach each other, in nvidia-smi's words: NV18 is 18
// NVLinks; then PIX, PXB, PHB, NODE and SYS, each farther than the one before.
type Link struct {
	A    int    `json:"a"` // Device.Index, less than B
	B    int    `json:"b"`
	Type string `json:"type"`
}

// An Inventory is what one look at the machine found.
type Inventory struct {
	Devices  []Device `json:"devices"` // also those that are not usable
	Links    []Link   `json:"links"`   // one for each pair of devices, where there are at least two
	Driver   string   `json:"driver"`  // version; "" without devices
	Source   string   `json:"source"`  // nvml, nvidia-smi, amd-smi, rocm-smi, simulated, or none
	Reason   string   `json:"reason,omitempty"`
	Warnings []string `json:"warnings,omitempty"` // what could not be read, one line each
}

// Usable returns the devices that may be used, in their order.
func (v Inventory) Usable() []Device {
	var out []Device
	for _, d := range v.Devices {
		if d.Usable {
			out = append(out, d)
		}
	}
	return out
}

// named are the devices with these UUIDs, in the order of these.
func (v Inventory) named(uuids []string) []Device {
	var out []Device
	for _, uuid := range uuids {
		if i := slices.IndexFunc(v.Devices, func(d Device) bool { return d.UUID == uuid }); i >= 0 {
			out = append(out, v.Devices[i])
		}
	}
	return out
}

// Need is nil where at least n devices may be used. Otherwise it says which there are,
// and why the others may not be used.
func (v Inventory) Need(n int) error {
	usable := len(v.Usable())
	if usable >= n {
		return nil
	}
	if len(v.Devices) == 0 {
		return fmt.Errorf("%s wanted, and there is none: %s (`harness gpu` looks again)", count(n, "GPU is", "GPUs are"), v.Reason)
	}
	text := states(v.Devices, func(d Device) string {
		if d.Usable {
			return "can be used"
		}
		return "is not usable: " + d.WhyNot
	})
	if len(v.Warnings) > 0 {
		text += "; " + strings.Join(v.Warnings, "; ") // of a device that is not listed any more, it may be all that is said
	}
	return fmt.Errorf("%s wanted, and %d of %d can be used: %s; ask for fewer, and see `harness gpu`", count(n, "GPU is", "GPUs are"), usable, len(v.Devices), text)
}

// states tells the states of devices, those in the same state together.
func states(devices []Device, state func(Device) string) string {
	var order []string
	in := map[string][]int{}
	for _, d := range devices {
		s := state(d)
		if in[s] == nil {
			order = append(order, s)
		}
		in[s] = append(in[s], d.Index)
	}
	var each []string
	for _, s := range order {
		each = append(each, fmt.Sprintf("GPU %s %s", Ranges(in[s]), s))
	}
	return strings.Join(each, "; ")
}

// Ranges writes sorted numbers as the kernel does: 0-3,8.
func Ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if part := strconv.Itoa(numbers[i]); j > i {
			parts = append(parts, part+"-"+strconv.Itoa(numbers[j]))
		} else {
			parts = append(parts, part)
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
