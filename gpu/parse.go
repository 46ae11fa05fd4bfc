package gpu

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// fields are what is asked of each device, in nvidia-smi's names. Only the first
// four must be there: an older driver may not know the others.
var fields = []string{
	"index", "uuid", "name", "memory.total", "memory.free", "driver_version", "pci.bus_id", "compute_cap",
	"power.limit", "temperature.gpu", "clocks.max.sm", "persistence_mode", "ecc.mode.current", "mig.mode.current",
	"clocks.sm", "clocks.max.mem", "pcie.link.gen.max", "pcie.link.width.max",
}

const mustHave = 4

// parseDevices reads the rows of --query-gpu=asked --format=csv,noheader,nounits.
// Lines that are no rows come back as warnings: a GPU that fell off the bus leaves
// a sentence in place of its row.
func parseDevices(out string, asked []string) (devices []Device, warnings []string) {
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		// The separator has a blank after it, the comma of a number in another locale has none.
		values := strings.Split(line, ", ")
		index, err := strconv.Atoi(values[0])
		if len(values) != len(asked) || err != nil || index < 0 {
			warnings = append(warnings, "nvidia-smi: "+line)
			continue
		}
		row := make(map[string]string, len(asked))
		for i, name := range asked {
			row[name] = strings.TrimSpace(values[i])
		}
		devices = append(devices, deviceOf(index, row))
	}
	return devices, warnings
}

func deviceOf(index int, row map[string]string) Device {
	d := Device{
		Index: index, UUID: said(row["uuid"]), Name: said(row["name"]), Usable: true,
		MemoryBytes: max(0, mebibytes(row["memory.total"])), FreeBytes: mebibytes(row["memory.free"]),
		ComputeCapability: said(row["compute_cap"]), DriverVersion: said(row["driver_version"]), PCIBusID: said(row["pci.bus_id"]),
		NUMANode:        -1,
		PowerLimitWatts: max(0, number(row["power.limit"])), TemperatureC: number(row["temperature.gpu"]),
		SMClockMHz: max(0, number(row["clocks.sm"])), MaxSMClockMHz: max(0, number(row["clocks.max.sm"])), MaxMemoryClockMHz: max(0, number(row["clocks.max.mem"])),
		PCIeGeneration: int(max(0, number(row["pcie.link.gen.max"]))), PCIeWidth: int(max(0, number(row["pcie.link.width.max"]))),
		Persistence: row["persistence_mode"] == "Enabled",
		ECC:         row["ecc.mode.current"] == "Enabled", MIG: row["mig.mode.current"] == "Enabled",
	}
	for _, name := range fields {
		if v := row[name]; broken(v) {
			d.unusable(fmt.Sprintf("the GPU is in a fault: nvidia-smi says %q for %s; reset it or restart the machine", v, name))
		}
	}
	if d.UUID == "" || d.Name == "" {
		d.unusable("nvidia-smi does not say its UUID or name")
	}
	if d.MIG {
		d.unusable(migIsOn)
	}
	return d
}

// broken recognises what stands in a field of a GPU that no longer answers.
// "[Unknown Error]" is none of these: healthy laptops say so for their power.
func broken(v string) bool {
	return strings.Contains(v, "ERR!") || strings.Contains(v, "requires reset") || strings.Contains(v, "is lost")
}

// said is v, or "" for the placeholders of what is not known: [N/A], [Not
// Supported], [Insufficient Permissions], [Unknown Error], N/A, ERR!.
func said(v string) string {
	if strings.HasPrefix(v, "[") || v == "N/A" || broken(v) {
		return ""
	}
	return v
}

// number is v, or -1 where it is not said. A decimal comma is read as a point.
func number(v string) float64 {
	f, err := strconv.ParseFloat(strings.Replace(said(v), ",", ".", 1), 64)
	if err != nil || !(f >= 0 && f < 1e12) {
		return -1
	}
	return f
}

// mebibytes is v MiB in bytes, or -1 where it is not said.
func mebibytes(v string) int64 {
	n := number(v)
	if n < 0 {
		return -1
	}
	return int64(n * (1 << 20))
}

var unknownField = regexp.MustCompile(`Field "([^"]+)" is not a valid field to query`)

// withoutUnknown drops the field that nvidia-smi has said it does not know; ok is
// false where it said no such thing, or where the field is one of the first must.
func withoutUnknown(asked []string, must int, out string) (rest []string, ok bool) {
	m := unknownField.FindStringSubmatch(out)
	if m == nil {
		return nil, false
	}
	for i, name := range asked {
		if name == m[1] && i >= must {
			rest = append(rest, asked[:i]...)
			return append(rest, asked[i+1:]...), true
		}
	}
	return nil, false
}

var (
	gpuLine = regexp.MustCompile(`^GPU (\d+): .*\(UUID: (GPU-[^)]+)\)`)
	migLine = regexp.MustCompile(`^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)`)
)

// addInstances puts the MIG instances of nvidia-smi -L beside their devices.
func addInstances(devices []Device, out string) {
	var owner *Device
	for line := range strings.Lines(out) {
		if m := gpuLine.FindStringSubmatch(line); m != nil {
			owner = nil
			for i := range devices {
				if devices[i].UUID == m[2] {
					owner = &devices[i]
				}
			}
		} else if m := migLine.FindStringSubmatch(line); m != nil && owner != nil {
			owner.Instances = append(owner.Instances, MIG{UUID: m[2], Profile: m[1]})
		}
	}
}

// addProcesses puts the rows of --query-compute-apps=gpu_uuid,pid,used_memory,process_name
// beside their devices.
func addProcesses(devices []Device, out string) {
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), ", ", 4)
		if len(f) < 4 {
			continue // a sentence: no processes
		}
		pid, err := strconv.Atoi(f[1])
		for i := range devices {
			if err == nil && devices[i].UUID == f[0] {
				devices[i].Processes = append(devices[i].Processes, Process{PID: pid, Name: said(f[3]), MemoryBytes: mebibytes(f[2])})
			}
		}
	}
}

// reasonOf is why a tool gave no device, from what it said.
func reasonOf(tool, out string) string {
	text := strings.Join(strings.Fields(out), " ")
	switch {
	case strings.Contains(text, "couldn't communicate with the NVIDIA driver"):
		return "the NVIDIA driver is not loaded: nvidia-smi cannot reach it; check with lsmod that the nvidia module is there"
	case strings.Contains(text, "Driver/library version mismatch"):
		return "the NVIDIA driver that runs and its library have different versions, as after an update: restart the machine, or reload the module"
	case strings.Contains(text, "No devices were found"):
		return "the NVIDIA driver runs and finds no GPU"
	case strings.Contains(text, "Insufficient Permissions"):
		return "this user may not talk to the NVIDIA driver: look at the permissions of /dev/nvidiactl, or at the container's devices"
	case text == "":
		return tool + " listed no GPU"
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "..."
	}
	return tool + ": " + text
}
