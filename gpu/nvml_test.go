//go:build cgo && linux

package gpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// dgx is go-nvml's mock of a DGX H100, with what the mock leaves out: the state of its
// devices, and their 18 links each to the switches. calls counts the calls to devices.
func dgx(calls *int) *server.Server {
	s := dgxh100.New()
	s.EventSetCreateFunc = func() (nvml.EventSet, nvml.Return) { return quiet(), nvml.SUCCESS }
	for i, d := range s.Devices {
		equip(d.(*server.Device), i, calls)
	}
	return s
}

func quiet() *mock.EventSet {
	return &mock.EventSet{WaitFunc: func(uint32) (nvml.EventData, nvml.Return) { return nvml.EventData{}, nvml.ERROR_TIMEOUT },
		FreeFunc: func() nvml.Return { return nvml.SUCCESS }}
}

func equip(d *server.Device, i int, calls *int) {
	one := func(v uint32) func() (uint32, nvml.Return) {
		return func() (uint32, nvml.Return) { *calls++; return v, nvml.SUCCESS }
	}
	number := func(v int) func() (int, nvml.Return) {
		return func() (int, nvml.Return) { return v, nvml.SUCCESS }
	}
	d.MemoryInfo.Used, d.MemoryInfo.Free = 600<<20, d.MemoryInfo.Total-600<<20
	d.GetPciInfoFunc = func() (nvml.PciInfo, nvml.Return) {
		p := nvml.PciInfo{Domain: 0, Bus: uint32(0x10 + i)}
		for k, c := range []byte(fmt.Sprintf("00000000:%02X:00.0", 0x10+i)) {
			p.BusId[k] = int8(c)
		}
		return p, nvml.SUCCESS
	}
	d.GetMaxPcieLinkGenerationFunc, d.GetMaxPcieLinkWidthFunc = number(5), number(16)
	d.GetEnforcedPowerLimitFunc, d.GetPowerUsageFunc = one(700_000), one(70_000)
	d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { *calls++; return 31, nvml.SUCCESS }
	d.GetClockInfoFunc = func(c nvml.ClockType) (uint32, nvml.Return) { *calls++; return 345, nvml.SUCCESS }
	d.GetMaxClockInfoFunc = func(c nvml.ClockType) (uint32, nvml.Return) {
		return map[nvml.ClockType]uint32{nvml.CLOCK_SM: 1980, nvml.CLOCK_MEM: 2619}[c], nvml.SUCCESS
	}
	d.GetPersistenceModeFunc = func() (nvml.EnableState, nvml.Return) { return nvml.FEATURE_ENABLED, nvml.SUCCESS }
	d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
		return nvml.FEATURE_ENABLED, nvml.FEATURE_ENABLED, nvml.SUCCESS
	}
	none := func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS }
	d.GetComputeRunningProcessesFunc, d.GetGraphicsRunningProcessesFunc = none, none
	d.GetNvLinkStateFunc = func(link int) (nvml.EnableState, nvml.Return) {
		if link < 18 {
			return nvml.FEATURE_ENABLED, nvml.SUCCESS
		}
		return nvml.FEATURE_DISABLED, nvml.ERROR_INVALID_ARGUMENT
	}
	d.GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
		return nvml.NVLINK_DEVICE_TYPE_SWITCH, nvml.SUCCESS
	}
	d.RegisterEventsFunc = func(uint64, nvml.EventSet) nvml.Return { return nvml.SUCCESS }
	d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
		*calls += 2 // and the memory's, which the mock answers itself
		return nvml.Utilization{Gpu: 40, Memory: 20}, nvml.SUCCESS
	}
	d.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) { *calls++; return 0x4, nvml.SUCCESS }
	d.GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) {
		*calls++
		return 0, nvml.SUCCESS
	}
	born := time.Now()
	d.GetFieldValuesFunc = func(values []nvml.FieldValue) nvml.Return {
		*calls++
		for k := range values {
			v := &values[k]
			switch v.FieldId {
			case nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION:
				v.ValueType, v.NvmlReturn = uint32(nvml.VALUE_TYPE_UNSIGNED_LONG_LONG), uint32(nvml.SUCCESS)
				binary.NativeEndian.PutUint64(v.Value[:], uint64(70*time.Since(born).Milliseconds()))
			case nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX:
				v.ValueType, v.NvmlReturn = uint32(nvml.VALUE_TYPE_UNSIGNED_LONG_LONG), uint32(nvml.SUCCESS)
				if v.ScopeId != allLinks {
					v.NvmlReturn = uint32(nvml.ERROR_INVALID_ARGUMENT)
				}
				binary.NativeEndian.PutUint64(v.Value[:], 3)
			default: // of a driver that has no instant power, and counts no bytes on the bus
				v.NvmlReturn = uint32(nvml.ERROR_NOT_SUPPORTED)
			}
		}
		return nvml.SUCCESS
	}
}

func mockDevice(s *server.Server, i int) *server.Device { return s.Devices[i].(*server.Device) }

func TestListNVML(t *testing.T) {
	var calls int
	s := dgx(&calls)
	busy := func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 1 << 30, UsedGpuMemory: 5 << 30}, {Pid: 1<<30 + 1, UsedGpuMemory: ^uint64(0)}}, nvml.SUCCESS
	}
	mockDevice(s, 2).GetComputeRunningProcessesFunc = busy
	mockDevice(s, 3).GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{}, nvml.ERROR_GPU_IS_LOST }
	inv, reason, ok := listNVML(s, fstest.MapFS{"sys/bus/pci/devices/0000:14:00.0/numa_node": {Data: []byte("1\n")}})
	if !ok || reason != "" || len(inv.Devices) != 8 || inv.Driver != "550.54.15" || inv.Source != "nvml" {
		t.Fatalf("%v %q %+v", ok, reason, inv)
	}
	d := inv.Devices[4]
	want := Device{Index: 4, UUID: d.UUID, Name: "NVIDIA H100 80GB HBM3", MemoryBytes: d.MemoryBytes, FreeBytes: d.MemoryBytes - 600<<20, ComputeCapability: "9.0",
		DriverVersion: "550.54.15", PCIBusID: "00000000:14:00.0", NUMANode: 1, PowerLimitWatts: 700, TemperatureC: 31, SMClockMHz: 345, MaxSMClockMHz: 1980, MaxMemoryClockMHz: 2619,
		PCIeGeneration: 5, PCIeWidth: 16, Persistence: true, ECC: true, Usable: true}
	if diff := cmpDiff(want, d); diff != "" || d.MemoryBytes < 79<<30 || !strings.HasPrefix(d.UUID, "GPU-") {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(inv.Links) != 28 || inv.Links[0] != (Link{0, 1, "NV18"}) {
		t.Errorf("links %v", inv.Links)
	}
	if ps := inv.Devices[2].Processes; len(ps) != 2 || ps[0].MemoryBytes != 5<<30 || ps[1].MemoryBytes != -1 {
		t.Errorf("processes %+v", ps)
	}
	if lost := inv.Devices[3]; lost.Usable || !strings.Contains(lost.WhyNot, "fallen off the bus") {
		t.Errorf("%+v", lost)
	}
}

func TestListNVMLInstances(t *testing.T) {
	var calls int
	s := dgx(&calls)
	d := mockDevice(s, 0)
	d.MigMode = nvml.DEVICE_MIG_ENABLE
	d.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 7, nvml.SUCCESS }
	d.GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i != 1 {
			return nil, nvml.ERROR_NOT_FOUND
		}
		return &mock.Device{
			GetNameFunc:       func() (string, nvml.Return) { return "NVIDIA H100 80GB HBM3 MIG 3g.40gb", nvml.SUCCESS },
			GetUUIDFunc:       func() (string, nvml.Return) { return "MIG-1", nvml.SUCCESS },
			GetMemoryInfoFunc: func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 40 << 30}, nvml.SUCCESS },
		}, nvml.SUCCESS
	}
	inv, _, _ := listNVML(s, fstest.MapFS{})
	if got := inv.Devices[0]; got.Usable || !got.MIG || len(got.Instances) != 1 || got.Instances[0] != (MIG{"MIG-1", "3g.40gb", 40 << 30}) {
		t.Errorf("%+v", got)
	}
	if !inv.Devices[1].Usable {
		t.Error(inv.Devices[1].WhyNot)
	}
}

func TestListNVMLNone(t *testing.T) {
	for ret, want := range map[nvml.Return]string{nvml.ERROR_LIBRARY_NOT_FOUND: "", nvml.ERROR_DRIVER_NOT_LOADED: "driver is not loaded",
		nvml.ERROR_LIB_RM_VERSION_MISMATCH: "different versions", nvml.ERROR_NO_PERMISSION: "/dev/nvidiactl", nvml.ERROR_UNKNOWN: "NVML error 999"} {
		var calls int
		s := dgx(&calls)
		s.InitFunc = func() nvml.Return { return ret }
		if _, reason, ok := listNVML(s, fstest.MapFS{}); ok || !strings.Contains(reason, want) || (want == "") != (reason == "") {
			t.Errorf("%d: %q", ret, reason)
		}
	}
	var calls int
	s := dgx(&calls)
	s.Devices = nil
	if _, reason, ok := listNVML(s, fstest.MapFS{}); ok || !strings.Contains(reason, "finds no GPU") {
		t.Error(reason)
	}
}

// Bridged pairs and PCIe: no switch.
func TestNVMLPeers(t *testing.T) {
	var calls int
	s := dgx(&calls)
	for i := range s.Devices {
		d := mockDevice(s, i)
		d.GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) { return nvml.NVLINK_DEVICE_TYPE_GPU, nvml.SUCCESS }
		d.GetNvLinkStateFunc = func(link int) (nvml.EnableState, nvml.Return) {
			if link < 12 {
				return nvml.FEATURE_ENABLED, nvml.SUCCESS
			}
			return nvml.FEATURE_DISABLED, nvml.ERROR_NOT_SUPPORTED
		}
		d.GetNvLinkRemotePciInfoFunc = func(int) (nvml.PciInfo, nvml.Return) { return nvml.PciInfo{Bus: uint32(0x10 + i ^ 1)}, nvml.SUCCESS }
		d.GetTopologyCommonAncestorFunc = func(nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) { return nvml.TOPOLOGY_NODE, nvml.SUCCESS }
	}
	kinds := map[string]int{}
	for _, l := range nvmlLinks(s.Devices) {
		kinds[l.Type]++
		if (l.Type == "NV12") != (l.A^1 == l.B) {
			t.Errorf("%+v", l)
		}
	}
	if kinds["NV12"] != 4 || kinds["NODE"] != 24 {
		t.Errorf("%v", kinds)
	}
}

func openMock(t testing.TB, s *server.Server, n int) (Source, []Reading) {
	t.Helper()
	var uuids []string
	for i := range n {
		uuids = append(uuids, mockDevice(s, i).UUID)
	}
	source, err := openNVML(s, uuids)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	readings := make([]Reading, n)
	for i := range readings {
		readings[i] = unread(uuids[i])
	}
	return source, readings
}

func TestReadNVML(t *testing.T) {
	var calls int
	s := dgx(&calls)
	mockDevice(s, 1).GetTotalEccErrorsFunc = func(nvml.MemoryErrorType, nvml.EccCounterType) (uint64, nvml.Return) {
		return 7, nvml.ERROR_NO_PERMISSION
	}
	source, rs := openMock(t, s, 2)
	if err := source.Read(rs); err != nil {
		t.Fatal(err)
	}
	v := rs[0].Values
	for m, want := range map[Metric]float64{Power: 70, Utilization: 0.4, MemoryUtilization: 0.2, MemoryUsed: 600 << 20, SMClock: 345, MemoryClock: 345, Temperature: 31, Throttle: 4, NVLinkTx: 3072, ECCUncorrected: 0} {
		if v[m] != want {
			t.Errorf("%s is %v, want %v", m, v[m], want)
		}
	}
	for _, m := range []Metric{PCIeTx, NVLinkRx, Xid} {
		if !math.IsNaN(v[m]) {
			t.Errorf("%s is %v, and the driver does not say it", m, v[m])
		}
	}
	if math.IsNaN(v[Energy]) || !math.IsNaN(rs[1].Values[ECCUncorrected]) {
		t.Errorf("energy %v; errors that may not be seen: %v", v[Energy], rs[1].Values[ECCUncorrected])
	}
	if ps, err := source.Processes(t.Context()); err != nil || len(ps) != 2 {
		t.Errorf("%v %v", ps, err)
	}
	if _, err := openNVML(s, []string{"GPU-none"}); err == nil || !strings.Contains(err.Error(), "GPU-none") {
		t.Errorf("%v", err)
	}
}

// A device that falls off the bus does not take the others' readings with it.
func TestReadNVMLFaults(t *testing.T) {
	var calls int
	s := dgx(&calls)
	events := []nvml.EventData{
		{Device: mockDevice(s, 1), EventType: nvml.EventTypeXidCriticalError, EventData: 31},
		{Device: mockDevice(s, 1), EventType: nvml.EventTypeXidCriticalError, EventData: 79},
		{Device: mockDevice(s, 1), EventType: nvml.EventTypeXidCriticalError, EventData: 45},
	}
	s.EventSetCreateFunc = func() (nvml.EventSet, nvml.Return) {
		set := quiet()
		set.WaitFunc = func(uint32) (nvml.EventData, nvml.Return) {
			if len(events) == 0 {
				return nvml.EventData{}, nvml.ERROR_TIMEOUT
			}
			e := events[0]
			events = events[1:]
			return e, nvml.SUCCESS
		}
		return set, nvml.SUCCESS
	}
	source, rs := openMock(t, s, 3)
	mockDevice(s, 0).GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{}, nvml.ERROR_GPU_IS_LOST }
	err := source.Read(rs)
	var lost *LostError
	if !asError(err, &lost) || lost.Device != rs[0].Device {
		t.Errorf("%v", err)
	}
	if rs[1].Values[Xid] != 79 || rs[2].Values[MemoryUsed] != 600<<20 {
		t.Errorf("Xid %v, memory %v", rs[1].Values[Xid], rs[2].Values[MemoryUsed])
	}
	if err := xidFault(&rs[1]); err == nil || !strings.Contains(err.Error(), "Xid 79 on GPU GPU-") || !strings.Contains(err.Error(), "fallen off the bus") {
		t.Errorf("%v", err)
	}
}

// BenchmarkReadEight is one reading of eight devices; calls/op are those to the driver,
// whose own time the mock does not have.
func BenchmarkReadEight(b *testing.B) {
	var calls int
	source, rs := openMock(b, dgx(&calls), 8)
	calls = 0
	b.ReportAllocs()
	for b.Loop() {
		for i := range rs {
			rs[i] = unread(rs[i].Device)
		}
		if err := source.Read(rs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
	runtime.KeepAlive(rs)
}

// callCost is what a call into the driver takes of a core in BenchmarkMeterEight: an
// assumption, for a system call that copies some counters.
const callCost = 5 * time.Microsecond

// costly takes as long for its calls as a driver does.
type costly struct {
	Source
	calls *int
}

func (c costly) Read(into []Reading) error {
	before := *c.calls
	err := c.Source.Read(into)
	for until := time.Now().Add(time.Duration(*c.calls-before) * callCost); time.Now().Before(until); {
	}
	return err
}

// BenchmarkMeterEight is a meter of eight devices at 10 readings a second, for a second
// each: core-% is what the whole process took of a core meanwhile.
func BenchmarkMeterEight(b *testing.B) {
	var calls int
	inner, _ := openMock(b, dgx(&calls), 8)
	m := StartMeter(b.Context(), costly{inner, &calls}, time.Now(), DefaultRate)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	<-tick.C
	before, began, first := cpuTime(b), time.Now(), calls
	for range b.N {
		<-tick.C
	}
	took := time.Since(began).Seconds()
	b.ReportMetric(100*(cpuTime(b)-before).Seconds()/took, "core-%")
	b.ReportMetric(float64(calls-first)/took, "calls/s")
	m.Stop()
}

// cpuTime is what this process has taken of all cores.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
