package gpu

import (
	"cmp"
	"fmt"
)

// desktopMemory is what a driver and a desktop may take of a device that can be used.
// The gate before a trial is stricter; it reads the device itself, and waits.
const desktopMemory = 2 << 30

// Occupied says what of other programs is on the device, so that no trial should begin
// there; "" where nothing is known to be.
func (d Device) Occupied() string {
	for _, p := range d.Processes {
		if !p.Graphics {
			return fmt.Sprintf("has process %d (%s) on it", p.PID, cmp.Or(p.Name, "name not known"))
		}
	}
	if d.MemoryBytes == 0 || d.FreeBytes < 0 {
		return ""
	}
	if used := d.MemoryBytes - d.FreeBytes; used > int64(Limits{}.withDefaults().MemoryShare*float64(d.MemoryBytes))+desktopMemory {
		return fmt.Sprintf("has %d MiB in use", used>>20)
	}
	return ""
}
