package gpu

import "golang.org/x/sys/unix"

// lowerPriority has this thread run after others. That it cannot is no matter.
func lowerPriority() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 5)
}
