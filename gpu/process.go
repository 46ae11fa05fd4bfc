package gpu

import (
	"os"
	"strconv"
	"strings"
)

// A Process has memory or a context on a device.
type Process struct {
	PID         int    `json:"pid"`                // as the driver counts: of the host, also where this is a container
	Name        string `json:"name"`               // "" where it is not known
	MemoryBytes int64  `json:"memory_bytes"`       // -1: not said
	Graphics    bool   `json:"graphics,omitempty"` // it draws, as a desktop does, and does not compute
}

// named gives processes the names that /proc has of them, without those listed twice.
func named(ps []Process) []Process {
	seen := map[int]bool{}
	var out []Process
	for _, p := range ps {
		if seen[p.PID] {
			continue
		}
		seen[p.PID] = true
		if comm, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/comm"); err == nil && p.Name == "" {
			p.Name = strings.TrimSpace(string(comm))
		}
		out = append(out, p)
	}
	return out
}
