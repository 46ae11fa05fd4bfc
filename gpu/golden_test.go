//go:build unix

package gpu

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recordings are machines as their tools describe them. Their form is that of output
// that people posted; identifiers are made up, and fields that a post did not show were
// filled in: topo_eight.txt NVIDIA/nccl issue 1505, topo_bridged.txt pytorch/pytorch
// issue 79299, topo_two.txt noonghunna/club-3090 issue 1133, mig_L.txt
// DataDog/datadog-agent pull request 33120, mig_mixed_L.txt influxdata/telegraf issue
// 5812, busy_apps.csv XuehaiPan/nvitop pull request 8.
var recordings = []struct {
	name                   string
	query, topo, list, app string // files of testdata; "": nothing to say
	exit                   string
	visible                string // CUDA_VISIBLE_DEVICES; "": not set
	rocm, amd              string
}{
	{name: "one", query: "one_h100.csv"},
	{name: "one_busy", query: "one_h100.csv", app: "busy_apps.csv"},
	{name: "eight_switched", query: "eight_a100.csv", topo: "topo_eight.txt"},
	{name: "eight_bridged", query: "eight_a6000.csv", topo: "topo_bridged.txt", visible: "2,3,4"},
	{name: "mig", query: "mig.csv", list: "mig_L.txt", topo: "topo_two.txt"},
	{name: "mig_mixed", query: "mig_mixed.csv", list: "mig_mixed_L.txt", topo: "topo_mig_mixed.txt"},
	{name: "mig_chosen", query: "mig_mixed.csv", list: "mig_mixed_L.txt", topo: "topo_mig_mixed.txt", visible: "GPU-d8594bd4,MIG-ce861fb0-0000-0000-0000-000000000001"},
	{name: "vgpu", query: "vgpu.csv"},
	{name: "unified_memory", query: "unified_memory.csv"},
	{name: "workstation", query: "workstation_na.csv"},
	{name: "comma_locale", query: "comma_locale.csv"},
	{name: "fault", query: "fault.csv"},
	{name: "lost", query: "lost.csv", exit: "15"},
	{name: "no_driver", query: "no_driver.txt", exit: "9"},
	{name: "mismatch", query: "mismatch.txt", exit: "18"},
	{name: "permission", query: "permission.txt", exit: "4"},
	{name: "no_devices", query: "no_devices.txt", exit: "6"},
	{name: "hangs"},
	{name: "amd_rocm", rocm: "rocm_7900xt.json"},
	{name: "amd_rocm_old", rocm: "rocm_two_old.json"},
	{name: "amd_smi", amd: "amd_smi_mi300x.json", rocm: "rocm_7900xt.json"},
}

func TestGolden(t *testing.T) {
	root := fstest.MapFS{
		"sys/bus/pci/devices/0000:07:00.0/numa_node": {Data: []byte("3\n")},
		"sys/bus/pci/devices/0000:44:00.0/numa_node": {Data: []byte("1\n")},
		"sys/bus/pci/devices/0000:05:00.0/numa_node": {Data: []byte("0\n")},
	}
	for _, r := range recordings {
		t.Run(r.name, func(t *testing.T) {
			limit := time.Minute
			script := "exec /bin/sleep 1000"
			if r.query != "" {
				script = `case "$*" in *--query-gpu*) ` + cat(t, r.query) + "exit " + r.exit + ";;\n*compute-apps*) " + say(t, r.app) + ";;\n-L) " + say(t, r.list) + ";;\ntopo*) " + say(t, r.topo) + ";; *) exit 2 ;; esac"
			} else if r.rocm+r.amd != "" {
				script = ""
			} else {
				limit = 300 * time.Millisecond
			}
			fake(t, script)
			tool(t, "rocm-smi", r.rocm)
			tool(t, "amd-smi", r.amd)
			if r.visible != "" {
				t.Setenv("CUDA_VISIBLE_DEVICES", r.visible)
			}
			inv, err := list(context.Background(), limit, root, noNVML)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(inv, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, r.name, append(got, '\n'))
		})
	}
}

func say(t *testing.T, file string) string {
	if file == "" {
		return ":"
	}
	return cat(t, file)
}

// tool puts a program beside the fake nvidia-smi that prints a file of testdata.
func tool(t *testing.T, name, file string) {
	t.Helper()
	if file == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("PATH"), name), []byte("#!/bin/sh\n"+cat(t, file)), 0o755); err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmpDiff(string(want), string(got)); diff != "" {
		t.Errorf("%s, (-want +got); go test -update writes it anew\n%s", path, diff)
	}
}
