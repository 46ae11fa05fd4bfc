//go:build unix

package gpu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// fake puts a nvidia-smi on PATH that runs the script, alone there but for the
// shell's own directories where with is set.
func fake(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if script != "" {
		if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("CUDA_VISIBLE_DEVICES", "0")
	os.Unsetenv("CUDA_VISIBLE_DEVICES") // put back by Setenv's clean-up
}

// cat is a script that prints a file of testdata; the shell's own words only.
func cat(t *testing.T, name string) string {
	return "printf '%s' '" + strings.ReplaceAll(recorded(t, name), "'", `'\''`) + "'\n"
}

func listed(t *testing.T, bound time.Duration) Inventory {
	t.Helper()
	root := fstest.MapFS{"sys/bus/pci/devices/0000:44:00.0/numa_node": {Data: []byte("1\n")}}
	inv, err := list(context.Background(), bound, fs.FS(root), noNVML)
	if err != nil {
		t.Fatal(err)
	}
	if (len(inv.Devices) == 0) != (inv.Reason != "") || (inv.Source == "none") != (inv.Reason != "") {
		t.Errorf("%d devices, source %q, reason %q", len(inv.Devices), inv.Source, inv.Reason)
	}
	return inv
}

// noNVML is a machine without the driver's library, as seen by the tests of nvidia-smi.
func noNVML(fs.FS) (Inventory, string, bool) { return Inventory{}, "", false }

const minute = time.Minute

func TestListEight(t *testing.T) {
	fake(t, `case "$1" in topo) `+cat(t, "topo_eight.txt")+`;; *) `+cat(t, "eight_a100.csv")+";; esac")
	t.Setenv("CUDA_VISIBLE_DEVICES", "0,2")
	inv := listed(t, minute)
	if len(inv.Devices) != 8 || len(inv.Links) != 28 || inv.Driver != "535.216.01" || inv.Source != "nvidia-smi" || inv.Warnings != nil {
		t.Errorf("%+v", inv)
	}
	var usable []int
	for _, d := range inv.Usable() {
		usable = append(usable, d.Index)
	}
	if !slices.Equal(usable, []int{0, 2}) || inv.Devices[2].NUMANode != 1 || inv.Devices[0].NUMANode != -1 {
		t.Errorf("usable %v, NUMA nodes %d and %d", usable, inv.Devices[2].NUMANode, inv.Devices[0].NUMANode)
	}
}

func TestListMIG(t *testing.T) {
	fake(t, `case "$1" in topo) exit 1 ;; -L) `+cat(t, "mig_L.txt")+`;; *) `+cat(t, "mig.csv")+";; esac")
	inv := listed(t, minute)
	if len(inv.Devices) != 2 || len(inv.Devices[0].Instances) != 2 || len(inv.Usable()) != 1 {
		t.Errorf("%+v", inv.Devices)
	}
	if len(inv.Warnings) != 1 || inv.Links == nil {
		t.Errorf("warnings %q, links %v; want one warning of the links, and a list", inv.Warnings, inv.Links)
	}
}

func TestListOldDriver(t *testing.T) {
	fake(t, `case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2 ;; *) `+cat(t, "old_driver.csv")+";; esac")
	inv := listed(t, minute)
	if len(inv.Devices) != 1 || inv.Devices[0].Name != "Tesla V100-SXM2-16GB" || inv.Devices[0].SM() != 0 {
		t.Errorf("%+v", inv)
	}
}

func TestListNone(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"absent", "", "not on PATH"},
		{"no driver", cat(t, "no_driver.txt") + "exit 9", "driver is not loaded"},
		{"mismatch, on stderr", "{ " + cat(t, "mismatch.txt") + "} >&2; exit 18", "different versions"},
		{"no devices, exit 0", cat(t, "no_devices.txt"), "finds no GPU"},
		{"silent failure", "exit 3", "exit status 3"},
		{"nothing", ":", "listed no GPU"},
		{"unknown field that must be there", `echo 'Field "uuid" is not a valid field to query.'; exit 2`, "uuid"},
		{"not a program", "exec /nonexistent", "nonexistent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake(t, tt.script)
			if inv := listed(t, minute); !strings.Contains(inv.Reason, tt.want) || inv.Devices == nil {
				t.Errorf("reason %q, want ...%q...", inv.Reason, tt.want)
			}
		})
	}
}

// A GPU that fell off the bus costs the others nothing.
func TestListLost(t *testing.T) {
	fake(t, `case "$1" in --query-gpu*) `+cat(t, "lost.csv")+"exit 15 ;; esac")
	inv := listed(t, minute)
	if len(inv.Usable()) != 1 || len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0], "GPU is lost") {
		t.Errorf("%+v", inv)
	}
}

// One that hangs is killed with its children. The child's end is seen by the FIFO
// that it alone holds open: reading it ends when no process has it any more.
func TestListHangs(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	sleep := "/bin/sleep"
	fake(t, fmt.Sprintf("(exec %s 1000) >%q 2>&1 &\necho $! >%q.pid\nwait\n", sleep, fifo, fifo))
	held, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	inv := listed(t, 300*time.Millisecond)
	if !strings.Contains(inv.Reason, "did not end in time") {
		t.Errorf("reason %q", inv.Reason)
	}
	pid, err := os.ReadFile(fifo + ".pid")
	if err != nil {
		t.Fatal(err)
	}
	held.SetReadDeadline(time.Now().Add(30 * time.Second))
	if n, err := held.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		child, _ := strconv.Atoi(strings.TrimSpace(string(pid)))
		syscall.Kill(child, syscall.SIGKILL)
		t.Errorf("the child lived on: %d, %v", n, err)
	}
}

// One that waits in the kernel for its driver cannot be killed, and holds nobody up.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		defer cancel()
		hang, began := make(chan struct{}), time.Now()
		if err := bounded(ctx, func() error { <-hang; return nil }); !errors.Is(err, errStuck) || time.Since(began) != bound+stuckAfter {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(hang)
		if err := bounded(ctx, func() error { return io.EOF }); err != io.EOF {
			t.Error(err)
		}
	})
}

func TestListCancelled(t *testing.T) {
	fake(t, cat(t, "one_h100.csv"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The names that scripts rely on.
func TestInventoryJSON(t *testing.T) {
	fake(t, "")
	b, err := json.Marshal(listed(t, minute))
	if err != nil || !strings.HasPrefix(string(b), `{"devices":[],"links":[],"driver":"","source":"none","reason":"`) {
		t.Errorf("%s %v", b, err)
	}
	fake(t, cat(t, "one_h100.csv"))
	b, err = json.Marshal(listed(t, minute))
	for _, want := range []string{`"uuid":"GPU-2f8b1c1e-1111-4a4a-9b9b-000000000001"`, `"name":"NVIDIA H100 80GB HBM3"`, `"memory_bytes":85520809984`, `"usable":true`, `"links":[]`} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s %v: no %s", b, err, want)
		}
	}
}
