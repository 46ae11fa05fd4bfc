package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func (v *Inventory) warn(what string, err error) {
	if err != nil {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s are not known: %v", what, err))
	}
}

// listSMI is the inventory that nvidia-smi gives; the error is the Reason where there is
// none.
func listSMI(ctx context.Context, root fs.FS) (Inventory, error) {
	inv := Inventory{Devices: []Device{}, Links: []Link{}, Source: sourceSMI}
	asked, out, err := knownFields(ctx, fields, mustHave)
	devices, warnings := parseDevices(out, asked)
	if len(devices) == 0 {
		if err == nil {
			err = errors.New(reasonOf(sourceSMI, out))
		}
		return inv, err
	}
	inv.Devices, inv.Warnings, inv.Driver = devices, warnings, devices[0].DriverVersion
	anyMIG := false
	for i := range devices {
		devices[i].NUMANode = numaNode(root, devices[i].PCIBusID)
		anyMIG = anyMIG || devices[i].MIG
	}
	processes, instances, links := ask(ctx, true, askProcesses...), ask(ctx, anyMIG, "-L"), ask(ctx, len(devices) > 1, "topo", "-m")
	if p := <-processes; p.err == nil {
		addProcesses(devices, p.text)
	} else {
		inv.warn("processes on the GPUs", p.err)
	}
	if i, asked := <-instances; asked {
		inv.warn("MIG instances", i.err)
		addInstances(devices, i.text)
	}
	if l, asked := <-links; asked {
		inv.warn("links between the GPUs", l.err)
		inv.Links = parseLinks(l.text)
	}
	return inv, nil
}

// reply is what nvidia-smi printed, and how it ended.
type reply struct {
	text string
	err  error
}

// ask asks nvidia-smi while others are asked: each time it takes a good part of a second
// where there are many devices. What is not to be asked is a closed channel.
func ask(ctx context.Context, wanted bool, args ...string) <-chan reply {
	c := make(chan reply, 1)
	if !wanted {
		close(c)
		return c
	}
	go func() {
		text, err := smi(ctx, args...)
		c <- reply{text, err}
	}()
	return c
}

// knownFields asks for fields of the devices, but for those that this nvidia-smi does
// not know. It returns the ones that it knows, and what it printed. The first must of
// them have to be known.
func knownFields(ctx context.Context, asked []string, must int, more ...string) (known []string, out string, err error) {
	for {
		out, err = smi(ctx, append(more, "--query-gpu="+strings.Join(asked, ","), "--format=csv,noheader,nounits")...)
		rest, ok := withoutUnknown(asked, must, out)
		if !ok {
			return asked, out, err
		}
		asked = rest
	}
}

// askProcesses lists the processes that compute; nvidia-smi lists those that draw nowhere
// but among the text for people.
var askProcesses = []string{"--query-compute-apps=gpu_uuid,pid,used_memory,process_name", "--format=csv,noheader,nounits"}

var errNoSMI = errors.New("nvidia-smi is not on PATH: there is no NVIDIA driver, or this is a container without its tools")

// smi runs nvidia-smi and returns what it printed. It fails where it cannot be
// run, does not end in time, or ends in failure; what it printed comes either way.
func smi(ctx context.Context, args ...string) (string, error) {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return "", errNoSMI
	}
	return output(ctx, path, args...)
}

// output runs a tool and returns what it printed. An end that its context forced, or
// that it ended in failure, is an error; what it printed comes either way.
func output(ctx context.Context, path string, args ...string) (string, error) {
	name := filepath.Base(path)
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &out // they put their complaints on either
	cmd.WaitDelay = 100 * time.Millisecond
	killGroup(cmd)
	err := bounded(ctx, cmd.Run)
	if errors.Is(err, errStuck) {
		return "", fmt.Errorf("%s cannot even be killed: the driver hangs; restart the machine", name) // what it printed is still its own
	}
	text := out.String()
	switch {
	case err == nil:
		return text, nil
	case ctx.Err() != nil:
		question, _, _ := strings.Cut(args[0], "=")
		return text, fmt.Errorf("%s %s did not end in time and was killed: the driver hangs, or takes long to load; try it by hand", name, question)
	case text == "":
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return text, errors.New(reasonOf(name, text))
}

// errStuck is the end of what did not end with its context.
var errStuck = errors.New("it does not end")

// stuckAfter is how long after its context what is killed may take to end. A process
// that waits for a driver in the kernel does not.
const stuckAfter = time.Second

// bounded returns what run does, or errStuck where it is not over soon after the end of
// its context: then it is left behind.
func bounded(ctx context.Context, run func() error) error {
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	limit := time.NewTimer(stuckAfter)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
		return errStuck
	}
}

// numaNode is the NUMA node that the device is near to, by its PCI address, or -1.
func numaNode(root fs.FS, bus string) int {
	domain, rest, ok := strings.Cut(strings.ToLower(bus), ":")
	if !ok || len(domain) < 4 {
		return -1
	}
	b, err := fs.ReadFile(root, "sys/bus/pci/devices/"+domain[len(domain)-4:]+":"+rest+"/numa_node")
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n < 0 {
		return -1
	}
	return n
}
