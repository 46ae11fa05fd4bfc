package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/results/report"
)

func (a *app) gpuCommand() *cli.Command {
	return command(&cli.Command{
		Name:   "gpu",
		Usage:  "list the GPUs, how they are linked, who uses them, and which can be used",
		Flags:  []cli.Flag{jsonFlag},
		Action: a.gpus,
	}, false)
}

// gpuJSON is what `harness gpu --json` prints.
type gpuJSON struct {
	gpu.Inventory
	Leases map[string]string `json:"leases"` // by UUID: which harness has it now
	Runs   map[string]string `json:"runs"`   // by UUID: which harness's run of a study is on it, be it leased now or not
	CPUs   gpu.CPUs          `json:"cpus"`   // how servers and load generator would share them
}

func (a *app) gpus(c *cli.Context) error {
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return err
	}
	locks := gpu.LockDir()
	doc := gpuJSON{inventory, gpu.Holders(a.ctx, locks, inventory.Devices), gpu.Reserved(a.ctx, locks), gpu.SplitCPUs(gpu.Host(), inventory.Usable())}
	if c.Bool("json") {
		return a.printJSON(doc)
	}
	for _, w := range inventory.Warnings {
		fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
	if len(inventory.Devices) == 0 {
		_, err := fmt.Fprintf(a.stdout, "No GPU: %s.\nWhat runs without one: %s doctor\n", inventory.Reason, a.program)
		return err
	}
	return doc.print(a.stdout)
}

func (d gpuJSON) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, driver %s (by %s)\n\n", report.Plural(len(d.Devices), "GPU"), cmp.Or(d.Driver, "not known"), d.Source)
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "  GPU\tname\tmemory\tfree\tcompute\tPCIe\tNUMA\tlimit\ttemperature\tusable")
	for _, g := range d.Devices {
		fmt.Fprintf(tw, "  %d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.Index, g.Name, mib(g.MemoryBytes, 0), mib(g.FreeBytes, -1), cmp.Or(g.ComputeCapability, "-"),
			pcie(g), orDash(float64(g.NUMANode), -1, ""), orDash(g.PowerLimitWatts, 0, " W"), orDash(g.TemperatureC, -1, " °C"), d.state(g))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, g := range d.Devices {
		fmt.Fprintf(out, "  GPU %d  %s  %s\n", g.Index, cmp.Or(g.UUID, "UUID not known"), settings(g))
		for _, m := range g.Instances {
			fmt.Fprintf(out, "         MIG %s  %s\n", m.Profile, m.UUID)
		}
		for _, p := range g.Processes {
			fmt.Fprintf(out, "         process %d (%s), memory %s\n", p.PID, cmp.Or(p.Name, "name not known"), mib(p.MemoryBytes, -1))
		}
	}
	if len(d.Links) > 0 {
		fmt.Fprintln(out)
		if err := d.matrix(out); err != nil {
			return err
		}
	}
	return d.printCPUs(out)
}

// settings are a device's clocks and modes, those that are known.
func settings(g gpu.Device) string {
	onOff := map[bool]string{true: "on", false: "off"}
	var parts []string
	if g.MaxSMClockMHz > 0 {
		parts = append(parts, fmt.Sprintf("clock %s of %.0f MHz, memory %s", orDash(g.SMClockMHz, 0, ""), g.MaxSMClockMHz, orDash(g.MaxMemoryClockMHz, 0, " MHz")))
	}
	parts = append(parts, "ECC "+onOff[g.ECC], "persistence "+onOff[g.Persistence])
	if g.PCIBusID != "" {
		parts = append(parts, "PCI "+g.PCIBusID)
	}
	return strings.Join(parts, ", ")
}

// state is a device's, in a word or a line.
func (d gpuJSON) state(g gpu.Device) string {
	switch holder := d.Leases[g.UUID]; {
	case !g.Usable:
		return "no: " + g.WhyNot
	case holder != "":
		return "in use by " + holder
	case d.Runs[g.UUID] != "":
		return "yes, beside a study's run: " + d.Runs[g.UUID]
	case g.Occupied() != "":
		return "occupied: it " + g.Occupied()
	}
	return "yes"
}

// matrix prints the links as nvidia-smi does.
func (d gpuJSON) matrix(out io.Writer) error {
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	kind := map[[2]int]string{}
	for _, l := range d.Links {
		kind[[2]int{l.A, l.B}], kind[[2]int{l.B, l.A}] = l.Type, l.Type
	}
	row := []string{""}
	for _, g := range d.Devices {
		row = append(row, strconv.Itoa(g.Index))
	}
	fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	for _, a := range d.Devices {
		row = []string{strconv.Itoa(a.Index)}
		for _, b := range d.Devices {
			row = append(row, cmp.Or(kind[[2]int{a.Index, b.Index}], "-"))
		}
		fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	}
	return tw.Flush()
}

func (d gpuJSON) printCPUs(out io.Writer) error {
	fmt.Fprintln(out)
	if d.CPUs.WhyNot != "" {
		_, err := fmt.Fprintf(out, "  CPUs are shared by servers and load generator: %s\n", d.CPUs.WhyNot)
		return err
	}
	for _, g := range d.Devices {
		if cpus := d.CPUs.Device[g.UUID]; cpus != nil {
			fmt.Fprintf(out, "  CPUs of GPU %d           %s\n", g.Index, gpu.Ranges(cpus))
		}
	}
	_, err := fmt.Fprintf(out, "  CPUs of load generator  %s\n", gpu.Ranges(d.CPUs.Client))
	return err
}

// orDash is a number with its unit, or - where it has the value that says that it is
// not known.
func orDash(v, not float64, unit string) string {
	if v == not {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + unit
}

func mib(bytes, not int64) string {
	if bytes == not {
		return "-"
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

func pcie(g gpu.Device) string {
	if g.PCIeGeneration == 0 || g.PCIeWidth == 0 {
		return "-"
	}
	return fmt.Sprintf("%d.0 x%d", g.PCIeGeneration, g.PCIeWidth)
}
