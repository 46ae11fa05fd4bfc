package gpu

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// A Machine is the host that the devices are in. What cannot be read is 0 or "".
type Machine struct {
	CPUModel       string  `json:"cpu_model"`
	PhysicalCores  int     `json:"physical_cores"`
	LogicalCPUs    int     `json:"logical_cpus"`    // online
	UsableCPUs     int     `json:"usable_cpus"`     // of these, those that this process may run on
	Cores          [][]int `json:"cores"`           // the logical CPUs of each physical core, of those that this process may run on
	NUMANodes      []NUMA  `json:"numa_nodes"`      // in order; a machine without them has none listed
	MemoryBytes    int64   `json:"memory_bytes"`    // of the machine
	AvailableBytes int64   `json:"available_bytes"` // what can still be taken, the limit of this container included
}

// A NUMA is one node of memory and the CPUs near to it.
type NUMA struct {
	ID          int   `json:"id"`
	CPUs        []int `json:"cpus"`
	MemoryBytes int64 `json:"memory_bytes"`
}

// Host describes this machine. On Linux it reads /proc and /sys; elsewhere only
// the CPUs are counted.
func Host() Machine {
	return host(os.DirFS("/"), allowed())
}

func host(root fs.FS, allowed func(cpu int) bool) Machine {
	m := Machine{UsableCPUs: runtime.NumCPU(), NUMANodes: []NUMA{}}
	online := cpuList(text(root, "sys/devices/system/cpu/online"))
	m.LogicalCPUs = len(online)
	cores := map[string]int{} // position in ids
	var ids [][]int
	for _, cpu := range online {
		dir := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
		core := text(root, dir+"core_id")
		if core == "" {
			continue
		}
		name := text(root, dir+"physical_package_id") + "/" + core
		if _, known := cores[name]; !known {
			cores[name] = len(ids)
			ids = append(ids, nil)
		}
		if allowed(cpu) {
			ids[cores[name]] = append(ids[cores[name]], cpu)
		}
	}
	m.PhysicalCores = len(ids)
	m.Cores = slices.DeleteFunc(ids, func(cpus []int) bool { return len(cpus) == 0 })
	if m.LogicalCPUs == 0 {
		m.LogicalCPUs = m.UsableCPUs
	}
	if m.PhysicalCores == 0 {
		m.PhysicalCores = m.LogicalCPUs
	}
	for line := range strings.Lines(text(root, "proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPUModel = strings.TrimSpace(value)
			break
		}
	}
	memory := text(root, "proc/meminfo")
	m.MemoryBytes, m.AvailableBytes = meminfo(memory, "MemTotal:"), meminfo(memory, "MemAvailable:")
	if left, limited := cgroupLeft(root); limited {
		m.AvailableBytes = min(m.AvailableBytes, left)
	}
	for _, id := range cpuList(text(root, "sys/devices/system/node/online")) {
		dir := fmt.Sprintf("sys/devices/system/node/node%d/", id)
		m.NUMANodes = append(m.NUMANodes, NUMA{
			ID:          id,
			CPUs:        cpuList(text(root, dir+"cpulist")),
			MemoryBytes: meminfo(text(root, dir+"meminfo"), fmt.Sprintf("Node %d MemTotal:", id)),
		})
	}
	return m
}

// cgroupLeft is what the memory limit of a container (cgroup 2, as it sees itself)
// leaves; limited is false where there is none. Page cache counts as used there
// although it can be taken back, so that this is the least that is left.
func cgroupLeft(root fs.FS) (left int64, limited bool) {
	most, err1 := strconv.ParseInt(text(root, "sys/fs/cgroup/memory.max"), 10, 64)
	used, err2 := strconv.ParseInt(text(root, "sys/fs/cgroup/memory.current"), 10, 64)
	if err1 != nil || err2 != nil { // "max" is no limit
		return 0, false
	}
	return max(0, most-used), true
}

// text is a file's content without the blanks around it, or "".
func text(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// meminfo is the value of one line of /proc/meminfo's form, in bytes, or 0.
func meminfo(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil || kib < 0 || kib > 1<<50 {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// cpuList reads the kernel's lists of numbers, "0-3,8", sorted; nil where it is none.
func cpuList(s string) []int {
	const most = 1 << 16 // far above any machine; a bound on what a bad file can ask for
	var out []int
	for _, part := range strings.Split(s, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(low)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(high)
		}
		if err != nil || a < 0 || b < a || b > most {
			return nil
		}
		for n := a; n <= b; n++ {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
