package executor

import (
	"fmt"
	"slices"
	"strings"

	"harness/gpu"
	"harness/harness/engine"
	"harness/results"
)

// Machine is what of this machine a study's trials run on.
type Machine struct {
	Pool  *gpu.Pool
	Gate  *gpu.Gate
	CPUs  gpu.CPUs
	UUIDs []string // devices that the study may use
	All   []int    // CPUs that this process could run on when it began; nil: not known

	open func(uuids []string) (gpu.Source, error)
}

// NewMachine leases devices of an inventory, real or simulated, to the trials of a
// study; locks is the folder of their locks. known are the study's trials so far: the
// faults of devices among them count.
func NewMachine(locks string, inv gpu.Inventory, uuids []string, known []results.Trial) (*Machine, error) {
	cpus := gpu.CPUs{WhyNot: "devices are simulated"}
	if inv.Source != gpu.SourceSimulated {
		cpus = gpu.SplitCPUs(gpu.Host(), inv.Usable())
	}
	pool, err := gpu.NewPool(locks, inv, cpus)
	if err != nil {
		return nil, err
	}
	for _, t := range known {
		if t.FailureClass == engine.GPUFault {
			for _, uuid := range Faulty(t) {
				pool.Fault(uuid, "trial "+t.TrialID+": "+t.FailureLine)
			}
		}
	}
	return &Machine{Pool: pool, Gate: gpu.NewGate(inv, gpu.Limits{}), CPUs: cpus, UUIDs: uuids, All: affinity(),
		open: func(uuids []string) (gpu.Source, error) { return gpu.OpenSource(inv, uuids) }}, nil
}

// usable are the devices that a trial may still have.
func (m *Machine) usable() []gpu.Device {
	return slices.DeleteFunc(m.Pool.Inventory().Usable(), func(d gpu.Device) bool { return !slices.Contains(m.UUIDs, d.UUID) })
}

// lost says what became of the devices that are not usable any more.
func (m *Machine) lost() string {
	var list []string
	for _, d := range m.Pool.Inventory().Devices {
		if !d.Usable && slices.Contains(m.UUIDs, d.UUID) {
			list = append(list, d.UUID+" "+d.WhyNot)
		}
	}
	if len(list) == 0 {
		return "the study has no more"
	}
	return strings.Join(list, "; ")
}

// heldByOthers tells which devices other processes have leased, and whose they are.
func (m *Machine) heldByOthers() string {
	var list []string
	holders := m.Pool.Holders()
	for _, d := range m.usable() {
		if who := holders[d.UUID]; who != "" && !gpu.Own(who) {
			list = append(list, fmt.Sprintf("GPU %d is leased by %s", d.Index, who))
		}
	}
	return strings.Join(list, "; ")
}

// serverCPUs are those that a server may run on, nil for all: the load generator's are
// never among them, and where trials share the machine only those near its devices.
func (m *Machine) serverCPUs(lease *gpu.Lease, shared bool) []int {
	if m.CPUs.Client == nil {
		return nil
	}
	if shared {
		return lease.CPUs
	}
	return slices.DeleteFunc(slices.Clone(m.All), func(cpu int) bool { return slices.Contains(m.CPUs.Client, cpu) })
}

// KeepToClientCPUs moves this process, and so its load generator, to the CPUs that no
// server has, until restore is called. Without a split of the CPUs it does nothing.
func (m *Machine) KeepToClientCPUs() (restore func(), err error) {
	if m.CPUs.Client == nil || m.All == nil {
		return func() {}, nil
	}
	if err := setAffinity(m.CPUs.Client); err != nil {
		return func() {}, err
	}
	return func() { _ = setAffinity(m.All) }, nil
}
