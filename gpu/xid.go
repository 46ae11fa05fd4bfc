package gpu

import (
	"fmt"
	"math"
	"slices"
)

// An XidError says that the driver reported an error of a device.
type XidError struct {
	Device string
	Code   int
}

func (e *XidError) Error() string {
	text := fmt.Sprintf("Xid %d on GPU %s", e.Code, e.Device)
	if what := xids[e.Code]; what != "" {
		text += ": " + what
	}
	return text
}

// xids are the errors that are met most, in the words of NVIDIA's "XID Errors" catalogue.
var xids = map[int]string{
	13: "graphics engine exception", 31: "GPU memory page fault", 43: "GPU stopped processing", 45: "preemptive cleanup, due to previous errors",
	48: "double bit ECC error", 61: "internal micro-controller breakpoint", 62: "internal micro-controller halt", 63: "ECC page retirement or row remapping recorded",
	64: "ECC page retirement or row remapping failed", 74: "NVLINK error", 79: "GPU has fallen off the bus", 92: "high single-bit ECC error rate",
	94: "contained ECC error", 95: "uncontained ECC error", 119: "GSP RPC timeout", 120: "GSP error",
}

// ofPrograms are the errors that a program's own fault brings about; the device is well.
// 45 follows whenever a process is killed that holds a channel.
var ofPrograms = []int{13, 31, 43, 45}

// xidFault is the error that a reading tells of, where it is the device's.
func xidFault(r *Reading) error {
	code := r.Values[Xid]
	if math.IsNaN(code) || slices.Contains(ofPrograms, int(code)) {
		return nil
	}
	return &XidError{r.Device, int(code)}
}
