package gpu

import (
	"slices"
	"testing"
)

// The forms of the files: rocm_7900xt.json is that of marimo-team/marimo issue 9237,
// rocm_two_old.json that of mudler/LocalAI pull request 7761 with the field names of
// ROCm 5, amd_smi_mi300x.json that of AMD SMI's "CLI tool usage". Identifiers are made up.
func TestParseAMD(t *testing.T) {
	for _, tt := range []struct {
		file, driver string
		parse        func(string) ([]Device, string)
		want         []Device
	}{
		{"rocm_7900xt.json", "6.10.5", parseROCmSMI, []Device{
			{Index: 0, UUID: "0x6de3a7a3c1c85b28", Name: "Radeon RX 7900 XT", MemoryBytes: 21458059264, FreeBytes: 21458059264 - 27856896, PCIBusID: "0000:03:00.0"}}},
		{"rocm_two_old.json", "", parseROCmSMI, []Device{
			{Index: 0, UUID: "0x9246000000000000", Name: "Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]", MemoryBytes: 17163091968, FreeBytes: 17163091968 - 692142080},
			{Index: 1, Name: "Raphael", MemoryBytes: 67108864, FreeBytes: 67108864 - 26079232}}},
		{"amd_smi_mi300x.json", "6.10.5", parseAMDSMI, []Device{
			{Index: 0, UUID: "0x7E5C7CE3D9A0B0F1", Name: "AMD Instinct MI300X", MemoryBytes: 196592 << 20, FreeBytes: -1, PCIBusID: "0000:05:00.0", PCIeWidth: 16, PowerLimitWatts: 750},
			{Index: 1, UUID: "0x7E5C7CE3D9A0B0F2", Name: "AMD Instinct MI300X", MemoryBytes: 196592 << 20, FreeBytes: -1, PCIBusID: "0000:26:00.0"}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			got, driver := tt.parse(recorded(t, tt.file))
			for i := range tt.want {
				tt.want[i].NUMANode, tt.want[i].TemperatureC, tt.want[i].Usable = -1, -1, true
			}
			if diff := cmpDiff(tt.want, got); diff != "" || driver != tt.driver {
				t.Errorf("driver %q, (-want +got)\n%s", driver, diff)
			}
			wrapped, _ := parseAMDSMI(`{"gpu_data": ` + recorded(t, "amd_smi_mi300x.json") + "}")
			if len(wrapped) != 2 {
				t.Errorf("since AMD SMI 26: %v", wrapped)
			}
		})
	}
	for _, text := range []string{"", "ERROR: no amdgpu", "{}", "[]", `{"card0": 3}`, `{"system": {"Driver version": "6"}}`} {
		if a, _ := parseAMDSMI(text); len(a) > 0 {
			t.Errorf("%q: %v", text, a)
		}
		if a, _ := parseROCmSMI(text); len(a) > 0 {
			t.Errorf("%q: %v", text, a)
		}
	}
}

func FuzzParseAMD(f *testing.F) {
	for _, file := range []string{"rocm_7900xt.json", "rocm_two_old.json", "amd_smi_mi300x.json"} {
		f.Add(recorded(f, file))
	}
	f.Fuzz(func(t *testing.T, text string) {
		parseAMDSMI(text)
		if devices, _ := parseROCmSMI(text); !slices.IsSortedFunc(devices, func(a, b Device) int { return a.Index - b.Index }) {
			t.Error("not in order")
		}
	})
}
