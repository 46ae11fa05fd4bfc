package gpu

import "strings"

// reasons are the bits of NVML's clocks event reasons (nvmlClocksEventReasons of
// nvml.h; drivers before 535 call them throttle reasons) that lower the clocks below
// what was asked for, but for idleness and the settings of people.
var reasons = []struct {
	bit  uint64
	name string
	hard bool // a fault of cooling or supply: numbers are not what this GPU can do
}{
	{0x04, "sw_power_cap", false}, // at its power limit: usual under full load
	{0x08, "hw_slowdown", true},
	{0x20, "sw_thermal", true},
	{0x40, "hw_thermal", true},
	{0x80, "hw_power_brake", true},
}

const powerCap = 0x04

// throttled is the part of a set of reasons that makes a GPU slower than it should be.
func throttled(bits uint64) uint64 {
	var out uint64
	for _, r := range reasons {
		if r.hard {
			out |= bits & r.bit
		}
	}
	return out
}

// reasonNames names the reasons of a set, in their order.
func reasonNames(bits uint64) string {
	var out []string
	for _, r := range reasons {
		if bits&r.bit != 0 {
			out = append(out, r.name)
		}
	}
	return strings.Join(out, ", ")
}
