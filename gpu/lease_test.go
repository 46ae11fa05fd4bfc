//go:build unix

package gpu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newPool(t testing.TB, dir string, devices int) *Pool {
	t.Helper()
	p, err := NewPool(dir, Simulated("H100", devices, 80<<30), CPUs{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func take(t testing.TB, p *Pool, want Want) *Lease {
	t.Helper()
	l, err := p.TryAcquire(want)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// waiting returns a context that ends with the test, after what no test here needs.
func waiting(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestLease(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "anew")
	inv := Simulated("H100", 4, 80<<30)
	cpus := CPUs{Client: []int{8}, Device: map[string][]int{"SIM-0": {2, 0}, "SIM-1": {1, 3}, "SIM-2": {4}, "SIM-3": {5}}}
	p, err := NewPool(dir, inv, cpus)
	if err != nil {
		t.Fatal(err)
	}
	two := take(t, p, Want{Devices: 2})
	if !slices.Equal(two.UUIDs(), []string{"SIM-0", "SIM-1"}) || !slices.Equal(two.CPUs, []int{0, 1, 2, 3}) {
		t.Errorf("%v on CPUs %v", two.UUIDs(), two.CPUs)
	}
	if _, err := p.TryAcquire(Want{Devices: 3}); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "2 of 4 are free, 3 are wanted") {
		t.Errorf("%v", err)
	}
	if _, err := p.TryAcquire(Want{Devices: 1, Of: []string{"SIM-1"}}); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	named := take(t, p, Want{Devices: 1, Of: []string{"SIM-1", "SIM-3"}})
	if !slices.Equal(named.UUIDs(), []string{"SIM-3"}) {
		t.Errorf("%v", named.UUIDs())
	}
	held := Holders(t.Context(), dir, inv.Devices)
	if me := fmt.Sprintf("process %d", os.Getpid()); len(held) != 3 || !strings.Contains(held["SIM-3"], me) || held["SIM-2"] != "" {
		t.Errorf("%v", held)
	}
	two.Release()
	two.Release()
	named.Release()
	take(t, p, Want{Devices: 4}).Release()
}

func TestLeaseNever(t *testing.T) {
	inv := Simulated("H100", 2, 80<<30)
	inv.Devices[1].unusable("MIG is on")
	p, err := NewPool(t.TempDir(), inv, CPUs{})
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[int]string{
		2: "2 GPUs are wanted, and 1 of 2 can be used: GPU 0 can be used; GPU 1 is not usable: MIG is on; ask for fewer, and see `harness gpu`",
		0: "a lease of 0 devices is wanted: at least 1 must be",
	} {
		if _, err := p.Acquire(waiting(t), Want{Devices: want}); err == nil || err.Error() != text {
			t.Errorf("%d: %v", want, err)
		}
	}
	if _, err := p.Acquire(waiting(t), Want{Devices: 1, Of: []string{"SIM-1", "SIM-7"}}); err == nil || err.Error() != "1 devices are wanted of SIM-1, SIM-7, and 0 of these can be used" {
		t.Errorf("%v", err)
	}
	none, err := NewPool(t.TempDir(), Inventory{Reason: "nvidia-smi is not on PATH"}, CPUs{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Acquire(waiting(t), Want{Devices: 1}); err == nil || err.Error() != "1 GPU is wanted, and there is none: nvidia-smi is not on PATH (`harness gpu` looks again)" {
		t.Errorf("%v", err)
	}
}

func TestAcquireWaits(t *testing.T) {
	dir := t.TempDir()
	here, there := newPool(t, dir, 2), newPool(t, dir, 2) // another pool is as another process
	for name, first := range map[string]*Pool{"the same pool": here, "another": there} {
		t.Run(name, func(t *testing.T) {
			one := take(t, first, Want{Devices: 1})
			got := make(chan *Lease)
			go func() {
				l, err := here.Acquire(waiting(t), Want{Devices: 2})
				if err != nil {
					t.Error(err)
				}
				got <- l
			}()
			// One that waits is served before those that come later and want less.
			for ctx := waiting(t); ctx.Err() == nil; {
				l, err := there.TryAcquire(Want{Devices: 1})
				if err != nil && strings.Contains(err.Error(), "another waits") {
					break
				}
				if err == nil {
					l.Release()
				}
			}
			one.Release()
			if l := <-got; l != nil {
				l.Release()
			}
		})
	}
	all := take(t, here, Want{Devices: 2})
	defer all.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := there.Acquire(ctx, Want{Devices: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Many at once, in two pools: no device is leased twice, and nobody waits for ever.
func TestAcquireTogether(t *testing.T) {
	dir := t.TempDir()
	pools := []*Pool{newPool(t, dir, 8), newPool(t, dir, 8)}
	var users [8]atomic.Int32
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for range 20 {
				l, err := pools[w%2].Acquire(waiting(t), Want{Devices: 1 + rng.IntN(8)})
				if err != nil {
					t.Error(err)
					return
				}
				for _, d := range l.Devices {
					if users[d.Index].Add(1) != 1 {
						t.Errorf("%s is leased twice", d.UUID)
					}
				}
				for _, d := range l.Devices {
					users[d.Index].Add(-1)
				}
				l.Release()
			}
		}()
	}
	wg.Wait()
}

// TestHoldAll is no test: it is the process that TestKilledOwner kills.
func TestHoldAll(t *testing.T) {
	dir := os.Getenv("HARNESS_TEST_HOLD")
	if dir == "" {
		t.Skip("the child of TestKilledOwner")
	}
	take(t, newPool(t, dir, 8), Want{Devices: 6})
	if _, err := Reserve(t.Context(), dir, Simulated("H100", 8, 80<<30), Want{Devices: 2, Of: []string{"SIM-6", "SIM-7"}}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	select {}
}

// Who is killed holds nothing any more; before, its devices cannot be had.
func TestKilledOwner(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldAll$")
	cmd.Env = append(os.Environ(), "HARNESS_TEST_HOLD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for in := bufio.NewScanner(out); in.Scan() && in.Text() != "held"; {
	}
	p := newPool(t, dir, 8)
	if _, err := p.TryAcquire(Want{Devices: 3}); !errors.Is(err, ErrBusy) {
		t.Errorf("3 of 8, 6 being held: %v", err)
	}
	if held := Holders(t.Context(), dir, p.inv.Devices); len(held) != 6 {
		t.Errorf("held: %v", held)
	}
	runs := Reserved(t.Context(), dir)
	if child := fmt.Sprintf("process %d on", cmd.Process.Pid); len(runs) != 2 || !strings.Contains(runs["SIM-7"], child) {
		t.Errorf("runs: %v", runs)
	}
	if err := cmd.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	l, err := p.Acquire(waiting(t), Want{Devices: 8})
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
	if runs := Reserved(t.Context(), dir); len(runs) != 0 {
		t.Errorf("a run that was killed: %v", runs)
	}
}

func TestFault(t *testing.T) {
	p := newPool(t, t.TempDir(), 2)
	if p.Fault("SIM-0", "Xid 31") || len(p.Inventory().Usable()) != 2 {
		t.Error("set aside at the first fault")
	}
	after := take(t, p, Want{Devices: 1})
	if after.Devices[0].UUID != "SIM-1" {
		t.Errorf("leased %v, which had a fault, and another was free", after.UUIDs())
	}
	take(t, p, Want{Devices: 1}).Release() // it alone is free: it is used
	after.Release()
	if !p.Fault("SIM-0", "Xid 79: fallen off the bus") || len(p.Inventory().Usable()) != 1 {
		t.Error("not set aside at the second fault")
	}
	l := take(t, p, Want{Devices: 1})
	defer l.Release()
	if l.Devices[0].UUID != "SIM-1" {
		t.Errorf("leased %v", l.UUIDs())
	}
	if _, err := p.TryAcquire(Want{Devices: 2}); err == nil || errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "set aside after 2 faults, the last: Xid 79") {
		t.Errorf("%v", err)
	}
}

func TestPoolFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPool(filepath.Join(file, "below"), Inventory{}, CPUs{}); err == nil || !strings.Contains(err.Error(), "HARNESS_GPU_LOCKS") {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	newPool(t, dir, 1)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 {
		t.Errorf("%v %v: other users must be able to lock", info.Mode(), err)
	}
	// A link in the folder, which anyone may write to, is not followed.
	if err := os.Symlink(file, filepath.Join(dir, "SIM-0")); err != nil {
		t.Fatal(err)
	}
	if _, err := newPool(t, dir, 1).TryAcquire(Want{Devices: 1}); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	t.Setenv("HARNESS_GPU_LOCKS", "/somewhere")
	if LockDir() != "/somewhere" {
		t.Error(LockDir())
	}
}

func BenchmarkLease(b *testing.B) {
	p := newPool(b, b.TempDir(), 8)
	for b.Loop() {
		l, err := p.TryAcquire(Want{Devices: 2})
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}
