package gpu

import "fmt"

// Simulated is the inventory of n devices that do not exist, of memoryBytes each, all
// linked as the eight of a server are: four to a NUMA node of simulated ones. They are
// leased like real ones, by UUIDs (SIM-0, SIM-1, ...) that all harnesses of a machine
// share.
func Simulated(name string, n int, memoryBytes int64) Inventory {
	const perNode = 4
	v := Inventory{Devices: []Device{}, Links: []Link{}, Source: SourceSimulated}
	for i := range n {
		v.Devices = append(v.Devices, Device{
			Index: i, UUID: fmt.Sprintf("SIM-%d", i), Name: name + " (simulated)",
			MemoryBytes: memoryBytes, FreeBytes: memoryBytes, NUMANode: i / perNode, TemperatureC: -1, Usable: true,
		})
		for a := range i {
			v.Links = append(v.Links, Link{A: a, B: i, Type: "NV18"})
		}
	}
	return v
}

// Where an Inventory comes from.
const (
	sourceNVML = "nvml"
	sourceSMI  = "nvidia-smi"
	sourceNone = "none"
)

// SourceSimulated is the Source of an Inventory whose devices do not exist.
const SourceSimulated = "simulated"
