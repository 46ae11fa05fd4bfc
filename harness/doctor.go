package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"harness/gpu"
	"harness/harness/engine"
	"harness/space"
)

func (a *app) doctorCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "doctor",
		Usage: "say what this machine can run and how well it can measure, and how to mend the rest",
		Description: "Each line is ok, warn (measuring works, and this may spoil or slow it), or miss (something cannot be done).\n" +
			"Exit status: 0, or 1 where no engine can be run or no study can be written.",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "root", Usage: "the `DIR` that holds studies", Value: studiesRoot}, jsonFlag},
		Action: a.doctor,
	}, false)
}

// Verdicts of a finding.
const (
	fine    = "ok"
	doubt   = "warn"
	missing = "miss"
)

// A finding is one thing that was looked at.
type finding struct {
	About   string `json:"about"`
	Verdict string `json:"verdict"` // ok | warn | miss
	Text    string `json:"text"`
	Mend    string `json:"mend,omitempty"` // a command or what to do
	vital   bool   // nothing can be done without
}

func (a *app) doctor(c *cli.Context) error {
	inventory, err := gpu.List(a.ctx)
	if err != nil {
		return err
	}
	engines := make([]finding, len(realEngines))
	var g errgroup.Group
	for i, name := range realEngines {
		g.Go(func() (err error) {
			engines[i], err = a.lookAtEngine(name, inventory)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	host := lookAtHost(c.String("root"))
	findings := append(judgeGPUs(inventory), engines...)
	findings = append(findings, finding{About: "simulator", Verdict: fine, Text: "built in: --engine sim; its numbers are simulated, and say so"})
	findings = append(findings, host.judge()...)
	if c.Bool("json") {
		err = a.printJSON(map[string]any{"findings": findings})
	} else {
		err = a.printFindings(findings)
	}
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.vital && f.Verdict == missing {
			return &exitError{status: exitFailed}
		}
	}
	return nil
}

func (a *app) printFindings(findings []finding) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Verdict, f.About, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(w, "\t\t  -> %s\n", f.Mend)
		}
	}
	return w.Flush()
}

// realEngines are those that --engine auto looks for.
var realEngines = []string{"sglang", "vllm", "llamacpp"}

// lookAtEngine asks an engine's program for its version, as a sweep would.
func (a *app) lookAtEngine(name string, inventory gpu.Inventory) (finding, error) {
	spec, err := space.Load(defaultSpace[name])
	if err != nil {
		return finding{}, err
	}
	f := finding{About: name, Verdict: missing, Mend: spec.Server.Deploy.Install}
	launch := engine.Launch{Engine: name, Server: spec.Server}
	if launch.Bin, err = engine.Find(spec.Server, "", quickstartBins()...); err != nil {
		f.Text = err.Error()
		return f, nil
	}
	version, err := engine.Version(a.ctx, launch)
	if err != nil {
		f.Text = fmt.Sprintf("%s does not run it: %s", launch.Bin, lastLine(err.Error()))
		return f, nil
	}
	f.Text = fmt.Sprintf("%s, by %s", version, launch.Bin)
	if spec.Server.NeedsGPU && len(inventory.Usable()) == 0 {
		f.Text, f.Mend = f.Text+"; it needs a GPU, and none can be used", ""
		return f, nil
	}
	f.Verdict, f.Mend = fine, ""
	return f, nil
}

func lastLine(text string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '\n' && i < len(text)-1 {
			return text[i+1:]
		}
	}
	return text
}

// judgeGPUs says which GPUs there are, and what of their state disturbs measuring.
func judgeGPUs(v gpu.Inventory) []finding {
	if len(v.Devices) == 0 {
		return []finding{{About: "GPUs", Verdict: missing, Text: "none: " + v.Reason, Mend: "install NVIDIA's driver, or give the container its GPUs (docker run --gpus all); llama.cpp on the CPU and the simulator need none"}}
	}
	list := []finding{{About: "GPUs", Verdict: fine, Text: fmt.Sprintf("%d of %d can be used; driver %s", len(v.Usable()), len(v.Devices), v.Driver)}}
	if len(v.Usable()) == 0 {
		list[0].Verdict = missing
	}
	for _, d := range v.Devices {
		name := fmt.Sprintf("GPU %d", d.Index)
		if !d.Usable {
			list = append(list, finding{About: name, Verdict: doubt, Text: fmt.Sprintf("%s: not usable: %s", d.Name, d.WhyNot)})
			continue
		}
		if what := d.Occupied(); what != "" {
			list = append(list, finding{About: name, Verdict: doubt, Text: d.Name + ": " + what + ": no trial begins beside it", Mend: "see `harness gpu` or nvidia-smi for what it is, and end it"})
		}
		if !d.Persistence {
			list = append(list, finding{About: name, Verdict: doubt, Text: d.Name + ": persistence mode is off: each launch waits for the driver to load", Mend: fmt.Sprintf("sudo nvidia-smi -i %d -pm 1", d.Index)})
		}
	}
	for _, w := range v.Warnings {
		list = append(list, finding{About: "GPUs", Verdict: doubt, Text: w})
	}
	return list
}
