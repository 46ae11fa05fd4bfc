package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"harness/gpu"
	"harness/harness/sim"
	"harness/space"
)

// volatile facts change from one minute to the next. A study keeps those that it
// began with.
var volatile = []string{"gpu_free_mib", "ram_free_mib"}

// gatherFacts collects what is known of the machine, the model and the workload.
// GPU and model are those that the simulator models, where modelled is set. What the
// user says with --fact wins.
func gatherFacts(o latticeOptions, modelled bool, model string, devices []gpu.Device, tokens, concurrency int) (map[string]space.Value, error) {
	facts := map[string]space.Value{
		"device_num":         space.Int(int64(o.devices)),
		"tokens_per_request": space.Int(int64(tokens)),
		"target_concurrency": space.Int(int64(concurrency)),
	}
	host := gpu.Host()
	facts["cpu_physical"] = space.Int(int64(host.PhysicalCores))
	facts["cpu_logical"] = space.Int(int64(host.LogicalCPUs))
	facts["numa_nodes"] = space.Int(int64(max(1, len(host.NUMANodes))))
	facts["ram_free_mib"] = space.Int(host.AvailableBytes >> 20)
	facts["memlock_ok"] = space.Bool(false)
	if modelled {
		imagined, err := sim.Facts(o.simGPU, model)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		maps.Copy(facts, imagined)
	} else {
		maps.Copy(facts, gpuFacts(devices))
		if model != "" {
			read, err := modelFacts(model)
			if err != nil && len(o.facts) == 0 { // else the user may know the rest: a model that only a container has
				return nil, err
			}
			maps.Copy(facts, read)
		}
	}
	maps.Copy(facts, o.facts)
	return facts, nil
}

func modelFacts(model string) (map[string]space.Value, error) {
	files, err := modelFiles(model)
	if err != nil {
		return nil, err
	}
	read, err := space.ModelFacts(files)
	if err != nil {
		return nil, fmt.Errorf("facts of the model: %w; give what the space needs with --fact", err)
	}
	return read, nil
}

// firstUsable are the GPUs that facts are taken of where none were reserved.
func firstUsable(inventory gpu.Inventory, n int) []gpu.Device {
	devices := inventory.Usable()
	return devices[:min(n, len(devices))]
}

// gpuFacts are those of the smallest of some GPUs.
func gpuFacts(devices []gpu.Device) map[string]space.Value {
	facts := map[string]space.Value{"has_gpu": space.Bool(len(devices) > 0)}
	if len(devices) == 0 {
		return facts
	}
	least := slices.MinFunc(devices, func(a, b gpu.Device) int {
		return cmp.Compare(a.MemoryBytes, b.MemoryBytes)
	})
	facts["gpu_mem_mib"] = space.Int(least.MemoryBytes >> 20)
	if least.FreeBytes >= 0 {
		facts["gpu_free_mib"] = space.Int(least.FreeBytes >> 20)
	}
	facts["is_a100"] = space.Bool(least.IsA100())
	if sm := least.SM(); sm > 0 {
		facts["gpu_sm"] = space.Int(int64(sm))
	}
	return facts
}
