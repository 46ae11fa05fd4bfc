package main

import "harness/results"

// energyMetrics are the columns of runs that need GPUs that can be read.
var energyMetrics = []string{"energy_j", "joules_per_token", "power_mean_w", "memory_peak_bytes", "output_tps_per_gpu"}

// costMetric is the column that needs the price of a GPU.
const costMetric = "cost_per_million_tokens"

// checkEnergy refuses objectives and limits that no run of the engine could have a
// value of. hasGPU says whether its server is on GPUs, simulated ones among them.
func (j judged) checkEnergy(price float64, hasGPU bool, engine string) error {
	if !(price >= 0) {
		return usagef("--gpu-price %v: must not be negative", price)
	}
	aim, err := results.ParseAim(j.objectives, j.limits)
	if err != nil {
		return err
	}
	if price == 0 && aim.Uses(costMetric) {
		return usagef("%s needs the price of an hour of one GPU: begin the study with --gpu-price 2.5, or another", costMetric)
	}
	for _, m := range energyMetrics {
		if !hasGPU && aim.Uses(m) {
			return usagef("%s is read of GPUs, and %s runs on none: choose another objective", m, engine)
		}
	}
	return nil
}
