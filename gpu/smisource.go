package gpu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// smiEvery is how often nvidia-smi prints. Each time it asks the driver for far more
// than is wanted: ten times a second would take a good part of a core.
const smiEvery = time.Second

// smiMetrics are the fields of a reading in nvidia-smi's names. It has no energy counter.
var smiMetrics = []struct {
	field  string
	metric Metric
	scale  float64
}{
	{"uuid", -1, 0}, {"power.draw", Power, 1}, {"utilization.gpu", Utilization, 0.01}, {"utilization.memory", MemoryUtilization, 0.01},
	{"memory.used", MemoryUsed, 1 << 20}, {"clocks.sm", SMClock, 1}, {"clocks.mem", MemoryClock, 1}, {"temperature.gpu", Temperature, 1},
	{"clocks_throttle_reasons.active", Throttle, 1}, {"clocks_event_reasons.active", Throttle, 1}, // older and newer drivers
	{"ecc.errors.uncorrected.volatile.total", ECCUncorrected, 1}, {"ecc.errors.corrected.volatile.total", ECCCorrected, 1},
}

// parseReading reads one line of what nvidia-smi prints for these fields; ok is false
// where it is no row, and lost is true where the device no longer answers.
func parseReading(line string, fields []string) (r Reading, lost, ok bool) {
	values := strings.Split(strings.TrimSpace(line), ", ")
	if len(values) != len(fields) {
		return r, false, false
	}
	r = unread("")
	for i, field := range fields {
		value := strings.TrimSpace(values[i])
		if field == "uuid" {
			r.Device = said(value)
		}
		lost = lost || broken(value)
		for _, m := range smiMetrics {
			if m.field != field || m.metric < 0 {
				continue
			}
			if v := smiNumber(value); !math.IsNaN(v) {
				r.Values[m.metric] = v * m.scale
			}
		}
	}
	return r, lost, strings.HasPrefix(r.Device, "GPU-")
}

// smiNumber is a number, in hexadecimal too, or NaN.
func smiNumber(v string) float64 {
	if digits, isHex := strings.CutPrefix(v, "0x"); isHex {
		bits, err := strconv.ParseUint(digits, 16, 52) // a float64 holds no more exactly
		if err != nil {
			return math.NaN()
		}
		return float64(bits)
	}
	if n := number(v); n >= 0 {
		return n
	}
	return math.NaN()
}

// smiSource reads what a nvidia-smi prints that goes on until it is closed.
type smiSource struct {
	devices []Device
	uuids   []string
	cancel  context.CancelFunc
	done    chan struct{} // closed when nvidia-smi has ended

	mu     sync.Mutex
	latest map[string]Reading // not given out yet
	err    error
}

// openSMI starts nvidia-smi for these devices, after a look at which fields it knows.
func openSMI(devices []Device) (Source, error) {
	uuids := uuidsOf(devices)
	bounded, cancelLook := context.WithTimeout(context.Background(), bound)
	defer cancelLook()
	var fields []string
	for _, m := range smiMetrics {
		fields = append(fields, m.field)
	}
	fields, first, err := knownFields(bounded, fields, 1, "-i", strings.Join(uuids, ","))
	if err != nil {
		return nil, fmt.Errorf("the GPUs cannot be read: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "nvidia-smi", "-i", strings.Join(uuids, ","), "--query-gpu="+strings.Join(fields, ","),
		"--format=csv,noheader,nounits", fmt.Sprintf("--loop-ms=%d", smiEvery.Milliseconds()))
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	killGroup(cmd)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start nvidia-smi: %w", err)
	}
	s := &smiSource{devices: devices, uuids: uuids, cancel: cancel, done: make(chan struct{}), latest: map[string]Reading{}}
	s.follow(strings.NewReader(first), fields) // so that the first Read has something to say
	go func() {
		defer close(s.done)
		s.follow(out, fields)
		err := cmd.Wait()
		s.fail(fmt.Errorf("nvidia-smi has ended, and the GPUs are read no more: %v", err))
	}()
	return s, nil
}

func (s *smiSource) follow(out io.Reader, fields []string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		r, lost, ok := parseReading(line, fields)
		switch ok = ok && slices.Contains(s.uuids, r.Device); {
		case ok && lost:
			s.fail(&LostError{r.Device, "nvidia-smi says " + line})
		case ok:
			s.mu.Lock()
			s.latest[r.Device] = r
			s.mu.Unlock()
		case broken(line):
			s.fail(&LostError{s.meant(line), line})
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) { // it must not wait for a reader
		_, _ = io.Copy(io.Discard, out)
	}
}

// meant is the device that a complaint of nvidia-smi is about, which names it by its PCI
// address; all of them where it does not.
func (s *smiSource) meant(line string) string {
	for _, d := range s.devices {
		// 00000000:3E:00.0 in a row is GPU0000:3E:00.0 in a sentence.
		if bus := d.PCIBusID; len(bus) > 4 && strings.Contains(strings.ToUpper(line), strings.ToUpper(bus[4:])) {
			return d.UUID
		}
	}
	return strings.Join(s.uuids, " or ")
}

func (s *smiSource) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

func (s *smiSource) Devices() []string { return s.uuids }

// Read gives each line of nvidia-smi once: between two lines nothing is said.
func (s *smiSource) Read(into []Reading) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range into {
		if r, ok := s.latest[into[i].Device]; ok {
			into[i].Values = r.Values
		}
	}
	clear(s.latest)
	return s.err
}

// Processes implements Source.
func (s *smiSource) Processes(ctx context.Context) (map[string][]Process, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	text, err := smi(ctx, askProcesses...)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, len(s.uuids))
	for i, uuid := range s.uuids {
		devices[i].UUID = uuid
	}
	addProcesses(devices, text)
	out := map[string][]Process{}
	for _, d := range devices {
		out[d.UUID] = d.Processes
	}
	return out, nil
}

func (s *smiSource) Close() {
	s.cancel()
	<-s.done
}
