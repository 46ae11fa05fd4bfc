package gpu

import (
	"runtime"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func all(int) bool { return true }

func TestHost(t *testing.T) {
	root := fstest.MapFS{
		"sys/devices/system/cpu/online":         file("0-3\n"),
		"proc/cpuinfo":                          file("processor\t: 0\nmodel name\t: AMD EPYC 9654\n\nprocessor\t: 1\nmodel name\t: other\n"),
		"proc/meminfo":                          file("MemTotal:       16384 kB\nMemFree:         100 kB\nMemAvailable:    8192 kB\n"),
		"sys/devices/system/node/online":        file("0-1\n"),
		"sys/devices/system/node/node0/cpulist": file("0-1\n"),
		"sys/devices/system/node/node0/meminfo": file("Node 0 MemTotal:        9000 kB\nNode 0 MemFree: 1 kB\n"),
		"sys/devices/system/node/node1/cpulist": file("2,3\n"),
		"sys/devices/system/node/node1/meminfo": file("Node 1 MemTotal:        7384 kB\n"),
	}
	for cpu, core := range map[string][2]string{"cpu0": {"0", "0"}, "cpu1": {"0", "0"}, "cpu2": {"1", "0"}, "cpu3": {"1", "0"}} {
		root["sys/devices/system/cpu/"+cpu+"/topology/physical_package_id"] = file(core[0] + "\n")
		root["sys/devices/system/cpu/"+cpu+"/topology/core_id"] = file(core[1] + "\n")
	}
	want := Machine{
		CPUModel: "AMD EPYC 9654", PhysicalCores: 2, LogicalCPUs: 4, UsableCPUs: runtime.NumCPU(),
		Cores:       [][]int{{0, 1}, {2, 3}},
		NUMANodes:   []NUMA{{0, []int{0, 1}, 9000 << 10}, {1, []int{2, 3}, 7384 << 10}},
		MemoryBytes: 16 << 20, AvailableBytes: 8 << 20,
	}
	if diff := cmp.Diff(want, host(root, all)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	root["sys/fs/cgroup/memory.current"] = file("1048576\n")
	for limit, want := range map[string]int64{"max\n": 8 << 20, "3145728\n": 2 << 20, "1048575\n": 0, "99999999999\n": 8 << 20} {
		root["sys/fs/cgroup/memory.max"] = file(limit)
		if got := host(root, all).AvailableBytes; got != want {
			t.Errorf("limit %q: %d available, want %d", limit, got, want)
		}
	}
}

// Where there is neither /proc nor /sys, the CPUs are counted and the rest is not known.
func TestHostElsewhere(t *testing.T) {
	n := runtime.NumCPU()
	want := Machine{PhysicalCores: n, LogicalCPUs: n, UsableCPUs: n, NUMANodes: []NUMA{}}
	if diff := cmp.Diff(want, host(fstest.MapFS{}, all)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestThisHost(t *testing.T) {
	m := Host()
	if m.LogicalCPUs < 1 || m.PhysicalCores < 1 || m.UsableCPUs < 1 || m.PhysicalCores > m.LogicalCPUs {
		t.Errorf("%+v", m)
	}
	if runtime.GOOS == "linux" && (m.MemoryBytes <= 0 || m.AvailableBytes > m.MemoryBytes) {
		t.Errorf("%+v", m)
	}
}

func TestCPUList(t *testing.T) {
	for in, want := range map[string][]int{"0": {0}, "0-2": {0, 1, 2}, "4,0-1": {0, 1, 4}, "1,1": {1}, "": nil, "a": nil, "3-1": nil, "-1": nil, "0-99999999": nil} {
		if got := cpuList(in); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
