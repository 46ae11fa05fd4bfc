package gpu

import (
	"math"
	"time"
)

// A Usage is what devices did and took in one span of time. What was not said by all
// of them is NaN.
type Usage struct {
	Devices          int
	Readings         int     // within the span, of all devices together
	EnergyJ          float64 // of all devices together
	EnergySource     string  // counter | power (the integral of power over time) | "" where EnergyJ is NaN
	MeanWatts        float64 // EnergyJ by the span's length
	PeakMemoryBytes  float64 // of the device that had most
	Utilization      float64 // 0 to 1, mean over time and devices
	MaxTemperatureC  float64 // of the hottest device
	ThrottledShare   float64 // 0 to 1, of the time: a device at least was slowed by heat or supply
	PowerCappedShare float64 // 0 to 1, of the time: a device at least was at its power limit
	Throttled        string  // why, of ThrottledShare; "" where it is 0
	GapSeconds       float64 // the longest time without a reading of a device
}

// maxReach is how far outside the readings a span may begin or end. Power is taken to
// stay what it was for that long, and no longer.
const maxReach = 3 * time.Second

// UsageOf sums up the readings of a span, which are in order of time. It depends on
// nothing else: what was stored can be summed up again. Readings a little before and
// after the span make its edges exact.
func UsageOf(readings []Reading, fromNS, toNS int64) Usage {
	nan := math.NaN()
	u := Usage{EnergyJ: nan, MeanWatts: nan, PeakMemoryBytes: nan, Utilization: nan, MaxTemperatureC: nan, ThrottledShare: nan, PowerCappedShare: nan, GapSeconds: nan}
	if toNS <= fromNS {
		return u
	}
	byDevice := map[string][]Reading{}
	var order []string
	for _, r := range readings {
		if byDevice[r.Device] == nil {
			order = append(order, r.Device)
		}
		byDevice[r.Device] = append(byDevice[r.Device], r)
	}
	u.Devices = len(order)
	if u.Devices == 0 {
		return u
	}
	energy, utilization := 0.0, 0.0
	for _, d := range order {
		s := span{byDevice[d], fromNS, toNS}
		joules, source := s.energy()
		energy += joules
		if u.EnergySource != "power" {
			u.EnergySource = source
		}
		utilization += s.mean(Utilization, func(v float64) float64 { return v }) / float64(u.Devices)
		u.PeakMemoryBytes, u.MaxTemperatureC = most(u.PeakMemoryBytes, s.max(MemoryUsed)), most(u.MaxTemperatureC, s.max(Temperature))
		u.GapSeconds = most(u.GapSeconds, s.gap())
		u.Readings += s.count()
	}
	u.Utilization = utilization
	if !math.IsNaN(energy) {
		u.EnergyJ, u.MeanWatts = energy, energy/(float64(toNS-fromNS)/1e9)
	} else {
		u.EnergySource = ""
	}
	u.throttle(byDevice, fromNS, toNS)
	return u
}

// throttle fills the shares of time in which any device was slowed. Devices are read
// one after another: their times differ by less than a reading lasts.
func (u *Usage) throttle(byDevice map[string][]Reading, fromNS, toNS int64) {
	var all uint64
	slowed := func(v float64) float64 { return oneIf(throttled(uint64(v)) != 0) }
	capped := func(v float64) float64 { return oneIf(uint64(v)&powerCap != 0) }
	for _, rs := range byDevice {
		s := span{rs, fromNS, toNS}
		// Devices of one server wait for each other: the one slowed longest says for how long.
		u.ThrottledShare = most(u.ThrottledShare, s.mean(Throttle, slowed))
		u.PowerCappedShare = most(u.PowerCappedShare, s.mean(Throttle, capped))
		s.each(Throttle, func(v, _ float64) { all |= uint64(v) })
	}
	u.Throttled = reasonNames(throttled(all))
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// most is the larger of two numbers, NaN being less than any.
func most(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// A span is the readings of one device and a part of their time.
type span struct {
	readings []Reading
	from, to int64
}

// each calls f with each value of a metric that held in the span, and the seconds for
// which it did: until the next reading that says it, and for maxReach at most.
func (s span) each(m Metric, f func(value, seconds float64)) {
	var last *Reading
	hold := func(until int64) {
		if last == nil {
			return
		}
		a, b := max(last.TimeNS, s.from), min(until, s.to, last.TimeNS+int64(maxReach))
		if b > a {
			f(last.Values[m], float64(b-a)/1e9)
		}
	}
	for i := range s.readings {
		r := &s.readings[i]
		if math.IsNaN(r.Values[m]) {
			continue
		}
		if last == nil && r.TimeNS > s.from && r.TimeNS < s.to && r.TimeNS-s.from <= int64(maxReach) {
			f(r.Values[m], float64(r.TimeNS-s.from)/1e9) // the span began before the first reading
		}
		hold(r.TimeNS)
		last = r
	}
	hold(math.MaxInt64)
}

// mean is the mean over time of f of a metric; NaN where it is known for less than half
// of the span.
func (s span) mean(m Metric, f func(float64) float64) float64 {
	sum, seconds := 0.0, 0.0
	s.each(m, func(v, dt float64) { sum, seconds = sum+f(v)*dt, seconds+dt })
	if seconds < 0.5*float64(s.to-s.from)/1e9 {
		return math.NaN()
	}
	return sum / seconds
}

func (s span) max(m Metric) float64 {
	out := math.NaN()
	s.each(m, func(v, _ float64) { out = most(out, v) })
	return out
}

// energy is the joules of the span: by the device's counter where it has one, by its
// power otherwise. A counter that went back was set anew, and counts for nothing.
func (s span) energy() (joules float64, source string) {
	a, okA := s.counterAt(s.from)
	b, okB := s.counterAt(s.to)
	if okA && okB && b >= a {
		return b - a, "counter"
	}
	watts := s.mean(Power, func(v float64) float64 { return v })
	if math.IsNaN(watts) {
		return watts, ""
	}
	return watts * float64(s.to-s.from) / 1e9, "power"
}

// counterAt is the energy counter at a time: between two readings on the line between
// them, beyond the readings by the power that was read last. ok is false where it is
// not known.
func (s span) counterAt(ns int64) (joules float64, ok bool) {
	var before, after *Reading
	for i := range s.readings {
		r := &s.readings[i]
		if math.IsNaN(r.Values[Energy]) {
			continue
		}
		if r.TimeNS <= ns {
			before = r
		} else {
			after = r
			break
		}
	}
	switch {
	case before != nil && after != nil:
		share := float64(ns-before.TimeNS) / float64(after.TimeNS-before.TimeNS)
		a, b := before.Values[Energy], after.Values[Energy]
		return a + share*(b-a), b >= a
	case before != nil:
		return beyond(before, ns)
	case after != nil:
		return beyond(after, ns)
	}
	return 0, false
}

func beyond(r *Reading, ns int64) (joules float64, ok bool) {
	dt := ns - r.TimeNS
	joules = r.Values[Energy] + r.Values[Power]*float64(dt)/1e9
	return joules, max(dt, -dt) <= int64(maxReach) && !math.IsNaN(joules)
}

// count is how many readings are in the span.
func (s span) count() int {
	n := 0
	for _, r := range s.readings {
		if r.TimeNS >= s.from && r.TimeNS <= s.to {
			n++
		}
	}
	return n
}

// gap is the longest time within the span without a reading, in seconds.
func (s span) gap() float64 {
	last, longest := s.from, int64(0)
	for _, r := range s.readings {
		if at := min(max(r.TimeNS, s.from), s.to); at > last {
			longest, last = max(longest, at-last), at
		}
	}
	return float64(max(longest, s.to-last)) / 1e9
}
