package main

import (
	"errors"
	"strings"
	"testing"

	"harness/gpu"
)

func goodHost() hostState {
	return hostState{system: "linux/amd64", machine: gpu.Machine{UsableCPUs: 16, LogicalCPUs: 16, PhysicalCores: 8, MemoryBytes: 64 << 30, AvailableBytes: 60 << 30},
		load: 0.3, governor: "performance", clock: "tsc", files: 1 << 20, ports: 28_232, sharedBytes: 32 << 30, root: "studies", freeBytes: 1 << 40, syncSeconds: 0.001}
}

func TestDoctorJudgesTheHost(t *testing.T) {
	for _, f := range goodHost().judge() {
		if f.Verdict != fine || f.Mend != "" {
			t.Errorf("a good machine has %+v", f)
		}
	}
	for name, c := range map[string]struct {
		spoil       func(*hostState)
		about, text string
		verdict     string
	}{
		"others at work": {func(h *hostState) { h.load = 9 }, "load", "others keep 9.0 of 16 CPUs busy", doubt},
		"one CPU":        {func(h *hostState) { h.machine.UsableCPUs = 1 }, "CPUs", "each waits for the other", doubt},
		"slow governor":  {func(h *hostState) { h.governor = "powersave" }, "governor", `"powersave"`, doubt},
		"slow clock":     {func(h *hostState) { h.clock = "hpet" }, "clock", "hpet", doubt},
		"few files":      {func(h *hostState) { h.files = 1024 }, "open files", "1024 for each process", doubt},
		"few ports":      {func(h *hostState) { h.ports = 4000 }, "ports", "4000 to connect from", doubt},
		"docker's shm":   {func(h *hostState) { h.sharedBytes = 64 << 20 }, "/dev/shm", "64.0 MiB free", doubt},
		"not Linux":      {func(h *hostState) { h.system = "darwin/arm64" }, "stamps", "only Linux", doubt},
		"full disk":      {func(h *hostState) { h.freeBytes = 1 << 30 }, "studies", "1.0 GiB free", doubt},
		"network disk":   {func(h *hostState) { h.syncSeconds = 0.2 }, "studies", "200 ms, which is slow", doubt},
		"disk in memory": {func(h *hostState) { h.fsType = "tmpfs" }, "studies", "gone with this machine", doubt},
		"read-only":      {func(h *hostState) { h.rootErr = errors.New("read-only file system") }, "studies", "read-only file system", missing},
	} {
		h := goodHost()
		c.spoil(&h)
		found := 0
		for _, f := range h.judge() {
			if f.Verdict == fine {
				continue
			}
			found++
			if f.About != c.about || f.Verdict != c.verdict || !strings.Contains(f.Text, c.text) || f.Mend == "" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d findings, want 1", name, found)
		}
	}
	unknown := hostState{system: "linux/amd64", machine: gpu.Machine{UsableCPUs: 4}, load: -1, files: -1, ports: -1, sharedBytes: -1, freeBytes: -1}
	for _, f := range unknown.judge() {
		if f.Verdict != fine {
			t.Errorf("what is not known is no fault: %+v", f)
		}
	}
}

func TestDoctorJudgesGPUs(t *testing.T) {
	v := gpu.Inventory{Driver: "580.1", Devices: []gpu.Device{
		{Index: 0, Name: "H100", Usable: true, Persistence: true},
		{Index: 1, Name: "H100", Usable: true},
		{Index: 2, Name: "H100", WhyNot: "MIG is on"},
	}}
	got := judgeGPUs(v)
	if len(got) != 3 || got[0].Text != "2 of 3 can be used; driver 580.1" || got[1].Mend != "sudo nvidia-smi -i 1 -pm 1" || !strings.Contains(got[2].Text, "MIG is on") {
		t.Errorf("%+v", got)
	}
	if got := judgeGPUs(gpu.Inventory{Reason: "no driver"}); len(got) != 1 || got[0].Verdict != missing || got[0].vital {
		t.Errorf("%+v", got)
	}
}
