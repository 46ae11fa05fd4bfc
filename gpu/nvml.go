//go:build cgo && linux

package gpu

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// nvmlReason is why NVML found no device, in words that say what to do; "" where NVML
// is not there at all, and nvidia-smi is to be asked.
func nvmlReason(ret nvml.Return) string {
	switch ret {
	case nvml.ERROR_LIBRARY_NOT_FOUND, nvml.ERROR_FUNCTION_NOT_FOUND:
		return ""
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return "the NVIDIA driver is not loaded; check with lsmod that the nvidia module is there"
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return "the NVIDIA driver that runs and its library have different versions, as after an update: restart the machine, or reload the module"
	case nvml.ERROR_NO_PERMISSION:
		return "this user may not talk to the NVIDIA driver: look at the permissions of /dev/nvidiactl, or at the container's devices"
	}
	return "the NVIDIA driver's library fails: " + nvmlText(ret)
}

// nvmlText is an error in NVML's words. nvml.ErrorString asks the library, which may
// not be there; Error of a Return does that too.
func nvmlText(ret nvml.Return) string {
	switch ret {
	case nvml.ERROR_GPU_IS_LOST:
		return "it has fallen off the bus or is otherwise inaccessible; restart the machine"
	case nvml.ERROR_RESET_REQUIRED:
		return "it must be reset: nvidia-smi --gpu-reset"
	case nvml.ERROR_IRQ_ISSUE:
		return "its interrupts do not arrive"
	}
	return fmt.Sprintf("NVML error %d", int32(ret))
}

// listNVML is the inventory that the driver's library gives; devices that do not answer
// are in it as not usable. reason is why there is none, "" where NVML is not there.
func listNVML(lib nvml.Interface, root fs.FS) (inv Inventory, reason string, ok bool) {
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return inv, nvmlReason(ret), false
	}
	defer lib.Shutdown()
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return inv, nvmlReason(ret), false
	}
	if n == 0 {
		return inv, "the NVIDIA driver runs and finds no GPU", false
	}
	inv = Inventory{Devices: []Device{}, Links: []Link{}, Source: sourceNVML}
	inv.Driver, _ = lib.SystemGetDriverVersion()
	handles := make([]nvml.Device, n)
	for i := range n {
		h, ret := lib.DeviceGetHandleByIndex(i)
		d := unknownDevice(i)
		d.DriverVersion = inv.Driver
		if ret != nvml.SUCCESS {
			d.unusable("the GPU does not answer: " + nvmlText(ret))
		} else {
			handles[i] = h
			describe(&d, h)
			d.NUMANode = numaNode(root, d.PCIBusID)
		}
		inv.Devices = append(inv.Devices, d)
	}
	inv.Links = nvmlLinks(handles)
	return inv, "", true
}

// describe asks a device for all that an inventory holds.
func describe(d *Device, h nvml.Device) {
	d.UUID, d.Name = answer(h.GetUUID()), answer(h.GetName())
	if d.UUID == "" || d.Name == "" {
		d.unusable("the driver does not say its UUID or name")
	}
	if m, ret := h.GetMemoryInfo(); ret == nvml.SUCCESS {
		d.MemoryBytes, d.FreeBytes = int64(m.Total), int64(m.Free)
	} else if isLost(ret) {
		d.unusable("the GPU does not answer: " + nvmlText(ret))
	}
	if major, minor, ret := h.GetCudaComputeCapability(); ret == nvml.SUCCESS {
		d.ComputeCapability = fmt.Sprintf("%d.%d", major, minor)
	}
	if p, ret := h.GetPciInfo(); ret == nvml.SUCCESS {
		d.PCIBusID = cString(p.BusId[:])
	}
	d.PCIeGeneration, d.PCIeWidth = answer(h.GetMaxPcieLinkGeneration()), answer(h.GetMaxPcieLinkWidth())
	d.PowerLimitWatts = float64(answer(h.GetEnforcedPowerLimit())) / 1000
	if t, ret := h.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
		d.TemperatureC = float64(t)
	}
	d.SMClockMHz, d.MaxSMClockMHz = float64(answer(h.GetClockInfo(nvml.CLOCK_SM))), float64(answer(h.GetMaxClockInfo(nvml.CLOCK_SM)))
	d.MaxMemoryClockMHz = float64(answer(h.GetMaxClockInfo(nvml.CLOCK_MEM)))
	d.Persistence = answer(h.GetPersistenceMode()) == nvml.FEATURE_ENABLED
	ecc, _, ret := h.GetEccMode()
	d.ECC = ret == nvml.SUCCESS && ecc == nvml.FEATURE_ENABLED
	d.Processes = nvmlProcesses(h)
	mig, _, ret := h.GetMigMode()
	if d.MIG = ret == nvml.SUCCESS && mig == nvml.DEVICE_MIG_ENABLE; d.MIG {
		d.Instances = nvmlInstances(h)
		d.unusable(migIsOn)
	}
}

// answer is a value of NVML, or the zero value where it is not told.
func answer[T any](v T, ret nvml.Return) T {
	if ret != nvml.SUCCESS {
		var zero T
		return zero
	}
	return v
}

func isLost(ret nvml.Return) bool {
	return ret == nvml.ERROR_GPU_IS_LOST || ret == nvml.ERROR_RESET_REQUIRED
}

func cString[C ~int8 | ~uint8](s []C) string {
	var b strings.Builder
	for _, c := range s {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func nvmlProcesses(h nvml.Device) []Process {
	var out []Process
	add := func(graphics bool, ps []nvml.ProcessInfo, ret nvml.Return) {
		if ret != nvml.SUCCESS {
			return
		}
		for _, p := range ps {
			memory := int64(p.UsedGpuMemory)
			if p.UsedGpuMemory == ^uint64(0) { // NVML_VALUE_NOT_AVAILABLE
				memory = -1
			}
			out = append(out, Process{PID: int(p.Pid), MemoryBytes: memory, Graphics: graphics})
		}
	}
	ps, ret := h.GetComputeRunningProcesses()
	add(false, ps, ret)
	ps, ret = h.GetGraphicsRunningProcesses()
	add(true, ps, ret)
	return named(out)
}

func nvmlInstances(h nvml.Device) []MIG {
	var out []MIG
	for i := range answer(h.GetMaxMigDeviceCount()) {
		m, ret := h.GetMigDeviceHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue // a slot without an instance
		}
		name := answer(m.GetName()) // NVIDIA A100-SXM4-80GB MIG 3g.40gb
		_, profile, found := strings.Cut(name, " MIG ")
		if !found {
			profile = name
		}
		out = append(out, MIG{UUID: answer(m.GetUUID()), Profile: profile, MemoryBytes: int64(answer(m.GetMemoryInfo()).Total)})
	}
	return out
}

// nvmlLinks gives each pair of devices its kind of link, in nvidia-smi's words.
func nvmlLinks(handles []nvml.Device) []Link {
	links := []Link{}
	ports := make([]nvPorts, len(handles))
	for i, h := range handles {
		if h != nil {
			ports[i] = portsOf(h)
		}
	}
	for b := range handles {
		for a := range b {
			if handles[a] == nil || handles[b] == nil {
				continue
			}
			if n := ports[a].to(ports[b]); n > 0 {
				links = append(links, Link{A: a, B: b, Type: fmt.Sprintf("NV%d", n)})
			} else if level, ret := handles[a].GetTopologyCommonAncestor(handles[b]); ret == nvml.SUCCESS {
				links = append(links, Link{A: a, B: b, Type: levelName(level)})
			}
		}
	}
	return links
}

// nvPorts is where the NVLinks of a device lead.
type nvPorts struct {
	bus      string
	peers    map[string]int // links by the PCI address of the device at the other end
	switched int            // links to a switch, behind which are all devices that have such
}

func portsOf(h nvml.Device) nvPorts {
	p := nvPorts{peers: map[string]int{}, bus: busKey(answer(h.GetPciInfo()))}
	for link := range nvml.NVLINK_MAX_LINKS {
		if state, ret := h.GetNvLinkState(link); ret != nvml.SUCCESS || state != nvml.FEATURE_ENABLED {
			continue
		}
		if kind, ret := h.GetNvLinkRemoteDeviceType(link); ret == nvml.SUCCESS && kind == nvml.NVLINK_DEVICE_TYPE_SWITCH {
			p.switched++
		} else if remote, ret := h.GetNvLinkRemotePciInfo(link); ret == nvml.SUCCESS {
			p.peers[busKey(remote)]++
		}
	}
	return p
}

func busKey(p nvml.PciInfo) string { return fmt.Sprintf("%x:%x:%x", p.Domain, p.Bus, p.Device) }

// to is how many NVLinks join two devices.
func (p nvPorts) to(other nvPorts) int {
	return max(p.peers[other.bus], min(p.switched, other.switched))
}

func levelName(level nvml.GpuTopologyLevel) string {
	switch level {
	case nvml.TOPOLOGY_INTERNAL, nvml.TOPOLOGY_SINGLE:
		return "PIX"
	case nvml.TOPOLOGY_MULTIPLE:
		return "PXB"
	case nvml.TOPOLOGY_HOSTBRIDGE:
		return "PHB"
	case nvml.TOPOLOGY_NODE:
		return "NODE"
	}
	return "SYS"
}
