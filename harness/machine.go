package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"harness/gpu"
	"harness/harness/executor"
	"harness/harness/study"
)

// machineFlags say how the machine is used: sweep and refine have them.
var machineFlags = []cli.Flag{
	&cli.StringFlag{Name: "parallel", Usage: "most trials at a time, each on GPUs of its own: auto, or a `NUMBER`; 1 forbids. Before trials share the machine, a test must show that neighbours change no objective by more than 3 %", Value: "auto"},
	&cli.BoolFlag{Name: "trust-parallel", Usage: "let trials run beside each other without that test"},
	&cli.Float64Flag{Name: "telemetry-rate", Usage: "readings of each GPU a second", Value: gpu.DefaultRate},
}

// machineOptions are the values of machineFlags.
type machineOptions struct {
	parallel           int // of a study.Goal
	trust              bool
	telemetryPerSecond float64
	reservation        *gpu.Reservation // of the run's GPUs; nil: none was made yet
}

func readMachine(c *cli.Context) (machineOptions, error) {
	o := machineOptions{parallel: study.Auto, trust: c.Bool("trust-parallel"), telemetryPerSecond: c.Float64("telemetry-rate")}
	if text := c.String("parallel"); text != "auto" {
		var err error
		if o.parallel, err = strconv.Atoi(text); err != nil || o.parallel < 1 {
			return o, usagef("--parallel %s: want auto, or 1 or more", text)
		}
	}
	if o.trust && o.parallel == 1 {
		return o, usagef("--trust-parallel needs --parallel auto or more than 1")
	}
	if !(o.telemetryPerSecond > 0 && o.telemetryPerSecond <= 100) {
		return o, usagef("--telemetry-rate %v: want more than 0, and at most 100 a second", o.telemetryPerSecond)
	}
	return o, nil
}

// executor is where a study's trials run: on leased devices, real or simulated, or, of
// an engine that uses none, on the machine as it is.
func (a *app) executor(s *study.Study, o machineOptions, p *progress) (exec *executor.Local, done func(), err error) {
	exec = &executor.Local{Store: s.Store, Watch: p.event, Warn: p.warn, Shared: o.parallel != 1, TelemetryPerSecond: o.telemetryPerSecond}
	inv, uuids, err := a.studyDevices(s)
	if err != nil || len(uuids) == 0 {
		return exec, func() {}, err
	}
	state, err := s.Load()
	if err != nil {
		return nil, nil, err
	}
	locks := gpu.LockDir()
	if s.Lock.Simulated && os.Getenv(lockVariable) == "" {
		locks = filepath.Join(s.Store.Dir, ".devices") // those of each study are its own
	}
	if o.reservation == nil { // no plan has told of it
		if o.reservation, err = gpu.Reserve(a.ctx, locks, inv, gpu.Want{Devices: len(uuids), Of: uuids}); err != nil {
			return nil, nil, err
		}
		if shared := o.reservation.Shared; shared != "" {
			p.warn(shared + ": trials take turns")
		}
	}
	if exec.Machine, err = executor.NewMachine(locks, inv, uuids, state.Trials); err != nil {
		o.reservation.Release()
		return nil, nil, err
	}
	restore, err := exec.Machine.KeepToClientCPUs()
	done = func() {
		exec.Close()
		restore()
		o.reservation.Release()
	}
	if err != nil {
		p.warn(fmt.Sprintf("the load generator shares its CPUs with the servers: %v", err))
	}
	return exec, done, nil
}

// lockVariable names the folder of device locks; set, simulated devices are shared
// between studies as real ones are.
const lockVariable = "HARNESS_GPU_LOCKS"

// studyDevices are the devices that a study may use, none where its engine uses none,
// and what is known of them now.
func (a *app) studyDevices(s *study.Study) (gpu.Inventory, []string, error) {
	if s.Lock.Simulated {
		var uuids []string
		n, _ := s.Lock.Facts["device_num"].AsInt()
		memory, _ := s.Lock.Facts["gpu_mem_mib"].AsInt()
		inv := gpu.Simulated("GPU", int(n), memory<<20)
		for _, d := range inv.Devices {
			uuids = append(uuids, d.UUID)
		}
		return inv, uuids, nil
	}
	uuids := uuidsOf(s.Lock.GPUs)
	if len(uuids) == 0 {
		return gpu.Inventory{}, nil, nil
	}
	inv, err := gpu.List(a.ctx)
	return inv, uuids, err
}

// parallelText says in a plan how many trials may run at a time.
func (o machineOptions) parallelText(s study.Lock, devices, perTrial int) string {
	switch {
	case o.parallel == 1:
		return "one trial at a time (--parallel 1)"
	case perTrial == 0:
		return "one trial at a time: each server has all of the machine"
	case devices <= 1:
		return "one trial at a time, on one GPU"
	}
	most := devices
	if o.parallel > 1 {
		most = min(most, o.parallel)
	}
	switch {
	case o.trust:
		return fmt.Sprintf("up to %d trials at a time, as their GPUs allow; not tested for interference (--trust-parallel)", most)
	case s.Interference != nil:
		return s.Interference.Text(most)
	}
	return fmt.Sprintf("up to %d trials at a time, as their GPUs allow, if a test shows that neighbours change no objective by more than 3 %%", most)
}
