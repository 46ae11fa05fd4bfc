package gpu

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Eight devices in two NUMA nodes; within each node 0-1 and 2-3 are joined by NVLink,
// as the bridged pairs of PCIe boards are.
func bridged() ([]Device, []Link) {
	var devices []Device
	var links []Link
	for i := range 8 {
		devices = append(devices, Device{Index: i, NUMANode: i / 4})
		for a := range i {
			kind := "SYS"
			if a/4 == i/4 {
				kind = "NODE"
			}
			if a/2 == i/2 {
				kind = "NV12"
			}
			links = append(links, Link{A: a, B: i, Type: kind})
		}
	}
	return devices, links
}

func TestChoose(t *testing.T) {
	devices, links := bridged()
	switched := Simulated("x", 8, 1)
	for _, tt := range []struct {
		name    string
		devices []Device
		links   []Link
		free    []int
		n       int
		want    []int
	}{
		{"a pair is a bridged one", devices, links, []int{1, 2, 3, 4}, 2, []int{2, 3}},
		{"four are of one node", devices, links, []int{0, 1, 2, 4, 5, 6, 7}, 4, []int{4, 5, 6, 7}},
		{"one is the one whose peer is taken", devices, links, []int{0, 1, 3, 4, 5}, 1, []int{3}},
		{"two that are no pair stay near, and break no pair", devices, links, []int{0, 1, 2, 4, 6}, 2, []int{0, 1}},
		{"behind a switch, the node decides", switched.Devices, switched.Links, []int{1, 2, 5, 6, 7}, 3, []int{5, 6, 7}},
		{"behind a switch, one comes from the broken node", switched.Devices, switched.Links, []int{0, 1, 2, 3, 6}, 1, []int{6}},
		{"all", switched.Devices, switched.Links, []int{0, 1, 2, 3, 4, 5, 6, 7}, 8, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"nothing known", []Device{{Index: 0, NUMANode: -1}, {Index: 1, NUMANode: -1}}, nil, []int{0, 1}, 1, []int{0}},
		{"nodes alone known", []Device{{Index: 0, NUMANode: 0}, {Index: 1, NUMANode: 1}, {Index: 2, NUMANode: 1}}, nil, []int{0, 1, 2}, 2, []int{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := choose(tt.devices, tt.links, tt.free, tt.n); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// More devices than are looked at exhaustively: the group is near all the same.
func TestChooseMany(t *testing.T) {
	var devices []Device
	var free []int
	for i := range 32 {
		devices, free = append(devices, Device{Index: i, NUMANode: i % 4}), append(free, i)
	}
	got := choose(devices, nil, free, 8)
	if want := []int{0, 4, 8, 12, 16, 20, 24, 28}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestChooseTakesFreeOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		devices, links := bridged()
		free := rapid.SliceOfNDistinct(rapid.IntRange(0, 7), 1, 8, rapid.ID).Draw(t, "free")
		slices.Sort(free)
		n := rapid.IntRange(1, len(free)).Draw(t, "n")
		got := choose(devices, links, free, n)
		if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n {
			t.Fatalf("%v of %v", got, free)
		}
		for _, d := range got {
			if !slices.Contains(free, d) {
				t.Fatalf("%d is not free: %v", d, free)
			}
		}
	})
}

func BenchmarkChooseHalfOf16(b *testing.B) {
	inv := Simulated("x", 16, 1)
	free := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for b.Loop() {
		choose(inv.Devices, inv.Links, free, 8)
	}
}
