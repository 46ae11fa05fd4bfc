package sim

import "strings"

// devicePrefix begins the UUIDs of simulated devices.
const devicePrefix = "SIM-"

// visible is how many of n simulated devices a server sees: those that
// CUDA_VISIBLE_DEVICES names. A list that names other devices is not the simulator's.
func visible(n int, list string) int {
	if !strings.HasPrefix(list, devicePrefix) {
		return n
	}
	return min(n, strings.Count(list, devicePrefix))
}
