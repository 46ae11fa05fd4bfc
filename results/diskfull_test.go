//go:build linux

package results

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onFullDisk is set in the child process in which no file may grow.
const onFullDisk = "HARNESS_TEST_FULL_DISK"

// A full disk ends what is being written, says so, and leaves the study as it was: here
// a child process may not make a file larger than 4 KiB.
func TestFullDiskLeavesTheStudyWhole(t *testing.T) {
	if dir := os.Getenv(onFullDisk); dir != "" {
		writeOnFullDisk(t, Store{Dir: dir})
		return
	}
	s := smallStudy(t)
	before := read(t, s)
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDiskLeavesTheStudyWhole$", "-test.v")
	cmd.Env = append(os.Environ(), onFullDisk+"="+s.Dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "refused as full") {
		t.Fatalf("%v\n%s", err, out)
	}
	wholeAndClean(t, s, before)
}

func writeOnFullDisk(t *testing.T, s Store) {
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		t.Fatal(err)
	}
	refusedAsFull(t, s)
}

// refusedAsFull tries every way of writing.
func refusedAsFull(t *testing.T, s Store) {
	t.Helper()
	trial := testTrial()
	trial.TrialID, trial.LogTail = "t0009", noise(1<<16)
	_, packErr := s.Pack()
	for what, err := range map[string]error{
		"plan":    s.WritePlan("t0009", []byte(noise(1<<16))),
		"run":     s.WriteRun(Run{StudyID: "s", TrialID: "t0009", RunID: "t0009-c4-r1"}, []Request{{RunID: "t0009-c4-r1", Error: noise(1 << 16)}}),
		"samples": s.WriteSamples("t0009", []Sample{{StudyID: "s", TrialID: "t0009", Metric: noise(1 << 16)}}),
		"trial":   s.WriteTrial(trial),
		"pack":    packErr,
	} {
		if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "make room in "+s.Dir) {
			t.Errorf("%s: %v, want the disk to be full", what, err)
		}
	}
	t.Log("refused as full")
}

// noise is text that does not compress.
func noise(n int) string {
	b := make([]byte, n)
	x := uint64(1)
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = '!' + byte(x>>58)
	}
	return string(b)
}

func wholeAndClean(t *testing.T, s Store, before contents) {
	t.Helper()
	same(t, before, read(t, s))
	for _, table := range append([]string{plansDir}, tableDirs...) {
		for _, name := range files(t, s, table) {
			if strings.HasPrefix(name, tmpPrefix) || strings.HasPrefix(name, "t0009") {
				t.Errorf("%s/%s was left behind", table, name)
			}
		}
	}
}

// The same on a real file system of 256 KiB.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	defer unix.Unmount(dir, 0)
	s := Store{Dir: dir}
	if err := s.Create(); err != nil {
		t.Fatal(err)
	}
	addTrial(t, s, "t0001")
	before := read(t, s)
	if err := os.WriteFile(dir+"/fill", make([]byte, 1<<20), 0o644); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	refusedAsFull(t, s)
	wholeAndClean(t, s, before)
	// And after room was made the study goes on.
	if err := os.Remove(dir + "/fill"); err != nil {
		t.Fatal(err)
	}
	addTrial(t, s, "t0002")
	if _, err := s.Pack(); err != nil {
		t.Error(err)
	}
}
