package gpu

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// amdListed is why AMD's devices are not leased.
const amdListed = "an AMD GPU: it is listed, but servers are not placed on AMD GPUs; start one by hand and measure it with harness bench --url"

// listAMD lists AMD's devices, by amd-smi or else by the older rocm-smi; found is false
// where neither tool is there.
func listAMD(ctx context.Context, root fs.FS) (inv Inventory, found bool, err error) {
	for _, tool := range []struct {
		name  string
		args  []string
		parse func(string) ([]Device, string)
	}{
		{"amd-smi", []string{"static", "--json"}, parseAMDSMI},
		{"rocm-smi", []string{"--showproductname", "--showmeminfo", "vram", "--showuniqueid", "--showbus", "--showdriverversion", "--json"}, parseROCmSMI},
	} {
		path, lookErr := exec.LookPath(tool.name)
		if lookErr != nil {
			continue
		}
		found = true
		out, runErr := output(ctx, path, tool.args...)
		devices, driver := tool.parse(out)
		if len(devices) == 0 {
			err = cmp.Or(runErr, errors.New(tool.name+" lists no GPU"))
			continue
		}
		for i := range devices {
			if devices[i].NUMANode < 0 {
				devices[i].NUMANode = numaNode(root, devices[i].PCIBusID)
			}
			devices[i].DriverVersion = driver
			devices[i].unusable(amdListed)
		}
		return Inventory{Devices: devices, Links: []Link{}, Source: tool.name, Driver: driver}, true, nil
	}
	return Inventory{}, found, err
}

// amount is a number with its unit, as amd-smi writes it: {"value": 196592, "unit": "MB"},
// a bare number, or "N/A".
type amount struct {
	value float64
	unit  string
}

func (a *amount) UnmarshalJSON(data []byte) error {
	var full struct {
		Value float64
		Unit  string
	}
	if json.Unmarshal(data, &full) == nil {
		a.value, a.unit = full.Value, full.Unit
		return nil
	}
	n, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err == nil {
		a.value = n
	}
	return nil // N/A and the like are not said
}

// amdSMI is one device of amd-smi static --json (AMD SMI 23 to 26).
type amdSMI struct {
	GPU  int
	ASIC struct {
		Name   string `json:"market_name"`
		Serial string `json:"asic_serial"`
	}
	Bus struct {
		BDF   string
		Width amount `json:"max_pcie_width"`
	}
	VRAM   struct{ Size amount }
	NUMA   struct{ Node amount }
	Driver struct{ Version string }
	Limit  struct {
		MaxPower amount `json:"max_power"`
	}
}

// parseAMDSMI reads amd-smi static --json: a list of devices, since AMD SMI 26 within
// {"gpu_data": [...]}.
func parseAMDSMI(out string) (devices []Device, driver string) {
	var wrapped struct {
		Data []amdSMI `json:"gpu_data"`
	}
	var list []amdSMI
	text := []byte(jsonPart(out))
	// A section that is not known is "N/A" in place of an object: the rest counts all the same.
	_ = json.Unmarshal(text, &list)
	if len(list) == 0 {
		_ = json.Unmarshal(text, &wrapped)
		list = wrapped.Data
	}
	for _, g := range list {
		d := unknownDevice(g.GPU)
		d.UUID, d.Name, d.PCIBusID = amdSaid(g.ASIC.Serial), amdSaid(g.ASIC.Name), amdSaid(g.Bus.BDF)
		d.MemoryBytes = int64(g.VRAM.Size.value * float64(unitBytes(g.VRAM.Size.unit)))
		d.PCIeWidth, d.PowerLimitWatts = int(g.Bus.Width.value), g.Limit.MaxPower.value
		devices, driver = append(devices, d), cmp.Or(driver, amdSaid(g.Driver.Version))
	}
	return devices, driver
}

// unitBytes is a unit of amd-smi, whose MB and GB are powers of two.
func unitBytes(unit string) int64 {
	switch unit {
	case "B":
		return 1
	case "KB":
		return 1 << 10
	case "GB":
		return 1 << 30
	}
	return 1 << 20
}

// parseROCmSMI reads rocm-smi --json: an object for each card, all values text, and a
// "system" beside them. The names of its fields changed their case with ROCm 6.
func parseROCmSMI(out string) (devices []Device, driver string) {
	var cards map[string]map[string]string
	if json.Unmarshal([]byte(jsonPart(out)), &cards) != nil {
		return nil, ""
	}
	for name, fields := range cards {
		lower := map[string]string{}
		for k, v := range fields {
			lower[strings.ToLower(k)] = amdSaid(v)
		}
		driver = cmp.Or(driver, lower["driver version"])
		index, isCard := strings.CutPrefix(name, "card")
		n, err := strconv.Atoi(index)
		if !isCard || err != nil {
			continue
		}
		d := unknownDevice(n)
		d.UUID, d.Name, d.PCIBusID = lower["unique id"], cmp.Or(lower["card series"], lower["device name"], lower["card model"]), lower["pci bus"]
		total, err := strconv.ParseInt(lower["vram total memory (b)"], 10, 64)
		used, usedErr := strconv.ParseInt(lower["vram total used memory (b)"], 10, 64)
		if err == nil {
			d.MemoryBytes = total
		}
		if err == nil && usedErr == nil {
			d.FreeBytes = total - used
		}
		devices = append(devices, d)
	}
	slices.SortFunc(devices, func(a, b Device) int { return a.Index - b.Index })
	return devices, driver
}

// jsonPart is the document in what a tool printed: warnings may stand before it.
func jsonPart(out string) string {
	if i := strings.IndexAny(out, "{["); i >= 0 {
		return out[i:]
	}
	return out
}

func amdSaid(v string) string {
	if v == "N/A" {
		return ""
	}
	return strings.TrimSpace(v)
}
