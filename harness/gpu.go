package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"harness/gpu"
)

func (a *app) gpuCommand() *cli.Command {
	return command(&cli.Command{
		Name:   "gpu",
		Usage:  "list the GPUs, and say which can be used",
		Flags:  []cli.Flag{jsonFlag},
		Action: a.gpus,
	}, false)
}

func (a *app) gpus(c *cli.Context) error {
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(inventory)
	}
	if len(inventory.Devices) == 0 {
		_, err := fmt.Fprintf(a.stdout, "No GPU: %s.\n", inventory.Reason)
		return err
	}
	tw := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "index\tname\tmemory\tfree\tcompute\tuuid\tusable")
	for _, d := range inventory.Devices {
		state := "yes"
		if !d.Usable {
			state = "no: " + d.WhyNot
		}
		fmt.Fprintf(tw, "%d\t%s\t%d MiB\t%d MiB\t%s\t%s\t%s\n", d.Index, d.Name, d.MemoryBytes>>20, d.FreeBytes>>20, d.ComputeCapability, d.UUID, state)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, l := range inventory.Links {
		fmt.Fprintf(a.stdout, "GPU %d to GPU %d: %s\n", l.A, l.B, l.Type)
	}
	for _, w := range inventory.Warnings {
		fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
	return nil
}
