//go:build cgo && linux

package gpu

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// asked are the fields that one call to the driver brings, and the metrics that they
// are. Field values do not block, as nvmlDeviceGetPcieThroughput does, which takes 20 ms
// to count (nvml.h).
var asked = []struct {
	field  uint32
	metric Metric
	scale  float64
}{
	{nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION, Energy, 1e-3}, // mJ
	{nvml.FI_DEV_POWER_INSTANT, Power, 1e-3},             // mW
	{nvml.FI_DEV_PCIE_COUNT_TX_BYTES, PCIeTx, 1},
	{nvml.FI_DEV_PCIE_COUNT_RX_BYTES, PCIeRx, 1},
	{nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX, NVLinkTx, 1024}, // KiB
	{nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX, NVLinkRx, 1024},
}

// allLinks as a field's scope asks for the sum over all NVLinks.
const allLinks = math.MaxUint32

// slowEvery is every how many readings that is read which changes rarely, or which the
// driver itself takes no more often: it counts utilisation over a sixth of a second to a
// second (nvml.h, nvmlDeviceGetUtilizationRates).
const slowEvery = 5

// nvmlSource reads devices through the driver's library.
type nvmlSource struct {
	lib     nvml.Interface
	uuids   []string
	handles []nvml.Device
	fields  [][]nvml.FieldValue // by device: those that it has
	events  nvml.EventSet       // nil: the driver tells of none
	reads   int
}

// openNVML opens devices for reading.
func openNVML(lib nvml.Interface, uuids []string) (Source, error) {
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return nil, errors.New(nvmlReason(ret))
	}
	s := &nvmlSource{lib: lib, uuids: uuids}
	set, ret := lib.EventSetCreate()
	if ret == nvml.SUCCESS {
		s.events = set
	}
	for _, uuid := range uuids {
		h, ret := lib.DeviceGetHandleByUUID(uuid)
		if ret != nvml.SUCCESS {
			s.Close()
			return nil, fmt.Errorf("GPU %s cannot be read: %s", uuid, nvmlText(ret))
		}
		s.handles = append(s.handles, h)
		s.fields = append(s.fields, fieldsOf(h))
		if s.events != nil {
			// What it does not support, or does not allow, is not told of.
			_ = h.RegisterEvents(nvml.EventTypeXidCriticalError, s.events)
		}
	}
	return s, nil
}

// fieldsOf are the fields that a device answers. A field that is not supported costs
// as much as another.
func fieldsOf(h nvml.Device) []nvml.FieldValue {
	values := make([]nvml.FieldValue, len(asked))
	for i, a := range asked {
		values[i].FieldId = a.field
		if a.metric == NVLinkTx || a.metric == NVLinkRx {
			values[i].ScopeId = allLinks
		}
	}
	if h.GetFieldValues(values) != nvml.SUCCESS {
		return nil
	}
	var known []nvml.FieldValue
	for _, v := range values {
		if nvml.Return(v.NvmlReturn) == nvml.SUCCESS {
			known = append(known, v)
		}
	}
	return known
}

func (s *nvmlSource) Devices() []string { return s.uuids }

func (s *nvmlSource) Read(into []Reading) error {
	var first error
	for i, h := range s.handles {
		if err := s.readDevice(h, s.fields[i], &into[i]); err != nil && first == nil {
			first = err
		}
	}
	s.readEvents(into)
	s.reads++
	return first
}

func (s *nvmlSource) readDevice(h nvml.Device, fields []nvml.FieldValue, into *Reading) error {
	v := &into.Values
	if len(fields) > 0 && h.GetFieldValues(fields) == nvml.SUCCESS {
		for _, f := range fields {
			fillField(v, f)
		}
	}
	if math.IsNaN(v[Power]) {
		v[Power] = told(h.GetPowerUsage()) * 1e-3
	}
	v[SMClock] = told(h.GetClockInfo(nvml.CLOCK_SM))
	bits, ret := h.GetCurrentClocksThrottleReasons() // the older of two names: all drivers have it
	v[Throttle] = told(bits, ret)
	if s.reads%slowEvery == 0 {
		ret = readSlow(h, v)
	}
	if isLost(ret) {
		return &LostError{into.Device, nvmlText(ret)}
	}
	return nil
}

// readSlow reads what changes rarely. It returns how the device answered.
func readSlow(h nvml.Device, v *[metrics]float64) nvml.Return {
	if use, ret := h.GetUtilizationRates(); ret == nvml.SUCCESS {
		v[Utilization], v[MemoryUtilization] = float64(use.Gpu)/100, float64(use.Memory)/100
	}
	memory, ret := h.GetMemoryInfo()
	if ret == nvml.SUCCESS {
		v[MemoryUsed] = float64(memory.Used)
	}
	v[MemoryClock] = told(h.GetClockInfo(nvml.CLOCK_MEM))
	v[Temperature] = told(h.GetTemperature(nvml.TEMPERATURE_GPU))
	v[ECCUncorrected] = told(h.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC))
	v[ECCCorrected] = told(h.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.VOLATILE_ECC))
	return ret
}

// told is a value of NVML, or NaN where it is not told.
func told[T uint32 | uint64](value T, ret nvml.Return) float64 {
	if ret != nvml.SUCCESS {
		return math.NaN()
	}
	return float64(value)
}

func fillField(v *[metrics]float64, f nvml.FieldValue) {
	if nvml.Return(f.NvmlReturn) != nvml.SUCCESS {
		return
	}
	for _, a := range asked {
		if a.field == f.FieldId {
			v[a.metric] = fieldNumber(f) * a.scale
		}
	}
}

// fieldNumber is a field's value; its type differs between drivers.
func fieldNumber(f nvml.FieldValue) float64 {
	bits := binary.NativeEndian.Uint64(f.Value[:])
	switch nvml.ValueType(f.ValueType) {
	case nvml.VALUE_TYPE_DOUBLE:
		return math.Float64frombits(bits)
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return float64(binary.NativeEndian.Uint32(f.Value[:4]))
	case nvml.VALUE_TYPE_SIGNED_INT:
		return float64(int32(binary.NativeEndian.Uint32(f.Value[:4])))
	}
	return float64(bits) // unsigned long (long), and the signed one, of which none is negative
}

// readEvents takes the errors that came since the last reading, without waiting.
func (s *nvmlSource) readEvents(into []Reading) {
	const most = 16 // in one reading: a device in trouble may say the same without end
	for range most {
		if s.events == nil {
			return
		}
		e, ret := s.events.Wait(0)
		if ret != nvml.SUCCESS {
			return // a timeout: there is none
		}
		uuid := answer(e.Device.GetUUID())
		for i := range into {
			if into[i].Device == uuid && e.EventType == nvml.EventTypeXidCriticalError && weightier(uuid, e.EventData, into[i]) {
				into[i].Values[Xid] = float64(e.EventData)
			}
		}
	}
}

// weightier reports whether an error is to be kept for a reading: the first, unless one
// of the device itself follows one of a program.
func weightier(uuid string, code uint64, r Reading) bool {
	next := unread(uuid)
	next.Values[Xid] = float64(code)
	return math.IsNaN(r.Values[Xid]) || xidFault(&r) == nil && xidFault(&next) != nil
}

// Processes implements Source.
func (s *nvmlSource) Processes(context.Context) (map[string][]Process, error) {
	out := map[string][]Process{}
	for i, h := range s.handles {
		out[s.uuids[i]] = nvmlProcesses(h)
	}
	return out, nil
}

func (s *nvmlSource) Close() {
	if s.events != nil {
		s.events.Free()
	}
	s.lib.Shutdown()
}
