package sim

import (
	"fmt"
	"slices"
	"strings"
)

// A gpu is what the model knows of one accelerator. Peak rates are those of
// the vendor's public data sheet, dense (without sparsity); what is reached of
// them is the business of the cost model.
type gpu struct {
	name       string
	sm         int     // compute capability, 10*major+minor
	memMiB     int64   // total memory as nvidia-smi reports it
	flops      float64 // BF16 tensor operations per second, dense
	bandwidth  float64 // memory, bytes per second
	link       float64 // to its peers, bytes per second and direction
	limitW     float64 // the board's power limit
	idleW      float64 // draw without load; a judgement
	linkLagSec float64 // latency of one all-reduce between two neighbours; a judgement
}

// gpus is sorted by name. The first of a family's boards is the SXM one.
//
// Sources: NVIDIA data sheets "A100 Tensor Core GPU", "H100 Tensor Core GPU"
// (SXM), "H200 Tensor Core GPU" (SXM), "DGX B200", "L4 Tensor Core GPU".
// NVLink: 600, 900, 900 and 1800 GB/s for both directions together; L4 has PCIe 4.0 x16.
var gpus = []gpu{
	{"A100", 80, 81920, 312e12, 2.039e12, 300e9, 400, 55, 6e-6},
	{"B200", 100, 183359, 2250e12, 8.0e12, 900e9, 1000, 140, 4e-6},
	{"H100", 90, 81559, 989e12, 3.35e12, 450e9, 700, 70, 4.5e-6},
	{"H200", 90, 143771, 989e12, 4.8e12, 450e9, 700, 75, 4.5e-6},
	{"L4", 89, 23034, 121e12, 0.3e12, 32e9, 72, 16, 18e-6},
}

// GPUs returns the names of the modelled accelerators, sorted.
func GPUs() []string {
	names := make([]string, len(gpus))
	for i, g := range gpus {
		names[i] = g.name
	}
	return names
}

// findGPU looks a name up without regard to case.
func findGPU(name string) (gpu, error) {
	i := slices.IndexFunc(gpus, func(g gpu) bool { return strings.EqualFold(g.name, name) })
	if i < 0 {
		return gpu{}, fmt.Errorf("unknown GPU %q: the simulator models %s", name, strings.Join(GPUs(), ", "))
	}
	return gpus[i], nil
}
