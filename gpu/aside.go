package gpu

import (
	"fmt"
	"slices"
)

// inventory is the pool's, with the devices that were set aside not usable.
func (p *Pool) inventory() Inventory {
	now := p.inv
	now.Devices = slices.Clone(p.inv.Devices)
	for i, d := range now.Devices {
		if why := p.aside[d.UUID]; why != "" {
			now.Devices[i].unusable(why)
		}
	}
	return now
}

// Inventory is what the pool leases, with the devices that were set aside marked as
// not usable, and why.
func (p *Pool) Inventory() Inventory {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inventory()
}

// maxFaults is how many faults a device may have before it is used no more.
const maxFaults = 2

// sound leaves out the devices that had a fault, where n others are free: what is tried
// again after a fault is best tried elsewhere.
func (p *Pool) sound(devices []Device, free []int, n int) []int {
	sound := slices.DeleteFunc(slices.Clone(free), func(i int) bool { return p.faults[devices[i].UUID] > 0 })
	if len(sound) >= n {
		return sound
	}
	return free
}

// Fault counts a fault of a device. With the second one the device is set aside: it is
// leased no more, and aside is true. A study that goes on after an interruption tells
// the faults of its rows anew.
func (p *Pool) Fault(uuid, why string) (aside bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[uuid]++
	if p.faults[uuid] >= maxFaults && p.aside[uuid] == "" {
		p.aside[uuid] = fmt.Sprintf("set aside after %d faults, the last: %s", p.faults[uuid], why)
	}
	return p.aside[uuid] != ""
}
