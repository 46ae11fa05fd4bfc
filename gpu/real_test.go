//go:build cgo && linux

package gpu

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"golang.org/x/sys/unix"
)

var recordIn = flag.String("record", "", "folder for what nvidia-smi says of this machine, for testdata (TestRealGPU)")

// TestRealGPU holds what is read of this machine's NVIDIA GPUs against nvidia-smi and
// against physics. It is skipped where there is none. scripts/check-gpu runs it.
func TestRealGPU(t *testing.T) {
	lib, root := nvml.New(), os.DirFS("/")
	began := time.Now()
	inv, reason, ok := listNVML(lib, root)
	if !ok {
		t.Skip("no NVIDIA GPU: " + cmp.Or(reason, "the driver's library is not there"))
	}
	t.Logf("%d GPUs, listed in %.2f s (at most 1 s is good)", len(inv.Devices), time.Since(began).Seconds())
	checkReal(t, lib, root, inv, 5*time.Second)
}

// The check itself, on mock devices and a nvidia-smi that says the same of them.
func TestRealGPUOnMocks(t *testing.T) {
	var calls int
	lib := dgx(&calls)
	inv, _, _ := listNVML(lib, fstest.MapFS{})
	fake(t, smiOf(inv))
	*recordIn = t.TempDir()
	defer func() { *recordIn = "" }()
	checkReal(t, lib, fstest.MapFS{}, inv, 300*time.Millisecond)
	text, err := os.ReadFile(filepath.Join(*recordIn, "query.csv"))
	if devices, _ := parseDevices(string(text), fields); err != nil || len(devices) != 8 || !strings.HasSuffix(devices[7].UUID, "-0000-0000-0000-000000000007") {
		t.Errorf("recorded: %s, %v", text, err)
	}
}

// It sees what it is made to see.
func TestRealGPUDifferences(t *testing.T) {
	var calls int
	inv, _, _ := listNVML(dgx(&calls), fstest.MapFS{})
	other := inv
	other.Devices = slices.Clone(inv.Devices)
	other.Devices[3].ECC, other.Links = false, inv.Links[1:]
	if same, diff := inventoryDiff(inv, inv), inventoryDiff(inv, other); same != "" || !strings.Contains(diff, "ECC") || !strings.Contains(diff, "Links") {
		t.Errorf("%q, %q", same, diff)
	}
	a, b := unread("a"), unread("a")
	a.Values[Power], b.Values[Power] = 100, 160
	a.Values[Temperature], b.Values[Temperature] = 40, 42
	if got := readingDiff(a, b); len(got) != 1 || !strings.Contains(got[0], "power_w of a: 100 by the library, 160 by nvidia-smi") {
		t.Errorf("%q", got)
	}
}

func checkReal(t *testing.T, lib nvml.Interface, root fs.FS, inv Inventory, span time.Duration) {
	usable := inv.Usable()
	if len(usable) == 0 {
		t.Fatalf("none of %d GPUs can be used: %v", len(inv.Devices), inv.Need(1))
	}
	t.Run("nvidia-smi lists the same", func(t *testing.T) {
		bySMI, err := listSMI(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		if diff := inventoryDiff(inv, bySMI); diff != "" {
			t.Errorf("-library +nvidia-smi\n%s", diff)
		}
	})
	t.Run("nvidia-smi reads the same", func(t *testing.T) { checkReadings(t, lib, usable) })
	t.Run("energy is power over time", func(t *testing.T) { checkEnergy(t, lib, usable, span) })
	t.Run("leases", func(t *testing.T) {
		dir := t.TempDir()
		p, err := NewPool(dir, inv, CPUs{})
		if err != nil {
			t.Fatal(err)
		}
		all := take(t, p, Want{Devices: len(usable)})
		defer all.Release()
		if held := Holders(t.Context(), dir, usable); len(held) != len(usable) || !Own(held[usable[0].UUID]) {
			t.Errorf("held: %v", held)
		}
	})
	t.Run("recording", func(t *testing.T) {
		if *recordIn == "" {
			t.Skip("-record names no folder")
		}
		record(t, *recordIn, usable)
	})
}

// inventoryDiff compares what does not change from one look to the next.
func inventoryDiff(a, b Inventory) string {
	steady := func(v Inventory) Inventory {
		v.Devices = slices.Clone(v.Devices)
		for i := range v.Devices {
			d := &v.Devices[i]
			d.FreeBytes, d.TemperatureC, d.SMClockMHz, d.Processes = 0, 0, 0, nil
			d.MemoryBytes, d.PCIBusID = d.MemoryBytes>>20<<20, strings.ToUpper(d.PCIBusID) // nvidia-smi tells whole MiB
			d.PowerLimitWatts = math.Round(d.PowerLimitWatts)
			for k := range d.Instances {
				d.Instances[k].MemoryBytes = 0 // the library alone tells
			}
		}
		v.Source, v.Warnings, v.Links = "", nil, slices.Clone(v.Links)
		slices.SortFunc(v.Links, func(a, b Link) int { return cmp.Or(a.A-b.A, a.B-b.B) })
		return v
	}
	return cmpDiff(steady(a), steady(b))
}

// tolerance is by how much a metric may differ between two readings within a second or
// two of an idle GPU: absolute, or as a share of the larger.
var tolerance = map[Metric]struct{ absolute, share float64 }{
	Power: {15, 0.25}, MemoryUsed: {600 << 20, 0}, // the library's older call counts what the driver reserves as used
	Temperature: {5, 0}, SMClock: {100, 0.5}, MemoryClock: {10, 0.05}, ECCUncorrected: {0, 0},
}

func readingDiff(a, b Reading) []string {
	var list []string
	for m := range metrics {
		allowed, compared := tolerance[m]
		x, y := a.Values[m], b.Values[m]
		if compared && math.Abs(x-y) > max(allowed.absolute, allowed.share*max(x, y)) { // NaN is not
			list = append(list, fmt.Sprintf("%s of %s: %v by the library, %v by nvidia-smi", m, a.Device, x, y))
		}
	}
	return list
}

func checkReadings(t *testing.T, lib nvml.Interface, devices []Device) {
	read := func(s Source, err error) []Reading {
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		rs := make([]Reading, len(devices))
		for i, d := range devices {
			rs[i] = unread(d.UUID)
		}
		if err := s.Read(rs); err != nil {
			t.Error(err)
		}
		return rs
	}
	library := read(openNVML(lib, uuidsOf(devices)))
	bySMI := read(openSMI(devices))
	for i := range devices {
		for _, diff := range readingDiff(library[i], bySMI[i]) {
			t.Error(diff)
		}
		var unsaid []string
		for m := range metrics {
			if math.IsNaN(library[i].Values[m]) && m != Xid {
				unsaid = append(unsaid, m.String())
			}
		}
		t.Logf("GPU %d: %.0f W, %.0f °C, %.0f MiB in use; not told by the driver: %s", devices[i].Index, library[i].Values[Power], library[i].Values[Temperature],
			library[i].Values[MemoryUsed]/(1<<20), cmp.Or(strings.Join(unsaid, ", "), "nothing"))
	}
}

// checkEnergy reads all devices as a trial does, and tells what that costs.
func checkEnergy(t *testing.T, lib nvml.Interface, devices []Device, span time.Duration) {
	source, err := openNVML(lib, uuidsOf(devices))
	if err != nil {
		t.Fatal(err)
	}
	var before, after unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &before)
	born := time.Now()
	m := StartMeter(t.Context(), source, born, DefaultRate)
	<-time.After(span)
	m.ReadNow()
	took := time.Since(born)
	readings := m.Stop()
	_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	t.Logf("10 readings a second of %d GPUs took %.2f %% of a core over %.1f s (at most 0.5 %% is good)", len(devices), 100*cpu.Seconds()/took.Seconds(), took.Seconds())
	if err := m.Fault(); err != nil {
		t.Error(err)
	}
	counted := UsageOf(readings, 0, took.Nanoseconds())
	for i := range readings {
		readings[i].Values[Energy] = math.NaN()
	}
	summed := UsageOf(readings, 0, took.Nanoseconds())
	t.Logf("energy: %.1f J by %s, %.1f J by power over time", counted.EnergyJ, counted.EnergySource, summed.EnergyJ)
	switch off := math.Abs(counted.EnergyJ/summed.EnergyJ - 1); {
	case math.IsNaN(off):
		t.Errorf("power is not told: %+v", summed)
	case counted.EnergySource == "counter" && off > 0.1:
		t.Errorf("the counter and the integral of power differ by %.0f %%", 100*off)
	}
}

var longUUID = regexp.MustCompile(`\b(GPU|MIG)-([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// record writes what nvidia-smi answers to what is asked of it, the UUIDs replaced by
// numbers.
func record(t *testing.T, dir string, devices []Device) {
	known := map[string]string{}
	nameless := func(text string) string {
		return longUUID.ReplaceAllStringFunc(text, func(uuid string) string {
			if known[uuid] == "" {
				known[uuid] = fmt.Sprintf("%s-%08d-0000-0000-0000-%012d", uuid[:3], len(known), len(known))
			}
			return known[uuid]
		})
	}
	var asks []string
	for _, m := range smiMetrics {
		asks = append(asks, m.field)
	}
	for _, ask := range []struct {
		file string
		args []string
	}{
		{"query.csv", []string{"--query-gpu=" + strings.Join(fields, ","), "--format=csv,noheader,nounits"}},
		{"reading.csv", []string{"-i", strings.Join(uuidsOf(devices), ","), "--query-gpu=" + strings.Join(asks, ","), "--format=csv,noheader,nounits"}},
		{"apps.csv", askProcesses}, {"L.txt", []string{"-L"}}, {"topo.txt", []string{"topo", "-m"}},
	} {
		text, err := smi(t.Context(), ask.args...)
		if err != nil {
			t.Logf("%s: %v", ask.file, err) // a recording all the same: this driver says so
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ask.file), []byte(nameless(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// smiOf is a nvidia-smi that says the same as an inventory.
func smiOf(inv Inventory) string {
	word := map[bool]string{true: "Enabled", false: "Disabled"}
	var query, reading, topo strings.Builder
	for i, d := range inv.Devices {
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
		fmt.Fprintln(&query, strings.Join([]string{strconv.Itoa(i), d.UUID, d.Name, strconv.FormatInt(d.MemoryBytes>>20, 10), strconv.FormatInt(d.FreeBytes>>20, 10), d.DriverVersion,
			d.PCIBusID, d.ComputeCapability, number(d.PowerLimitWatts), number(d.TemperatureC), number(d.MaxSMClockMHz), word[d.Persistence], word[d.ECC], word[d.MIG],
			number(d.SMClockMHz), number(d.MaxMemoryClockMHz), strconv.Itoa(d.PCIeGeneration), strconv.Itoa(d.PCIeWidth)}, ", "))
		fmt.Fprintf(&reading, "%s, 71.50, 40, 20, 600, 345, 345, 31, 0x0000000000000004, 0x0000000000000004, 0, 0\n", d.UUID)
		row := []string{fmt.Sprintf("GPU%d", i)}
		for k := range inv.Devices {
			row = append(row, map[bool]string{true: " X ", false: "NV18"}[k == i])
		}
		fmt.Fprintln(&topo, strings.Join(row, "\t"))
	}
	head := ""
	for i := range inv.Devices {
		head += fmt.Sprintf("\tGPU%d", i)
	}
	return "case \"$*\" in\n*compute-apps*) ;;\n*power.draw*) printf '%s' '" + reading.String() + "' ;;\n*--query-gpu*) printf '%s' '" + query.String() +
		"' ;;\n*topo*) printf '%s\\n' '" + head + "' '" + topo.String() + "' ;;\n*) exit 2 ;; esac\n"
}
