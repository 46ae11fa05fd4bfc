package engine

import (
	"slices"
	"strings"
	"testing"
)

// A SIGKILL that nobody sent is the kernel's: then the configuration needs too much
// memory, and the search must learn it.
func TestKiller(t *testing.T) {
	for _, tt := range []struct {
		phase string
		kills int64
		want  string
	}{
		{PhaseStart, 0, Killed}, {PhaseRun, 0, Killed}, {PhaseRun, -1, Killed},
		{PhaseStart, 1, OOMLoad}, {PhaseFirst, 1, OOMServing}, {PhaseWarmup, 2, OOMServing}, {PhaseRun, 1, OOMServing},
	} {
		class, why := killer(tt.phase, "signal killed after 2.0 s", tt.kills)
		if class != tt.want || !strings.HasPrefix(why, "signal killed after 2.0 s") || strings.Contains(why, "want of memory") != (tt.kills > 0) {
			t.Errorf("%s, %d kills: %s, %s; want %s", tt.phase, tt.kills, class, why, tt.want)
		}
	}
}

// As kernel 6.18 writes them.
func TestOOMCounters(t *testing.T) {
	const events = "low 0\nhigh 0\nmax 2041\noom 12\noom_kill 3\noom_group_kill 0\n"
	if n, ok := counter(events, "oom_kill"); n != 3 || !ok {
		t.Errorf("memory.events: %d, %v", n, ok)
	}
	for _, text := range []string{"", "oom 12\n", "oom_kill x\n"} {
		if n, ok := counter(text, "oom_kill"); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
	got := eventFiles("12:memory:/user.slice\n0::/user.slice/session-3.scope\n")
	if want := []string{"/sys/fs/cgroup/user.slice/session-3.scope/memory.events", "/sys/fs/cgroup/memory.events"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := eventFiles("4:memory:/docker/1\n"); got != nil {
		t.Errorf("without cgroup v2: %v", got)
	}
}
