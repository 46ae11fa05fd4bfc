package gpu

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Reservation tells all harnesses of a machine which devices a study's run is on, from
// its first look at them to its end, so that another study takes others while there are
// any. It keeps nobody off a device: leases do that, trial by trial. The kernel ends it
// with its process.
type Reservation struct {
	Devices []Device // by index; those that were named, in that order
	Shared  string   // which of them other runs are on, and whose these are: trials take turns; "": none
	Passed  string   // what is on devices that were not taken for it; "": nothing

	file *os.File
}

// reservationPrefix begins the names of the files of reservations, beside the locks.
const reservationPrefix = "run-"

// Reserve picks devices for a study's run. Where the want names no devices, those come
// first that no other run and no other program is on, the best linked of them; then
// those of other harnesses' runs. An error says that the devices are too few, and what
// is on the others. Named devices are taken as they are.
func Reserve(ctx context.Context, dir string, inv Inventory, want Want) (*Reservation, error) {
	usable, err := inv.candidates(want)
	if err != nil {
		return nil, err
	}
	if err := sharedFolder(dir); err != nil {
		return nil, fmt.Errorf("folder of the device locks: %w; name another one in HARNESS_GPU_LOCKS", err)
	}
	door, err := enter(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock(door)
	others := reserved(dir)
	for uuid, who := range leased(dir, usable) {
		if run := others[uuid]; run == "" || Own(run) {
			others[uuid] = who
		}
	}
	r := &Reservation{Devices: usable}
	if want.Of == nil {
		if r.Devices, err = pick(usable, inv.Links, others, want.Devices); err != nil {
			return nil, err
		}
	} else {
		slices.SortFunc(r.Devices, func(a, b Device) int { return slices.Index(want.Of, a.UUID) - slices.Index(want.Of, b.UUID) })
	}
	r.tell(usable, others)
	if r.file, err = writeReservation(dir, r.Devices); err != nil {
		return nil, fmt.Errorf("reserve GPUs: %w; name another folder in HARNESS_GPU_LOCKS", err)
	}
	return r, nil
}

// tell fills in what is on the devices, taken or not.
func (r *Reservation) tell(usable []Device, others map[string]string) {
	taken := func(d Device) bool {
		return slices.ContainsFunc(r.Devices, func(t Device) bool { return t.UUID == d.UUID })
	}
	var shared, passed []Device
	for _, d := range usable {
		switch who := others[d.UUID]; {
		case taken(d) && who != "" && !Own(who):
			shared = append(shared, d)
		case !taken(d) && (who != "" || d.Occupied() != ""):
			passed = append(passed, d)
		}
	}
	r.Shared, r.Passed = states(shared, stateIn(others)), states(passed, stateIn(others))
}

// stateIn says of a device what is on it, where other runs are on some.
func stateIn(others map[string]string) func(Device) string {
	return func(d Device) string {
		if who := others[d.UUID]; who != "" {
			return "is in use by " + who
		}
		return cmp.Or(d.Occupied(), "is free")
	}
}

// Release ends the reservation. Further calls do nothing; nil has nothing to end.
func (r *Reservation) Release() {
	if r == nil || r.file == nil {
		return
	}
	_ = os.Remove(r.file.Name())
	unlock(r.file)
	r.file = nil
}

// pick takes n of the devices: free ones, then those that other harnesses are on, never
// those that another program is on.
func pick(devices []Device, links []Link, others map[string]string, n int) ([]Device, error) {
	var free, shared []int
	for i, d := range devices {
		switch {
		case others[d.UUID] != "": // what is on it may be that run's server
			shared = append(shared, i)
		case d.Occupied() == "":
			free = append(free, i)
		}
	}
	if len(free)+len(shared) < n {
		return nil, fmt.Errorf("%s wanted, and %d of %d can be had now: %s; end what is on the others, or ask for fewer; see `harness gpu`",
			count(n, "GPU is", "GPUs are"), len(free)+len(shared), len(devices), states(devices, stateIn(others)))
	}
	taken := free
	if len(free) > n {
		taken = choose(devices, links, free, n)
	} else if len(free) < n {
		taken = slices.Concat(free, choose(devices, links, shared, n-len(free)))
	}
	slices.Sort(taken)
	var list []Device
	for _, i := range taken {
		list = append(list, devices[i])
	}
	return list, nil
}

// writeReservation makes the file of a reservation and holds its lock. The caller holds
// the door.
func writeReservation(dir string, devices []Device) (*os.File, error) {
	f, err := os.CreateTemp(dir, reservationPrefix)
	if err != nil {
		return nil, err
	}
	text := holder() + "\n" + strings.Join(uuidsOf(devices), "\n") + "\n"
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(0o666)
	}
	path := f.Name()
	f.Close()
	if err != nil {
		return nil, err
	}
	return lockFile(path)
}

// reserved are the devices on which runs are, by UUID, and whose; this process's own
// only where nobody else is. Files of runs that have ended are removed. The caller holds
// the door.
func reserved(dir string) map[string]string {
	by := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(dir, reservationPrefix+"*")) // the pattern is good
	for _, path := range files {
		f, err := lockFile(path)
		if f != nil { // its owner has ended
			_ = os.Remove(path)
			unlock(f)
			continue
		}
		text, readErr := os.ReadFile(path)
		if err != nil || readErr != nil {
			continue
		}
		owner, list, _ := bytes.Cut(text, []byte("\n"))
		for _, uuid := range strings.Fields(string(list)) {
			if by[uuid] == "" || Own(by[uuid]) {
				by[uuid] = string(owner)
			}
		}
	}
	return by
}

// Reserved tells on which of a machine's devices studies' runs are at this moment, by
// UUID, and whose they are. Where there is no folder of locks, none are.
func Reserved(ctx context.Context, dir string) map[string]string {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}
	}
	door, err := enter(ctx, dir)
	if err != nil {
		return map[string]string{}
	}
	defer unlock(door)
	return reserved(dir)
}
