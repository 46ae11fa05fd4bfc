package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"harness/gpu"
	"harness/results/report"
)

// A hostState is what of this machine bears on measuring. Numbers that are not known
// are -1, texts "".
type hostState struct {
	system      string // linux/amd64
	machine     gpu.Machine
	load        float64 // processes that run or wait, over the last minute
	governor    string  // of the first CPU's frequency
	clock       string  // the kernel's clock source
	files       int64   // that one process may open, raised as far as it can be
	ports       int64   // that connections may be made from
	sharedBytes int64   // of /dev/shm
	root        string  // of studies
	freeBytes   int64   // there
	fsType      string  // there, where it is one that matters
	syncSeconds float64 // of one small file written and made durable there
	rootErr     error   // why nothing can be written there
}

// lookAtHost reads the state. It writes one small file below root, and removes it.
func lookAtHost(root string) hostState {
	h := hostState{system: runtime.GOOS + "/" + runtime.GOARCH, machine: gpu.Host(), load: -1, ports: -1, root: root,
		governor: readWord("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), clock: readWord("/sys/devices/system/clocksource/clocksource0/current_clocksource")}
	if f := strings.Fields(readText("/proc/loadavg")); len(f) > 0 {
		if v, err := strconv.ParseFloat(f[0], 64); err == nil {
			h.load = v
		}
	}
	if f := strings.Fields(readText("/proc/sys/net/ipv4/ip_local_port_range")); len(f) == 2 {
		low, err1 := strconv.ParseInt(f[0], 10, 64)
		high, err2 := strconv.ParseInt(f[1], 10, 64)
		if err1 == nil && err2 == nil {
			h.ports = high - low + 1
		}
	}
	h.files = maxFiles()
	_, h.sharedBytes = volume("/dev/shm")
	folder := existing(root)
	h.fsType, h.freeBytes = volume(folder)
	h.syncSeconds, h.rootErr = trySync(folder)
	return h
}

func readText(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(data)
}

func readWord(path string) string { return strings.TrimSpace(readText(path)) }

// existing is the nearest folder above path that exists.
func existing(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "."
	}
	for abs != filepath.Dir(abs) {
		if info, err := os.Stat(abs); err == nil && info.IsDir() {
			return abs
		}
		abs = filepath.Dir(abs)
	}
	return abs
}

// trySync measures what makes a row durable: write and fsync.
func trySync(dir string) (float64, error) {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return -1, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	began := time.Now()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return -1, err
	}
	if err := f.Sync(); err != nil {
		return -1, err
	}
	return time.Since(began).Seconds(), nil
}

// Bounds of what measures well.
const (
	enoughFiles   = 16_384   // a stream each, and some
	enoughPorts   = 16_384   // a connection each, where the server closes them
	enoughShared  = 1 << 30  // bytes: engines of several processes exchange tensors there
	enoughDisk    = 10 << 30 // bytes: 10,000 runs of 1,000 requests of 250 tokens
	slowSync      = 0.05     // s: four a run
	busyShare     = 0.5      // of the CPUs taken by others
	idleProcesses = 1.0      // of load that nobody notices
)

// goodClocks are clock sources that are read without a system call.
var goodClocks = []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}

// judge says what of the machine disturbs measuring.
func (h hostState) judge() []finding {
	m := h.machine
	list := []finding{{About: "machine", Verdict: fine, Text: fmt.Sprintf("%s, %s, %d of %d CPUs usable (%d cores), %.0f GiB of %.0f GiB memory free", h.system, orUnknown(m.CPUModel),
		m.UsableCPUs, max(m.LogicalCPUs, m.UsableCPUs), m.PhysicalCores, float64(m.AvailableBytes)/(1<<30), float64(m.MemoryBytes)/(1<<30))}}
	say := func(about string, bad bool, good, wrong, mend string) {
		if bad {
			list = append(list, finding{About: about, Verdict: doubt, Text: wrong, Mend: mend})
		} else if good != "" {
			list = append(list, finding{About: about, Verdict: fine, Text: good})
		}
	}
	say("stamps", !strings.HasPrefix(h.system, "linux/"), "receive times from the kernel, to microseconds", "receive times are this program's, since only Linux keeps the kernel's: they are late where it is busy", "measure from a Linux machine for exact times at many streams")
	say("load", h.load > max(idleProcesses, busyShare*float64(m.UsableCPUs)), "", fmt.Sprintf("others keep %.1f of %d CPUs busy: times will show it", h.load, m.UsableCPUs), "end what else runs here: see `top`")
	say("CPUs", m.UsableCPUs < 2, "", "one CPU for server and load generator together: each waits for the other", "give this machine or container more CPUs")
	say("governor", h.governor != "" && h.governor != "performance", h.governor, fmt.Sprintf("CPU frequency is left to %q: short runs begin on slow cores", h.governor), "sudo cpupower frequency-set -g performance")
	say("clock", h.clock != "" && !slices.Contains(goodClocks, h.clock), h.clock, fmt.Sprintf("clock source %s takes a system call at each reading", h.clock), "boot with clocksource=tsc where the CPU has a stable one")
	say("open files", h.files >= 0 && h.files < enoughFiles, textIf(h.files >= 0, fmt.Sprintf("%d for each process", h.files)), fmt.Sprintf("%d for each process: as many streams, less 64, can be open", h.files), fmt.Sprintf("ulimit -n %d, or LimitNOFILE of the service", 4*enoughFiles))
	say("ports", h.ports >= 0 && h.ports < enoughPorts, textIf(h.ports >= 0, fmt.Sprintf("%d to connect from", h.ports)), fmt.Sprintf("%d to connect from: servers that close connections use them up", h.ports), "sudo sysctl net.ipv4.ip_local_port_range='10240 65000'")
	say("/dev/shm", h.sharedBytes >= 0 && h.sharedBytes < enoughShared, textIf(h.sharedBytes >= 0, fmt.Sprintf("%s free", size(h.sharedBytes))), fmt.Sprintf("%s free: engines on several GPUs fail or crawl with less than 1 GiB", size(max(0, h.sharedBytes))), "docker run --ipc=host or --shm-size 16g")
	return append(list, h.judgeDisk()...)
}

func textIf(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown CPU"
	}
	return s
}

// judgeDisk is about the folder of studies.
func (h hostState) judgeDisk() []finding {
	if h.rootErr != nil {
		return []finding{{About: "studies", Verdict: missing, Text: fmt.Sprintf("nothing can be written to %s: %v", h.root, h.rootErr), Mend: "name another folder with --study", vital: true}}
	}
	f := finding{About: "studies", Verdict: fine, Text: fmt.Sprintf("%s: %s free, a row is durable after %s", h.root, size(max(0, h.freeBytes)), report.Duration(h.syncSeconds))}
	switch {
	case h.freeBytes >= 0 && h.freeBytes < enoughDisk:
		f.Verdict, f.Mend = doubt, "make room, or name a larger disk with --study"
	case h.syncSeconds > slowSync:
		f.Verdict, f.Text, f.Mend = doubt, f.Text+", which is slow", "name a local disk with --study"
	case h.fsType == "tmpfs":
		f.Verdict, f.Text, f.Mend = doubt, f.Text+"; it is in memory, and gone with this machine", "name a disk with --study"
	}
	return []finding{f}
}
