package gpu

import (
	"cmp"
	"math"
	"slices"
)

// A Metric is one thing that is read of a device. Its String is the name that samples
// have in their files.
type Metric int

// What is read. Counters only grow, until the driver is loaded anew.
const (
	Power             Metric = iota // W; on Ampere and later a mean over the last second where the driver has no instant value
	Energy                          // J, a counter
	Utilization                     // 0 to 1: share of time in which a kernel ran
	MemoryUtilization               // 0 to 1: share of time in which memory was read or written
	MemoryUsed                      // bytes, of all processes
	SMClock                         // MHz
	MemoryClock                     // MHz
	Temperature                     // Celsius, of the chip
	Throttle                        // NVML's clocks event reasons, a set of bits
	PCIeTx                          // bytes sent by the device, a counter
	PCIeRx                          // bytes, a counter
	NVLinkTx                        // bytes of payload, all links together, a counter
	NVLinkRx                        // bytes, a counter
	ECCUncorrected                  // errors since the driver was loaded, a counter
	ECCCorrected                    // the same
	Xid                             // the driver's number of an error that came since the reading before; rarely there

	metrics // how many
)

var metricNames = [metrics]string{"power_w", "energy_j", "utilization", "memory_utilization", "memory_bytes", "sm_clock_mhz", "memory_clock_mhz",
	"temperature_c", "throttle_reasons", "pcie_tx_bytes", "pcie_rx_bytes", "nvlink_tx_bytes", "nvlink_rx_bytes", "ecc_uncorrected", "ecc_corrected", "xid"}

func (m Metric) String() string { return metricNames[m] }

// A Reading is what one device said at one time.
type Reading struct {
	TimeNS int64            // since the beginning that the reader chose
	Device string           // UUID
	Values [metrics]float64 // by Metric; NaN: not said
}

// Set sets the value of a metric by its name; a name that is none is passed over.
func (r *Reading) Set(metric string, value float64) {
	if m := slices.Index(metricNames[:], metric); m >= 0 {
		r.Values[m] = value
	}
}

// unread is a reading that says nothing yet.
func unread(device string) Reading {
	r := Reading{Device: device}
	for i := range r.Values {
		r.Values[i] = math.NaN()
	}
	return r
}

// A Sample is one value of a reading: the long form that is kept in files.
type Sample struct {
	TimeNS int64
	Device string
	Metric string
	Value  float64
}

// Samples are the readings in the long form, without what was not said.
func Samples(readings []Reading) []Sample {
	var out []Sample
	for _, r := range readings {
		for m, v := range r.Values {
			if !math.IsNaN(v) {
				out = append(out, Sample{r.TimeNS, r.Device, Metric(m).String(), v})
			}
		}
	}
	return out
}

// Readings are what Samples made long, in order of time and device. Metrics that this
// program does not know are passed over.
func Readings(samples []Sample) []Reading {
	type key struct {
		at     int64
		device string
	}
	at := map[key]int{}
	var out []Reading
	for _, s := range samples {
		m := slices.Index(metricNames[:], s.Metric)
		if m < 0 {
			continue
		}
		k := key{s.TimeNS, s.Device}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, unread(s.Device))
			out[i].TimeNS = s.TimeNS
		}
		out[i].Values[m] = s.Value
	}
	slices.SortStableFunc(out, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.TimeNS, b.TimeNS), cmp.Compare(a.Device, b.Device))
	})
	return out
}
