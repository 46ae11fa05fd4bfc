package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrBusy says that there are devices enough, and not enough of them are free now.
var ErrBusy = errors.New("the devices are in use")

// LockDir is the folder of the locks that all harnesses on a machine share:
// $HARNESS_GPU_LOCKS, or one in memory, as a folder on a network may not lock. A
// container has a /dev/shm of its own: mount one folder into all that share GPUs, and
// name it; without, Gate's look for foreign processes is what keeps them apart.
func LockDir() string {
	if dir := os.Getenv("HARNESS_GPU_LOCKS"); dir != "" {
		return dir
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm/harness-gpu"
	}
	return filepath.Join(os.TempDir(), "harness-gpu")
}

// A Want is what a lease must be.
type Want struct {
	Devices int      // at least 1
	Of      []string // UUIDs to choose among; nil: any
}

// A Pool leases the devices of one machine, each to one trial at a time: within this
// process, and among all that share the folder of the locks. Its methods may be called
// from several goroutines.
type Pool struct {
	dir string
	inv Inventory // devices that are not usable included: errors name them
	cpu CPUs

	mu     sync.Mutex
	faults map[string]int
	aside  map[string]string // UUID to why
	freed  chan struct{}     // closed when a lease of this process ends
}

// NewPool makes the folder of the locks and leases the usable devices of inv.
// cpus may be the zero value: then leases have no CPUs.
func NewPool(dir string, inv Inventory, cpus CPUs) (*Pool, error) {
	if err := sharedFolder(dir); err != nil {
		return nil, fmt.Errorf("folder of the device locks: %w; name another one in HARNESS_GPU_LOCKS", err)
	}
	return &Pool{dir: dir, inv: inv, cpu: cpus, faults: map[string]int{}, aside: map[string]string{}, freed: make(chan struct{})}, nil
}

// A Lease is some devices that nobody else uses until Release.
type Lease struct {
	Devices []Device // by index
	CPUs    []int    // that the server may run on, sorted; nil: any

	pool  *Pool
	locks []*os.File
	once  sync.Once
}

// UUIDs are the devices' as CUDA_VISIBLE_DEVICES takes them.
func (l *Lease) UUIDs() []string {
	var out []string
	for _, d := range l.Devices {
		out = append(out, d.UUID)
	}
	return out
}

// Release gives the devices back. Further calls do nothing.
func (l *Lease) Release() {
	l.once.Do(func() {
		for _, f := range l.locks {
			unlock(f)
		}
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		close(l.pool.freed)
		l.pool.freed = make(chan struct{})
	})
}

// lookAgain is how often a waiting Acquire looks whether another process has freed
// devices; an end in this process is noticed at once.
const lookAgain = 50 * time.Millisecond

// Acquire waits until there are devices and leases them. Who began to wait first, in
// whatever process, is served first, so that one who wants many gets them. An error is
// ctx's, or says that there are too few devices for this want to be ever met.
func (p *Pool) Acquire(ctx context.Context, want Want) (*Lease, error) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var turn *os.File // held: this is the next to be served
	defer func() { unlock(turn) }()
	for {
		freed := p.nextFreed()
		lease, err := p.try(ctx, want, &turn, true)
		if !errors.Is(err, ErrBusy) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-freed:
		case <-tick.C:
		}
	}
}

// TryAcquire leases devices if they are free now and no Acquire waits for its own;
// ErrBusy says that they are not. Other errors are Acquire's.
func (p *Pool) TryAcquire(want Want) (*Lease, error) {
	var turn *os.File
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lease, err := p.try(ctx, want, &turn, false)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: another process holds %s", ErrBusy, filepath.Join(p.dir, doorName))
	}
	return lease, err
}

// Holders tells which of the pool's devices are leased now, by UUID, and by whom.
func (p *Pool) Holders() map[string]string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return Holders(ctx, p.dir, p.inv.Devices)
}

func (p *Pool) nextFreed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.freed
}

// lease takes the best group of free devices. The caller holds the door and the turn.
func (p *Pool) lease(want Want) (*Lease, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	devices, err := p.inventory().candidates(want)
	if err != nil {
		return nil, err
	}
	var free []int
	locks := make([]*os.File, len(devices))
	defer func() {
		for _, f := range locks {
			unlock(f)
		}
	}()
	for i, d := range devices {
		if locks[i], err = lockFile(lockPath(p.dir, d)); err != nil {
			return nil, fmt.Errorf("lock of GPU %d: %w; name another folder in HARNESS_GPU_LOCKS", d.Index, err)
		}
		if locks[i] != nil {
			free = append(free, i)
		}
	}
	if len(free) < want.Devices {
		return nil, fmt.Errorf("%w: %d of %d are free, %d are wanted", ErrBusy, len(free), len(devices), want.Devices)
	}
	lease := &Lease{pool: p}
	for _, i := range choose(devices, p.inv.Links, p.sound(devices, free, want.Devices), want.Devices) {
		if err := sign(locks[i]); err != nil {
			return nil, fmt.Errorf("lock of GPU %d: %w", devices[i].Index, err)
		}
		lease.Devices = append(lease.Devices, devices[i])
		lease.CPUs = append(lease.CPUs, p.cpu.Device[devices[i].UUID]...)
	}
	for _, d := range lease.Devices {
		i := slices.IndexFunc(devices, func(o Device) bool { return o.UUID == d.UUID })
		lease.locks, locks[i] = append(lease.locks, locks[i]), nil
	}
	slices.Sort(lease.CPUs)
	return lease, nil
}

// lockPath is a device's lock. UUIDs are plain names; what else may come is made one.
func lockPath(dir string, d Device) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == os.PathSeparator || r == 0 {
			return '_'
		}
		return r
	}, d.UUID)
	return filepath.Join(dir, name)
}

// candidates are the devices that a want may be met with, free or not; an error where
// they are too few.
func (v Inventory) candidates(want Want) ([]Device, error) {
	if want.Devices < 1 {
		return nil, fmt.Errorf("a lease of %d devices is wanted: at least 1 must be", want.Devices)
	}
	var devices []Device
	for _, d := range v.Usable() {
		if want.Of == nil || slices.Contains(want.Of, d.UUID) {
			devices = append(devices, d)
		}
	}
	if len(devices) < want.Devices {
		if err := v.Need(want.Devices); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%d devices are wanted of %s, and %d of these can be used", want.Devices, strings.Join(want.Of, ", "), len(devices))
	}
	return devices, nil
}
