package gpu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// machine has two NUMA nodes and SMT: core k has the CPUs k and k+cores.
func machine(cores int) Machine {
	m := Machine{NUMANodes: []NUMA{{ID: 0}, {ID: 1}}}
	for k := range cores {
		m.Cores = append(m.Cores, []int{k, k + cores})
		node := &m.NUMANodes[2*k/cores]
		node.CPUs = append(node.CPUs, k, k+cores)
	}
	return m
}

func onNodes(nodes ...int) []Device {
	var devices []Device
	for i, n := range nodes {
		devices = append(devices, Device{Index: i, UUID: fmt.Sprint("g", i), NUMANode: n})
	}
	return devices
}

func TestSplitCPUs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		cores   int
		devices []Device
		want    CPUs
	}{
		{"a device on each node", 8, onNodes(0, 1), CPUs{Client: []int{3, 7, 11, 15}, Device: map[string][]int{"g0": {0, 1, 2, 8, 9, 10}, "g1": {4, 5, 6, 12, 13, 14}}}},
		{"the client is kept off the node with the devices", 16, onNodes(0, 0), CPUs{Client: []int{14, 15, 30, 31}, Device: map[string][]int{"g0": {0, 1, 2, 3, 16, 17, 18, 19}, "g1": {4, 5, 6, 7, 20, 21, 22, 23}}}},
		{"a node too small for its devices is no node", 8, onNodes(1, 1, 1), CPUs{Client: []int{6, 7, 14, 15}, Device: map[string][]int{"g0": {0, 1, 8, 9}, "g1": {2, 3, 10, 11}, "g2": {4, 5, 12, 13}}}},
		{"the node is not said", 4, onNodes(-1), CPUs{Client: []int{2, 3, 6, 7}, Device: map[string][]int{"g0": {0, 1, 4, 5}}}},
		{"too few", 5, onNodes(0, 1), CPUs{WhyNot: "5 cores are too few to keep 2 for the load generator and 2 for each of 2 devices"}},
		{"no devices", 4, nil, CPUs{WhyNot: "there are no devices to split the CPUs among"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, SplitCPUs(machine(tt.cores), tt.devices)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Nobody shares a core, and siblings stay together.
func TestSplitCPUsDisjoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(2 * rapid.IntRange(1, 64).Draw(t, "half the cores"))
		split := SplitCPUs(m, onNodes(rapid.SliceOfN(rapid.IntRange(-1, 1), 1, 8).Draw(t, "nodes")...))
		if split.WhyNot != "" {
			if split.Client != nil || split.Device != nil || !strings.Contains(split.WhyNot, "too few") {
				t.Fatalf("%+v", split)
			}
			return
		}
		owner := map[int]string{}
		take := func(who string, cpus []int) {
			if len(cpus) < 4 || !slices.IsSorted(cpus) {
				t.Fatalf("%s has %v", who, cpus)
			}
			for _, c := range cpus {
				if owner[c] != "" {
					t.Fatalf("%s and %s share CPU %d", owner[c], who, c)
				}
				owner[c] = who
			}
		}
		take("client", split.Client)
		for uuid, cpus := range split.Device {
			take(uuid, cpus)
		}
		for _, core := range m.Cores {
			if owner[core[0]] != owner[core[1]] {
				t.Fatalf("the siblings %v are of %s and %s", core, owner[core[0]], owner[core[1]])
			}
		}
	})
}
