package load

import "time"

// A wallClock turns times of the wall clock, which the kernel stamps with, into ns
// from the run's start by the monotonic clock. The two are slewed together, so that
// their difference changes only when the wall clock is set. It is sampled at each
// wake-up; where it has changed, the stamps of that wake-up may be of either side
// of the step, and are not used.
type wallClock struct {
	start  time.Time
	offset int64 // wall ns at the run's start
	stable bool  // the offset is the one of the sample before
	steps  int   // changes seen
}

// stepNS is the least change that is taken for a step; reading both clocks is
// uncertain by some tens of ns.
const stepNS = 20e3

// sample reads both clocks and returns the time.
func (c *wallClock) sample() (ns int64) {
	wall, ns := c.read()
	offset := wall - ns
	for k := 0; k < 4 && c.off(offset); k++ { // the thread may have been stopped between the two clocks
		wall, ns = c.read()
		offset = max(offset, wall-ns) // the wall clock is read first
	}
	c.note(offset)
	return ns
}

func (c *wallClock) read() (wall, ns int64) {
	t := time.Now()
	return t.UnixNano(), int64(t.Sub(c.start))
}

func (c *wallClock) off(offset int64) bool {
	d := offset - c.offset
	return d > stepNS || d < -stepNS
}

func (c *wallClock) note(offset int64) {
	c.stable = !c.off(offset)
	if !c.stable {
		c.offset = offset
		c.steps++
	}
}

// begin sets the clock going at the run's start.
func (c *wallClock) begin(start time.Time) {
	*c = wallClock{start: start}
	for k := range 16 {
		if wall, ns := c.read(); k == 0 || wall-ns > c.offset {
			c.offset = wall - ns
		}
	}
	c.stable = true
}

// stamp is the run's time of a kernel stamp that was read at user, not before the
// time since. The user's time stands in for a stamp that cannot be true.
func (c *wallClock) stamp(wall, since, user int64) (at stamp, ok bool) {
	ns := wall - c.offset
	if wall == 0 || !c.stable || ns < since || ns > user+stepNS {
		return stamp{user, user}, false
	}
	return stamp{min(ns, user), user}, true
}
