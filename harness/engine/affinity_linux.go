package engine

import "golang.org/x/sys/unix"

// moveThread moves the calling thread to these CPUs, where there are any, until restore
// is called: a child that it starts meanwhile inherits them. CPUs that cannot be had are
// no reason to start nothing.
func moveThread(cpus []int) (restore func()) {
	var before, set unix.CPUSet
	if len(cpus) == 0 || unix.SchedGetaffinity(0, &before) != nil {
		return func() {}
	}
	for _, i := range cpus {
		set.Set(i)
	}
	_ = unix.SchedSetaffinity(0, &set)
	return func() { _ = unix.SchedSetaffinity(0, &before) }
}
