package gpu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The files of testdata have the form of nvidia-smi's output as people posted it
// (drivers 450 to 580); they were put together for these tests, not recorded.
func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseOneDevice(t *testing.T) {
	got, warnings := parseDevices(recorded(t, "one_h100.csv"), fields)
	want := []Device{{
		Index: 0, UUID: "GPU-2f8b1c1e-1111-4a4a-9b9b-000000000001", Name: "NVIDIA H100 80GB HBM3",
		MemoryBytes: 81559 << 20, FreeBytes: 81000 << 20, ComputeCapability: "9.0", DriverVersion: "550.54.15",
		PCIBusID: "00000000:3D:00.0", NUMANode: -1, PowerLimitWatts: 700, TemperatureC: 31, MaxSMClockMHz: 1980,
		SMClockMHz: 345, MaxMemoryClockMHz: 2619, PCIeGeneration: 5, PCIeWidth: 16,
		Persistence: true, ECC: true, Usable: true,
	}}
	if diff := cmp.Diff(want, got); diff != "" || warnings != nil {
		t.Errorf("(-want +got)\n%s\nwarnings %q", diff, warnings)
	}
}

func TestParseDevices(t *testing.T) {
	old := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == "compute_cap" })
	for _, tt := range []struct {
		file     string
		asked    []string
		usable   []bool
		whyNot   string // a part of the first that is not usable
		memory   int64  // of the first, MiB
		free     int64
		sm       int
		power    float64
		warnings int
	}{
		{file: "eight_a100.csv", usable: []bool{true, true, true, true, true, true, true, true}, memory: 81920, free: 81042, sm: 80, power: 400},
		{file: "workstation_na.csv", usable: []bool{true}, memory: 4096, free: 3500, sm: 75},
		{file: "old_driver.csv", asked: old, usable: []bool{true}, memory: 16160, free: 16157, power: 300},
		{file: "unified_memory.csv", usable: []bool{true}, free: -1, sm: 121},
		{file: "fault.csv", usable: []bool{false, true, false}, whyNot: `"[GPU requires reset]" for temperature.gpu`, memory: 97887, free: 97000, sm: 120, power: 600},
		{file: "lost.csv", usable: []bool{true}, memory: 46068, free: 45500, sm: 86, power: 300, warnings: 1},
		{file: "mig.csv", usable: []bool{false, true}, whyNot: "MIG is on", memory: 81920, free: 81000, sm: 80, power: 400},
		{file: "comma_locale.csv", usable: []bool{true}, memory: 23034, free: 22500, sm: 89, power: 72},
		{file: "no_driver.txt", warnings: 1},
		{file: "no_devices.txt", warnings: 1},
	} {
		t.Run(tt.file, func(t *testing.T) {
			asked := tt.asked
			if asked == nil {
				asked = fields
			}
			devices, warnings := parseDevices(recorded(t, tt.file), asked)
			if len(devices) != len(tt.usable) || len(warnings) != tt.warnings {
				t.Fatalf("%d devices, %d warnings %q", len(devices), len(warnings), warnings)
			}
			why := ""
			for i, d := range devices {
				if d.Usable != tt.usable[i] || d.Usable != (d.WhyNot == "") || d.Index != i {
					t.Errorf("device %d: index %d, usable %v, why not %q", i, d.Index, d.Usable, d.WhyNot)
				}
				if why == "" {
					why = d.WhyNot
				}
			}
			if !strings.Contains(why, tt.whyNot) {
				t.Errorf("why not: %q, want ...%q...", why, tt.whyNot)
			}
			if len(devices) == 0 {
				return
			}
			d := devices[0]
			free := tt.free << 20
			if tt.free < 0 {
				free = -1
			}
			if d.MemoryBytes != tt.memory<<20 || d.FreeBytes != free || d.SM() != tt.sm || d.PowerLimitWatts != tt.power {
				t.Errorf("memory %d, free %d, SM %d, power %v", d.MemoryBytes>>20, d.FreeBytes>>20, d.SM(), d.PowerLimitWatts)
			}
		})
	}
}

func TestSM(t *testing.T) {
	for in, want := range map[string]int{"9.0": 90, "8.6": 86, "12.1": 121, "": 0, "9": 0, "x.y": 0, "-1.0": 0, "9.10": 0} {
		if got := (Device{ComputeCapability: in}).SM(); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
	for in, want := range map[string]bool{"NVIDIA A100-SXM4-80GB": true, "a100": true, "NVIDIA A10": false, "NVIDIA H100 PCIe": false, "": false} {
		if got := (Device{Name: in}).IsA100(); got != want {
			t.Errorf("%q: A100 %v", in, got)
		}
	}
}

func TestWithoutUnknown(t *testing.T) {
	asked := []string{"index", "uuid", "name", "memory.total", "compute_cap", "power.limit"}
	rest, ok := withoutUnknown(asked, mustHave, `Field "compute_cap" is not a valid field to query.`+"\n\n")
	if want := []string{"index", "uuid", "name", "memory.total", "power.limit"}; !ok || !slices.Equal(rest, want) {
		t.Errorf("%v %v", rest, ok)
	}
	if asked[4] != "compute_cap" {
		t.Error("the fields asked for were changed")
	}
	for _, out := range []string{"", "No devices were found", `Field "uuid" is not a valid field to query.`, `Field "x" is not a valid field to query.`} {
		if rest, ok := withoutUnknown(asked, mustHave, out); ok {
			t.Errorf("%q: %v", out, rest)
		}
	}
}

func TestReasons(t *testing.T) {
	for file, want := range map[string]string{
		"no_driver.txt": "driver is not loaded", "mismatch.txt": "different versions", "no_devices.txt": "finds no GPU", "permission.txt": "/dev/nvidiactl",
	} {
		if got := reasonOf(sourceSMI, recorded(t, file)); !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want ...%q...", file, got, want)
		}
	}
	if got := reasonOf(sourceSMI, " \n"); got == "" {
		t.Error("no reason where nvidia-smi says nothing")
	}
}

func TestInstances(t *testing.T) {
	devices, _ := parseDevices(recorded(t, "mig.csv"), fields)
	addInstances(devices, recorded(t, "mig_L.txt"))
	want := []MIG{{UUID: "MIG-feb88891-0000-0000-0000-000000000000", Profile: "3g.40gb"}, {UUID: "MIG-a25704ba-0000-0000-0000-000000000000", Profile: "1g.10gb+me"}}
	if !slices.Equal(devices[0].Instances, want) || devices[1].Instances != nil {
		t.Errorf("%v and %v", devices[0].Instances, devices[1].Instances)
	}
}

func TestLinks(t *testing.T) {
	links := parseLinks(recorded(t, "topo_eight.txt"))
	if len(links) != 28 {
		t.Fatalf("%d links for 8 GPUs, want 28", len(links))
	}
	seen := map[Link]bool{}
	for _, l := range links {
		if l.A >= l.B || l.Type != "NV12" || seen[l] {
			t.Errorf("%+v", l)
		}
		seen[l] = true
	}
	if got := parseLinks(recorded(t, "topo_two.txt")); !slices.Equal(got, []Link{{0, 1, "PHB"}}) {
		t.Errorf("%v", got)
	}
	if got := parseLinks("nonsense\n\tGPU0\tGPU1\nGPU0\tX\t\n\nGPU1\tWHAT\tX\n"); got == nil || len(got) != 0 {
		t.Errorf("%v, want none, and not nil", got)
	}
}

func TestHide(t *testing.T) {
	for _, tt := range []struct {
		value    string
		want     []int // usable
		warnings int
	}{
		{"0,1,2,3,4,5,6,7", []int{0, 1, 2, 3, 4, 5, 6, 7}, 0},
		{"2", []int{2}, 0},
		{" 5 , 1", []int{1, 5}, 0},
		{"", nil, 0},
		{"-1", nil, 0},
		{"NoDevFiles", nil, 0},
		{"1,-1,2", []int{1}, 0},
		{"1,8,2", []int{1}, 1},
		{"x", nil, 1},
		{"1,1", nil, 1},
		{"GPU-3", []int{3}, 0},
		{"GPU-30000000-aaaa-bbbb-cccc-000000000003,0", []int{0, 3}, 0},
		{"GPU-", nil, 1},
		{"GPU-f", nil, 1},
		{"MIG-1", nil, 1},
	} {
		devices, _ := parseDevices(recorded(t, "eight_a100.csv"), fields)
		warnings := hide(devices, tt.value)
		var got []int
		for _, d := range devices {
			if d.Usable {
				got = append(got, d.Index)
			} else if want := "hidden by CUDA_VISIBLE_DEVICES=" + tt.value; d.WhyNot != want {
				t.Errorf("%q: device %d: why not %q", tt.value, d.Index, d.WhyNot)
			}
		}
		if !slices.Equal(got, tt.want) || len(warnings) != tt.warnings {
			t.Errorf("%q: usable %v, warnings %q; want %v, %d", tt.value, got, warnings, tt.want, tt.warnings)
		}
	}
}

// A device that is not usable for a reason of its own keeps that reason.
func TestHideKeepsReasons(t *testing.T) {
	devices, _ := parseDevices(recorded(t, "mig.csv"), fields)
	addInstances(devices, recorded(t, "mig_L.txt"))
	if w := hide(devices, "MIG-a25704ba-0000-0000-0000-000000000000"); len(w) != 1 || !strings.Contains(w[0], "is an instance of GPU 0; servers are placed on whole GPUs only") {
		t.Errorf("warnings %q", w)
	}
	if !strings.HasPrefix(devices[0].WhyNot, "MIG is on") || !strings.HasPrefix(devices[1].WhyNot, "hidden") {
		t.Errorf("%q and %q", devices[0].WhyNot, devices[1].WhyNot)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no testdata")
	}
	for _, name := range files {
		f.Add(recorded(f, filepath.Base(name)), "0,GPU-1")
	}
	f.Fuzz(func(t *testing.T, out, visible string) {
		devices, _ := parseDevices(out, fields)
		addInstances(devices, out)
		hide(devices, visible)
		for _, d := range devices {
			if d.Usable != (d.WhyNot == "") || d.MemoryBytes < 0 || d.FreeBytes < -1 || d.Index < 0 || d.PowerLimitWatts < 0 {
				t.Errorf("%+v", d)
			}
		}
		for _, l := range parseLinks(out) {
			if l.A < 0 || l.A >= l.B || l.Type == "" {
				t.Errorf("%+v", l)
			}
		}
		if r := reasonOf(sourceSMI, out); r == "" || strings.Contains(r, "\n") {
			t.Errorf("reason %q", r)
		}
		withoutUnknown(fields, mustHave, out)
	})
}
