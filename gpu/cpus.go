package gpu

import (
	"fmt"
	"slices"
)

// What a split must leave, in physical cores. A judgement: an engine's scheduler and
// its tokenizer keep one core each busy, and so may the client's sender and reader.
const (
	deviceCores    = 2
	clientCores    = 2
	maxClientCores = 8
)

// CPUs says which logical CPUs the servers of which devices get, and which are kept
// for the load generator, so that neither takes time from the other. It follows from
// the machine alone: each harness on it comes to the same split.
type CPUs struct {
	Client []int            `json:"client"`            // nil where there is no split
	Device map[string][]int `json:"device"`            // by UUID; nil where there is no split
	WhyNot string           `json:"why_not,omitempty"` // one line; "" where there is a split
}

// SplitCPUs splits the machine's cores: some for the client, from the node that has the
// most to spare, and the others of a node evenly among its devices. Siblings of a core
// stay together. Where a device would have less than two cores, or the client, nothing
// is split.
func SplitCPUs(m Machine, devices []Device) CPUs {
	if len(devices) == 0 {
		return CPUs{WhyNot: "there are no devices to split the CPUs among"}
	}
	if need := clientCores + deviceCores*len(devices); len(m.Cores) < need {
		return CPUs{WhyNot: fmt.Sprintf("%d cores are too few to keep %d for the load generator and %d for each of %d devices", len(m.Cores), clientCores, deviceCores, len(devices))}
	}
	nodes := nodesOf(m, devices)
	split := CPUs{Device: map[string][]int{}}
	for range min(max(clientCores, len(m.Cores)/8), maxClientCores, len(m.Cores)-deviceCores*len(devices)) {
		from := slices.MaxFunc(nodes, func(a, b *node) int { return a.spare() - b.spare() })
		last := len(from.cores) - 1
		split.Client = append(split.Client, from.cores[last]...)
		from.cores = from.cores[:last]
	}
	for _, n := range nodes {
		for i, uuid := range n.devices {
			share := n.cores[i*len(n.cores)/len(n.devices) : (i+1)*len(n.cores)/len(n.devices)]
			split.Device[uuid] = flat(share)
		}
	}
	slices.Sort(split.Client)
	return split
}

// node is one NUMA node while it is split.
type node struct {
	cores   [][]int
	devices []string
}

// spare is what the node has beyond what its devices must have; one that has no device
// spares all.
func (n *node) spare() int { return len(n.cores) - deviceCores*len(n.devices) }

// nodesOf puts cores and devices together by NUMA node; in one node where a device does
// not say its own, or a node has too few cores for its devices.
func nodesOf(m Machine, devices []Device) []*node {
	one := &node{cores: slices.Clone(m.Cores)}
	for _, d := range devices {
		one.devices = append(one.devices, d.UUID)
	}
	var nodes []*node
	for _, from := range m.NUMANodes {
		n := &node{}
		for _, core := range m.Cores {
			if slices.Contains(from.CPUs, core[0]) {
				n.cores = append(n.cores, core)
			}
		}
		for _, d := range devices {
			if d.NUMANode == from.ID {
				n.devices = append(n.devices, d.UUID)
			}
		}
		if n.spare() < 0 {
			return []*node{one}
		}
		nodes = append(nodes, n)
	}
	placed := 0
	for _, n := range nodes {
		placed += len(n.devices)
	}
	if placed != len(devices) {
		return []*node{one}
	}
	return nodes
}

func flat(cores [][]int) []int {
	out := slices.Concat(cores...)
	slices.Sort(out)
	return out
}
