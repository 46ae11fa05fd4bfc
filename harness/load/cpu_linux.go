package load

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// threadSeconds is the CPU time that the calling thread has used so far, and for how
// long it could have run and was given no core (0 where the kernel does not say).
func threadSeconds() (cpu, waited float64) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) == nil {
		cpu = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	var ran, ns int64
	if b, err := os.ReadFile("/proc/thread-self/schedstat"); err == nil {
		fmt.Sscan(string(b), &ran, &ns)
	}
	return cpu, float64(ns) / 1e9
}

// machineTicks is the time of all cores so far, and what of it the machine beneath
// gave to others (steal), in the kernel's ticks; 0 where it does not say.
func machineTicks() (stolen, total float64) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	if !in.Scan() {
		return 0, 0
	}
	// cpu user nice system idle iowait irq softirq steal guest guest_nice: proc_stat(5)
	for i, field := range strings.Fields(in.Text()) {
		var n float64
		if fmt.Sscan(field, &n); i > 0 && i <= 8 {
			total += n
		}
		if i == 8 {
			stolen = n
		}
	}
	return stolen, total
}
