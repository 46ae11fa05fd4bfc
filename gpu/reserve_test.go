//go:build unix

package gpu

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Which devices a run takes: free ones, those of others' runs where these are too few,
// never those that another program is on.
func TestPick(t *testing.T) {
	const other = "harness, process 7 on there"
	for _, tt := range []struct {
		name     string
		n        int
		others   []int // devices that other runs are on
		programs []int // on which another program is
		want     []int
		err      string
	}{
		{"all are free", 4, nil, nil, []int{0, 1, 2, 3}, ""},
		{"the first four are another run's", 4, []int{0, 1, 2, 3}, nil, []int{4, 5, 6, 7}, ""},
		{"a program is on one", 4, nil, []int{2}, []int{4, 5, 6, 7}, ""}, // of one node
		{"too few are free", 4, []int{0, 1, 2}, []int{3, 4}, []int{0, 5, 6, 7}, ""},
		{"all are another run's", 8, []int{0, 1, 2, 3, 4, 5, 6, 7}, nil, []int{0, 1, 2, 3, 4, 5, 6, 7}, ""},
		{"another run, whose server is what is on them", 8, []int{0, 1}, []int{0, 1}, []int{0, 1, 2, 3, 4, 5, 6, 7}, ""},
		{"too few can be had", 7, []int{0}, []int{3, 5}, nil, "7 GPUs are wanted, and 6 of 8 can be had now: GPU 0 is in use by " + other +
			"; GPU 1-2,4,6-7 is free; GPU 3,5 has process 9 (python) on it; end what is on the others, or ask for fewer; see `harness gpu`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := Simulated("H100", 8, 80<<30)
			others := map[string]string{}
			for _, i := range tt.others {
				others[inv.Devices[i].UUID] = other
			}
			for _, i := range tt.programs {
				inv.Devices[i].Processes = []Process{{PID: 9, Name: "python"}}
			}
			got, err := pick(inv.Devices, inv.Links, others, tt.n)
			if err != nil || tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("%v", err)
				}
				return
			}
			var indices []int
			for _, d := range got {
				indices = append(indices, d.Index)
			}
			if !slices.Equal(indices, tt.want) {
				t.Errorf("took %v, want %v", indices, tt.want)
			}
		})
	}
}

func TestOccupied(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    Device
		want string
	}{
		{"idle", Device{MemoryBytes: 80 << 30, FreeBytes: 79 << 30}, ""},
		{"memory is not said", Device{FreeBytes: -1}, ""},
		{"a desktop", Device{MemoryBytes: 8 << 30, FreeBytes: 6 << 30, Processes: []Process{{PID: 4, Name: "Xorg", Graphics: true}}}, ""},
		{"memory of a process that is not seen, as from a container", Device{MemoryBytes: 80 << 30, FreeBytes: 1 << 30}, "has 80896 MiB in use"},
		{"a process", Device{MemoryBytes: 80 << 30, FreeBytes: 79 << 30, Processes: []Process{{PID: 4}}}, "has process 4 (name not known) on it"},
	} {
		if got := tt.d.Occupied(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Of two runs the second takes what the first has left, and says so. Another process
// would see the same: reservations are files.
func TestReserve(t *testing.T) {
	dir, inv := filepath.Join(t.TempDir(), "made"), Simulated("H100", 8, 80<<30)
	reserve := func(want Want) *Reservation {
		t.Helper()
		r, err := Reserve(t.Context(), dir, inv, want)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := reserve(Want{Devices: 4})
	b := reserve(Want{Devices: 4})
	if b.Devices[0].Index != 4 || b.Shared != "" || !strings.HasPrefix(b.Passed, "GPU 0-3 is in use by ") {
		t.Errorf("%+v", b)
	}
	a.Release()
	a.Release()
	if left := Reserved(t.Context(), dir); len(left) != 4 || !Own(left["SIM-7"]) || left["SIM-0"] != "" {
		t.Errorf("%v", left)
	}
	named := reserve(Want{Devices: 2, Of: []string{"SIM-6", "SIM-1"}})
	if named.Devices[0].Index != 6 || named.Devices[1].Index != 1 || named.Shared != "" { // the other run is this process's
		t.Errorf("%+v", named)
	}
	lease, err := newPool(t, dir, 8).TryAcquire(Want{Devices: 1, Of: []string{"SIM-0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	if c := reserve(Want{Devices: 2}); c.Devices[0].Index != 2 || c.Devices[1].Index != 3 {
		t.Errorf("a leased device was taken: %+v", c)
	}
	if _, err := Reserve(t.Context(), dir, inv, Want{Devices: 9}); err == nil || !strings.Contains(err.Error(), "9 GPUs are wanted, and 8 of 8 can be used: GPU 0-7 can be used") {
		t.Errorf("%v", err)
	}
	(*Reservation)(nil).Release()
}
